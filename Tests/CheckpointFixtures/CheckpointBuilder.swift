import Foundation
import GatehouseTensorFiles

/// Writes small checkpoints as Hugging Face publishes them, sound or damaged on purpose.
public struct CheckpointBuilder {
    public struct Tensor {
        public var name: String
        /// As the file calls it: "F32", "F16", "BF16".
        public var type: String
        public var shape: [Int]
        public var data: [UInt8]
        /// What the header says instead of the type, shape and place that are true: a JSON object.
        public var header: String?
    }

    /// `config.json`.
    public var config: [String: Any]
    public var tensors: [Tensor] = []
    /// What the file says is the length of its header, if not what it is.
    public var headerLength: UInt64?
    /// Bytes left out at the end of the weights.
    public var cut = 0
    /// Text of further files by name; they take the place of those that are written otherwise.
    public var files: [String: String] = [:]

    public init(config: [String: Any]) {
        self.config = config
    }

    /// A copy of a checkpoint, in one file of weights.
    public init(copying fixture: CheckpointFixture) throws {
        let folder = URL(fileURLWithPath: fixture.path(.safetensors))
        func data(_ name: String) throws -> Data { try Data(contentsOf: folder.appendingPathComponent(name)) }
        guard let config = try JSONSerialization.jsonObject(with: data("config.json")) as? [String: Any]
        else {
            throw CocoaError(.fileReadCorruptFile)
        }
        self.config = config
        for name in [
            "tokenizer.json", "tokenizer_config.json", "generation_config.json", "chat_template.jinja",
        ] {
            files[name] = String(decoding: try data(name), as: UTF8.self)
        }
        tensors = try SafetensorsCheckpoint(path: folder.path).tensors.map { tensor in
            Tensor(
                name: tensor.name, type: tensor.type.rawValue, shape: tensor.shape, data: Array(tensor.bytes))
        }
    }

    /// Adds a tensor whose elements are the nearest numbers of its type.
    public mutating func add(_ name: String, _ type: String, shape: [Int], _ values: [Float]) {
        let data =
            switch type {
            case "F16": values.flatMap { bytes(Float16($0).bitPattern) }
            // Towards zero, which is as good as any here.
            case "BF16": values.flatMap { bytes(UInt16($0.bitPattern >> 16)) }
            default: values.flatMap { bytes($0.bitPattern) }
            }
        tensors.append(Tensor(name: name, type: type, shape: shape, data: data))
    }

    /// Changes a tensor.
    public mutating func change(_ name: String, _ change: (inout Tensor) -> Void) {
        for index in tensors.indices where tensors[index].name == name { change(&tensors[index]) }
    }

    /// The bytes of the safetensors file.
    public func weights() -> [UInt8] {
        var entries: [String] = []
        var data: [UInt8] = []
        for tensor in tensors {
            let header =
                tensor.header
                ?? #"{"dtype":"\#(tensor.type)","shape":\#(tensor.shape),"data_offsets":[\#(data.count),\#(data.count + tensor.data.count)]}"#
            entries.append("\"\(tensor.name)\":\(header)")
            data += tensor.data
        }
        let header = Array("{\(entries.joined(separator: ","))}".utf8)
        return (bytes(headerLength ?? UInt64(header.count)) + header + data).dropLast(cut)
    }

    /// Calls `body` with the folder, which is removed afterwards.
    public func withFolder<Result>(_ body: (String) throws -> Result) throws -> Result {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
            "checkpoint-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try Data(weights()).write(to: folder.appendingPathComponent("model.safetensors"))
        try JSONSerialization.data(withJSONObject: config).write(
            to: folder.appendingPathComponent("config.json"))
        for (name, text) in files {
            try Data(text.utf8).write(to: folder.appendingPathComponent(name))
        }
        return try body(folder.path)
    }

    private func bytes<Number: FixedWidthInteger>(_ number: Number) -> [UInt8] {
        withUnsafeBytes(of: number.littleEndian, Array.init)
    }
}
