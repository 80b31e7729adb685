import Foundation
import Weights

/// Shows what a model file holds.
struct InspectCommand: Command {
    static let name = "inspect"
    static let synopsis = "P"
    static let summary = "Show what a model file holds: metadata and tensors."
    static let options: [Option] = []

    private let path: String

    init(_ arguments: Arguments) throws(UsageError) {
        try arguments.expectRest(1...1, "the file")
        path = arguments.rest[0]
    }

    func run() async throws {
        let file = try GGUFFile(path: path)
        print("\(path): GGUF \(file.version), \(Self.size(file.byteCount)), \(file.tensors.count) tensors")
        print("\nmetadata")
        let width = file.metadata.keys.map(\.count).max() ?? 0
        for key in file.metadata.keys {
            let value = file.metadata[key].map { "\($0)" } ?? ""
            print("  \(key.padding(toLength: width, withPad: " ", startingAt: 0))  \(Self.line(value))")
        }
        print("\ntensors")
        let names = file.tensors.map(\.name.count).max() ?? 0
        for tensor in file.tensors {
            let shape = "[" + tensor.shape.map(String.init).joined(separator: ", ") + "]"
            print(
                "  \(tensor.name.padding(toLength: names, withPad: " ", startingAt: 0))  "
                    + "\("\(tensor.type)".padding(toLength: 5, withPad: " ", startingAt: 0))  "
                    + "\(shape.padding(toLength: 14, withPad: " ", startingAt: 0))  \(Self.size(tensor.byteCount))"
            )
        }
        print("\ntypes")
        let groups = Dictionary(grouping: file.tensors, by: \.type).sorted {
            $0.key.rawValue < $1.key.rawValue
        }
        for (type, tensors) in groups {
            let bytes = tensors.reduce(0) { $0 + $1.byteCount }
            let values = tensors.reduce(0) { $0 + $1.count }
            print(
                "  \("\(type)".padding(toLength: 5, withPad: " ", startingAt: 0))  \(tensors.count) tensors, "
                    + "\(values) values, \(Self.size(bytes))")
        }
    }

    /// One line of at most a hundred characters.
    private static func line(_ text: String) -> String {
        let line = text.replacing("\n", with: "\\n")
        return line.count <= 100 ? line : line.prefix(99) + "…"
    }

    private static func size(_ bytes: Int) -> String {
        bytes < 10_000 ? "\(bytes) B" : String(format: "%.2f MB", Double(bytes) / 1e6)
    }
}
