/// Writes a GGUF file, version 3: metadata, the list of tensors, then their data, each tensor at a multiple of 32 bytes.
///
/// Nothing but the head is held in memory; tensors come as they are asked for.
public struct GGUFWriter {
    /// The multiple that readers expect where `general.alignment` says nothing.
    private static let alignment = 32

    public typealias Append = (UnsafeRawBufferPointer) throws -> Void

    /// A tensor that is to be written.
    public struct TensorPlan {
        public var name: String
        /// Outermost first.
        public var shape: [Int]
        public var type: TensorType
        /// Appends the data, ``byteCount`` bytes of it.
        public var write: (_ append: Append) throws -> Void

        public init(
            name: String, shape: [Int], type: TensorType, write: @escaping (_ append: Append) throws -> Void
        ) {
            self.name = name
            self.shape = shape
            self.type = type
            self.write = write
        }

        public var byteCount: Int { shape.reduce(1, *) / type.blockElements * type.blockBytes }
    }

    private let entries: [GGUFEntry]
    private let tensors: [TensorPlan]

    /// - Parameter entries: Without `general.alignment`.
    public init(entries: [GGUFEntry], tensors: [TensorPlan]) {
        self.entries = entries
        self.tensors = tensors
    }

    /// Bytes of the data of all tensors.
    public var dataByteCount: Int { tensors.reduce(0) { $0 + $1.byteCount } }

    /// Writes the file from its first byte to its last.
    public func write(_ append: Append) throws {
        try Self.head(entries, tensors).withUnsafeBytes(append)
        for tensor in tensors {
            var written = 0
            try tensor.write { bytes in
                written += bytes.count
                try append(bytes)
            }
            precondition(written == tensor.byteCount, "\(tensor.name) wrote \(written) bytes")
            try [UInt8](repeating: 0, count: Self.padding(written)).withUnsafeBytes(append)
        }
    }

    private static func head(_ entries: [GGUFEntry], _ tensors: [TensorPlan]) -> [UInt8] {
        var head = Array("GGUF".utf8) + GGUFEntry.stored(UInt32(3))
        head += GGUFEntry.stored(UInt64(tensors.count)) + GGUFEntry.stored(UInt64(entries.count))
        for entry in entries { head += GGUFEntry.stored(entry.key) + entry.bytes }
        var offset = 0
        for tensor in tensors {
            head += GGUFEntry.stored(tensor.name) + GGUFEntry.stored(UInt32(tensor.shape.count))
            for extent in tensor.shape.reversed() { head += GGUFEntry.stored(UInt64(extent)) }
            head += GGUFEntry.stored(tensor.type.rawValue) + GGUFEntry.stored(UInt64(offset))
            offset += tensor.byteCount + padding(tensor.byteCount)
        }
        return head + [UInt8](repeating: 0, count: padding(head.count))
    }

    private static func padding(_ size: Int) -> Int { (alignment - size % alignment) % alignment }
}
