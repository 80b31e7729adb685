import GatehouseTensorFiles

/// A model file in GGUF format, version 2 or 3 (which differ in nothing that is read here), mapped into memory.
///
/// Opening checks everything that later reads rely on, so that no view handed out reaches outside the file.
/// Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
public final class GGUFFile: TensorSource {
    public let path: String
    public let version: UInt32
    public let metadata: GGUFMetadata
    /// Tensors in the order of the file.
    public let tensors: [Tensor]
    /// Bytes of the whole file.
    public let byteCount: Int
    private let tensorIndex: [String: Int]

    public init(path: String) throws(GGUFError) {
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

        let directory = try TensorDirectory(
            &reader, count: tensorCount, alignment: try metadata.integer("general.alignment") ?? 32)
        tensors = directory.tensors
        tensorIndex = directory.index
    }

    public func tensor(named name: String) -> Tensor? {
        tensorIndex[name].map { tensors[$0] }
    }
}

extension GGUFFile {
    /// Types that `general.file_type` stands for, numbered as llama.cpp's `llama_ftype`. Those of the K types that mix are
    /// not among them.
    private static let fileTypes: [Int: TensorType] = [
        2: .q4_0, 3: .q4_1, 7: .q8_0, 8: .q5_0, 9: .q5_1, 14: .q4_k, 16: .q5_k, 18: .q6_k,
    ]

    /// Matrices of another type than the file's, whose rows no block of that type divides.
    public var fallbacks: [Tensor] {
        get throws(GGUFError) {
            guard let type = try metadata.integer("general.file_type").flatMap({ Self.fileTypes[$0] }) else {
                return []
            }
            return tensors.filter { tensor in
                tensor.shape.count > 1 && tensor.type != type
                    && tensor.shape.last?.isMultiple(of: type.blockElements) == false
            }
        }
    }
}
