/// Why a model file was refused. Every format says it alike.
public typealias GGUFError = TensorFileError

/// What a model file in GGUF format holds, version 2 or 3 (which differ in nothing that is read here), mapped into memory.
///
/// Opening checks everything that later reads rely on, so that no view handed out reaches outside the file.
/// Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
public final class GGUFContents: Sendable {
    public let path: String
    public let version: UInt32
    public let metadata: GGUFMetadata
    /// Tensors in the order of the file.
    public let tensors: [GGUFTensor]
    /// Bytes of the whole file.
    public let byteCount: Int
    private let index: [String: Int]

    /// Opens a file whose tensors are of these types; one of another is an error.
    public init(path: String, types: GGUFTypes = .encoders) throws(GGUFError) {
        let file = try MappedFile(path: path)
        var reader = ByteReader(file)
        self.path = path
        byteCount = file.bytes.count

        let magic = try reader.integer(UInt32.self, "magic")
        guard magic == 0x4655_4747 else {  // "GGUF", read little-endian
            throw reader.error("magic", expected: "\"GGUF\"", found: "0x\(String(magic, radix: 16))")
        }
        version = try reader.integer(UInt32.self, "version")
        guard version == 2 || version == 3 else {
            let bigEndian = version.byteSwapped == 2 || version.byteSwapped == 3
            throw reader.error(
                "version", expected: "2 or 3, little-endian",
                found: bigEndian ? "a big-endian file" : "\(version)")
        }
        // The smallest entries: a tensor of one dimension with an empty name; a key of no bytes with a byte.
        let tensorCount = try reader.count(least: 8 + 4 + 8 + 4 + 8, "tensor count")
        let entryCount = try reader.count(least: 8 + 4 + 1, "metadata entry count")
        metadata = try GGUFMetadata(&reader, count: entryCount)

        let directory = try GGUFDirectory(
            &reader, count: tensorCount, alignment: try metadata.integer("general.alignment") ?? 32,
            types: types)
        tensors = directory.tensors
        index = directory.index
    }

    public func tensor(named name: String) -> GGUFTensor? { index[name].map { tensors[$0] } }
}

/// A tensor of a GGUF file: a view that keeps the file mapped.
public struct GGUFTensor: Sendable {
    public let name: String
    /// Extents, row-major, outermost first; one to four, each at least 1. (The file lists them the other way round.)
    public let shape: [Int]
    /// As the file numbers it.
    public let type: UInt32
    /// The file that holds it.
    public let file: MappedFile
    /// Where its data lies, in bytes from the start of the file.
    let range: Range<Int>

    /// The data, little-endian, aligned to 8 bytes or more. Valid while this view or its file lives.
    public var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: file.bytes[range]) }
}

/// Element types that a reader takes, by the numbers that files have for them.
public struct GGUFTypes: Sendable {
    /// Elements that lie next to each other in a row are stored in blocks; of plain numbers, blocks of one.
    public struct Block: Sendable {
        public let name: String
        public let elements: Int
        public let bytes: Int

        public init(name: String, elements: Int, bytes: Int) {
            self.name = name
            self.elements = elements
            self.bytes = bytes
        }
    }

    /// What encoders are published in: floating point, and blocks of 32 int8 behind their scale, a float16.
    public static let encoders = GGUFTypes([
        0: Block(name: "F32", elements: 1, bytes: 4), 1: Block(name: "F16", elements: 1, bytes: 2),
        8: Block(name: "Q8_0", elements: 32, bytes: 34), 30: Block(name: "BF16", elements: 1, bytes: 2),
    ])

    /// What the format calls types, whether they are read or not.
    private static let known: [UInt32: String] = [
        0: "F32", 1: "F16", 2: "Q4_0", 3: "Q4_1", 6: "Q5_0", 7: "Q5_1", 8: "Q8_0", 9: "Q8_1", 10: "Q2_K",
        11: "Q3_K", 12: "Q4_K", 13: "Q5_K", 14: "Q6_K", 15: "Q8_K", 20: "IQ4_NL", 23: "IQ4_XS", 24: "I8",
        25: "I16", 26: "I32", 27: "I64", 28: "F64", 30: "BF16", 39: "MXFP4",
    ]

    /// For messages.
    static func name(_ number: UInt32) -> String {
        known[number].map { "\($0) (\(number))" } ?? "type \(number)"
    }

    private let types: [UInt32: Block]

    public init(_ types: [UInt32: Block]) { self.types = types }

    func type(_ number: UInt32) -> Block? { types[number] }

    /// All of them, for messages.
    var names: String {
        types.sorted { $0.key < $1.key }.map { "\($0.value.name) (\($0.key))" }.joined(separator: ", ")
    }
}
