import Foundation
import Server

/// What `gatehouse key` can do.
enum KeyCommand {
    static let verbs: [any Command.Type] = [KeyNewCommand.self, KeyListCommand.self, KeyRemoveCommand.self]

    static let file = Option("--api-key-file", "F", "the file of keys")
}

/// Makes a key and prints it, once.
struct KeyNewCommand: Command {
    static let name = "key new"
    static let synopsis = "LABEL --api-key-file F [OPTION]…"
    static let summary =
        "Make an API key: its digest goes to the file, the key is printed, once, as the last word."
    static let options = [
        KeyCommand.file,
        Option("--requests-per-minute", "N", "requests that it may send (default: no limit)"),
        Option(
            "--tokens-per-minute", "N", "tokens of prompts and answers that it may spend (default: no limit)"),
        Option("--concurrent", "N", "requests that it may have at once (default: no limit)"),
        Option(
            "--modalities", "L",
            "what its requests may hold beside text: \"image,audio\", or \"text\" (default: anything)"),
    ]

    private let path: String
    private let label: String
    private let limits: APIKey.Limits

    init(_ arguments: Arguments) throws(UsageError) {
        try arguments.expectRest(1...1, "the key's label")
        label = arguments.rest[0]
        guard APIKey.isLabel(label) else {
            throw UsageError("expected a label of letters, digits and -_.@, at most 64, found \"\(label)\"")
        }
        path = try arguments.required("--api-key-file")
        let range = 1...(1 << 40)
        limits = APIKey.Limits(
            requestsPerMinute: try arguments.integer("--requests-per-minute", in: range),
            tokensPerMinute: try arguments.integer("--tokens-per-minute", in: range),
            concurrent: try arguments.integer("--concurrent", in: range),
            modalities: try arguments.value("--modalities").map { list in
                Set(list.split(separator: ",").map(String.init)).subtracting(["text"])
            })
    }

    func run() async throws {
        var file =
            FileManager.default.fileExists(atPath: path) ? try KeyFile(path: path) : KeyFile(newAt: path)
        let key = APIKey.makeKey()
        try file.add(APIKey(label: label, key: key, limits: limits))
        print("the key \(label), of which \(path) keeps the digest only:\n\(key)")
    }
}

struct KeyListCommand: Command {
    static let name = "key list"
    static let synopsis = "--api-key-file F"
    static let summary = "Show the labels of the keys, and their limits."
    static let options = [KeyCommand.file]

    private let path: String

    init(_ arguments: Arguments) throws(UsageError) {
        try arguments.expectRest(0...0, "")
        path = try arguments.required("--api-key-file")
    }

    func run() async throws {
        for key in try KeyFile(path: path).keys {
            print(([key.label] + key.limits.words).joined(separator: " "))
        }
    }
}

struct KeyRemoveCommand: Command {
    static let name = "key remove"
    static let synopsis = "LABEL --api-key-file F"
    static let summary = "Take a key away; a running daemon refuses it from the next request on."
    static let options = [KeyCommand.file]

    private let path: String
    private let label: String

    init(_ arguments: Arguments) throws(UsageError) {
        try arguments.expectRest(1...1, "the key's label")
        label = arguments.rest[0]
        path = try arguments.required("--api-key-file")
    }

    func run() async throws {
        var file = try KeyFile(path: path)
        try file.remove(label)
        print("removed \(label) from \(path)")
    }
}
