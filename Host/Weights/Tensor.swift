/// A tensor of a model file: a view that keeps the file mapped.
public struct Tensor: Sendable {
    public let name: String
    /// Extents, row-major, outermost first: a weight matrix is `[outputs, inputs]`. (The file lists them the other
    /// way round.) One to four of them, each at least 1; the last is a multiple of the type's block.
    public let shape: [Int]
    public let type: TensorType
    public let byteCount: Int
    private let file: MappedFile
    /// Bytes from the start of the file.
    private let offset: Int

    init(name: String, shape: [Int], type: TensorType, file: MappedFile, offset: Int, byteCount: Int) {
        self.name = name
        self.shape = shape
        self.type = type
        self.file = file
        self.offset = offset
        self.byteCount = byteCount
    }

    /// Number of elements.
    public var count: Int { shape.reduce(1, *) }

    /// The data, read-only, aligned to 8 bytes or more. Valid while this view or its ``GGUFFile`` lives.
    public var bytes: UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: file.bytes[offset..<offset + byteCount])
    }
}
