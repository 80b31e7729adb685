import Foundation
import GatehouseTensorFiles

/// A model as Hugging Face publishes it: a folder with `config.json` and weights in safetensors format.
public final class Checkpoint: TensorSource {
    /// The folder.
    public let path: String
    /// `config.json`.
    public let configuration: Configuration
    /// `generation_config.json`; nil where there is none.
    public let generation: Configuration?
    /// The tensors of types that weights have: float32, float16 and bfloat16.
    public let tensors: [Tensor]
    /// The tensors of any other type.
    public let otherTensors: [SafetensorsTensor]
    /// The files of weights, in the order of their names.
    public let files: [ModelFile]
    private let tensorIndex: [String: Int]

    public init(path: String) throws(TensorFileError) {
        let weights = try SafetensorsCheckpoint(path: path)
        var tensors: [Tensor] = []
        var others: [SafetensorsTensor] = []
        var index: [String: Int] = [:]
        for tensor in weights.tensors {
            guard let type = TensorType(tensor.type) else {
                others.append(tensor)
                continue
            }
            index[tensor.name] = tensors.count
            tensors.append(
                Tensor(
                    name: tensor.name, shape: tensor.shape, type: type, bytes: tensor.bytes,
                    owner: tensor.file))
        }
        self.path = path
        self.tensors = tensors
        otherTensors = others
        tensorIndex = index
        files = weights.files.map { ModelFile(path: $0.path, byteCount: $0.byteCount) }
        configuration = try Configuration(path: "\(path)/config.json")
        let generation = "\(path)/generation_config.json"
        self.generation =
            FileManager.default.fileExists(atPath: generation) ? try Configuration(path: generation) : nil
    }

    /// Bytes of all files of weights.
    public var byteCount: Int { files.reduce(0) { $0 + $1.byteCount } }

    public func tensor(named name: String) -> Tensor? { tensorIndex[name].map { tensors[$0] } }
}

extension TensorType {
    /// The same type, where weights may have it.
    init?(_ type: SafetensorsType) {
        switch type {
        case .f32: self = .f32
        case .f16: self = .f16
        case .bf16: self = .bf16
        default: return nil
        }
    }
}
