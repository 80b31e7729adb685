import Foundation
import GatehouseTensorFiles
import Reference
import Weights

/// One of the small random checkpoints of `Tests/Fixtures/Checkpoints`, which `make_checkpoints.py` there makes again.
public struct CheckpointFixture: Sendable, CustomStringConvertible {
    /// What the weights can be read from. Both hold the same numbers.
    public enum Format: String, Sendable, CaseIterable {
        case safetensors
        case gguf = "GGUF"
    }

    public let name: String
    /// Where it lies.
    private let folder: URL

    public static let all = [
        "llama-tied", "llama-llama3", "llama-bias", "glm4", "glm4-sharded", "glm4v", "glm4v-sharded",
        "glm4v-old-names",
    ].map { CheckpointFixture($0) }

    public init(_ name: String, in folder: URL = CheckpointFixture.folder) {
        self.name = name
        self.folder = folder
    }

    /// All that a folder holds, by name.
    public static func found(in folder: URL) throws -> [CheckpointFixture] {
        let ending = ".reference.safetensors"
        return try FileManager.default.contentsOfDirectory(atPath: folder.path)
            .filter { $0.hasSuffix(ending) }.sorted()
            .map { CheckpointFixture(String($0.dropLast(ending.count)), in: folder) }
    }

    public static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().appendingPathComponent("Fixtures/Checkpoints")

    public var description: String { name }

    /// "llama", "glm4" or "glm4v".
    public var family: String { String(name.prefix { $0 != "-" }) }

    /// The folder of the checkpoint, or the GGUF file.
    public func path(_ format: Format) -> String {
        folder.appendingPathComponent(format == .gguf ? name + ".gguf" : name).path
    }

    /// The reference engine over the checkpoint's weights.
    public func engine(_ format: Format) throws -> ReferenceDecoder {
        switch format {
        case .gguf: return try ReferenceDecoder(GGUFFile(path: path(.gguf)))
        case .safetensors: return try ReferenceDecoder(folder: path(.safetensors))
        }
    }

    /// What transformers computes with these weights.
    public func expectations() throws -> [LogitsExpectation] {
        try LogitsExpectation.read(folder.appendingPathComponent(name + ".reference.safetensors").path)
    }
}

extension ReferenceDecoder {
    /// The decoder of a published checkpoint.
    public init(folder: String) throws {
        let checkpoint = try SafetensorsCheckpoint(path: folder)
        try self.init(
            config: Data(contentsOf: URL(fileURLWithPath: folder).appendingPathComponent("config.json")),
            tensors: ReferenceTensors { name in
                try checkpoint.tensor(named: name).map { tensor in
                    ReferenceTensor(shape: tensor.shape, values: try tensor.floats())
                }
            })
    }

    /// The decoder of a GGUF file whose tensors are not quantised.
    public init(_ file: GGUFFile) throws {
        let metadata = file.metadata
        try self.init(
            metadata: Metadata(
                string: { try metadata.string($0) },
                number: { key in
                    if case .float(let number) = metadata[key] { return number }
                    return try metadata.integer(key).map(Double.init)
                },
                integers: { try metadata.integers($0) }),
            tensors: ReferenceTensors { name in
                try file.tensor(named: name).map { tensor in
                    ReferenceTensor(shape: tensor.shape, values: try tensor.floats())
                }
            })
    }
}
