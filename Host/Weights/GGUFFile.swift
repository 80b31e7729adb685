@_exported import GatehouseTensorFiles

/// A model file in GGUF format, of every type that the backend computes with. See ``GGUFContents``.
public final class GGUFFile: TensorSource {
    public let path: String
    /// Tensors in the order of the file.
    public let tensors: [Tensor]
    private let contents: GGUFContents

    private static let types = GGUFTypes(
        Dictionary(
            uniqueKeysWithValues: TensorType.allCases.map {
                (
                    $0.rawValue,
                    GGUFTypes.Block(name: "\($0)", elements: $0.blockElements, bytes: $0.blockBytes)
                )
            }))

    public init(path: String) throws(GGUFError) {
        contents = try GGUFContents(path: path, types: Self.types)
        self.path = path
        tensors = contents.tensors.map { Tensor($0) }
    }

    public var version: UInt32 { contents.version }
    public var metadata: GGUFMetadata { contents.metadata }
    /// Bytes of the whole file.
    public var byteCount: Int { contents.byteCount }

    public func tensor(named name: String) -> Tensor? {
        contents.tensor(named: name).map { Tensor($0) }
    }
}

extension Tensor {
    /// Of a file that was opened for the types of the backend.
    fileprivate init(_ tensor: GGUFTensor) {
        guard let type = TensorType(rawValue: tensor.type) else {
            preconditionFailure("the file was opened for these types")
        }
        self.init(
            name: tensor.name, shape: tensor.shape, type: type, bytes: tensor.bytes, owner: tensor.file)
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
