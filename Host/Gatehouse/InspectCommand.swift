import Foundation
import GatehouseJSON
import Weights

/// Shows what a model file or a checkpoint holds.
struct InspectCommand: Command {
    static let name = "inspect"
    static let synopsis = "P"
    static let summary = "Show what a model file or a checkpoint's folder holds: metadata and tensors."
    static let options: [Option] = []

    private let path: String

    init(_ arguments: Arguments) throws(UsageError) {
        try arguments.expectRest(1...1, "the file or folder")
        path = arguments.rest[0]
    }

    func run() async throws {
        let source = try ModelSource(path: path)
        switch source {
        case .gguf(let file): show(file)
        case .checkpoint(let checkpoint): show(checkpoint)
        }
        show(source.weights.tensors)
    }

    private func show(_ file: GGUFFile) {
        print("\(path): GGUF \(file.version), \(ByteSize(file.byteCount)), \(file.tensors.count) tensors")
        show(file.metadata.keys.map { ($0, file.metadata[$0].map { "\($0)" } ?? "") }, of: "metadata")
    }

    private func show(_ checkpoint: Checkpoint) {
        let count = checkpoint.tensors.count + checkpoint.otherTensors.count
        print("\(path): safetensors, \(ByteSize(checkpoint.byteCount)), \(count) tensors")
        show(Self.entries(checkpoint.configuration.members), of: "config.json")
        if let generation = checkpoint.generation {
            show(Self.entries(generation.members), of: "generation_config.json")
        }
        if !checkpoint.otherTensors.isEmpty {
            print("\ntensors that are no weights")
            for tensor in checkpoint.otherTensors {
                print("  \(tensor.name)  \(tensor.type.rawValue)  \(tensor.shape)")
            }
        }
    }

    private static func entries(_ members: JSONObject) -> [(key: String, value: String)] {
        members.map { ($0.key, $0.value.stringValue ?? $0.value.text) }
    }

    private func show(_ entries: [(key: String, value: String)], of title: String) {
        print("\n\(title)")
        let width = entries.map(\.key.count).max() ?? 0
        for (key, value) in entries {
            print("  \(key.padding(toLength: width, withPad: " ", startingAt: 0))  \(Self.line(value))")
        }
    }

    private func show(_ tensors: [Tensor]) {
        print("\ntensors")
        let names = tensors.map(\.name.count).max() ?? 0
        for tensor in tensors {
            let shape = "[" + tensor.shape.map(String.init).joined(separator: ", ") + "]"
            print(
                "  \(tensor.name.padding(toLength: names, withPad: " ", startingAt: 0))  "
                    + "\("\(tensor.type)".padding(toLength: 5, withPad: " ", startingAt: 0))  "
                    + "\(shape.padding(toLength: 14, withPad: " ", startingAt: 0))  \(ByteSize(tensor.byteCount))"
            )
        }
        print("\ntypes")
        let groups = Dictionary(grouping: tensors, by: \.type).sorted { $0.key.rawValue < $1.key.rawValue }
        for (type, tensors) in groups {
            let bytes = tensors.reduce(0) { $0 + $1.byteCount }
            let values = tensors.reduce(0) { $0 + $1.count }
            print(
                "  \("\(type)".padding(toLength: 5, withPad: " ", startingAt: 0))  \(tensors.count) tensors, "
                    + "\(values) values, \(ByteSize(bytes))")
        }
    }

    /// One line of at most a hundred characters.
    private static func line(_ text: String) -> String {
        let line = text.replacing("\n", with: "\\n")
        return line.count <= 100 ? line : line.prefix(99) + "…"
    }
}
