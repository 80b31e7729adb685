/// A tensor of a safetensors file: a view that keeps the file mapped.
public struct SafetensorsTensor: Sendable {
    public let name: String
    public let type: SafetensorsType
    /// Extents, row-major, outermost first; empty for a single number. An extent may be 0.
    public let shape: [Int]
    /// The file that holds it.
    public let file: MappedFile
    /// Where its data lies, in bytes from the start of the file.
    let range: Range<Int>

    /// Number of elements.
    public var count: Int { range.count / type.byteCount }

    /// The data, little-endian and of any alignment. Valid while this view or its file lives.
    public var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: file.bytes[range]) }
}
