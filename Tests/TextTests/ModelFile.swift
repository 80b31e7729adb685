import Foundation
import Text

/// The tokenizer of a GGUF file, read without the host's own reader: Text stands alone.
struct ModelFile {
    let description: TokenizerDescription

    /// models/SmolLM2-135M-Instruct.Q4_1.gguf, which run_server.sh and run_tests.sh fetch.
    static let smolLM2 = Result {
        try ModelFile(root.appending(path: "models/SmolLM2-135M-Instruct.Q4_1.gguf"))
    }
    static let tokenizer = Result { try Tokenizer(smolLM2.get().description) }

    static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    static func fixture(_ name: String) throws -> Data {
        try Data(
            contentsOf: URL(filePath: #filePath).deletingLastPathComponent().appending(
                path: "Fixtures/\(name)"))
    }

    init(_ file: URL) throws {
        var reader = MetadataReader(data: try Data(contentsOf: file, options: .alwaysMapped))
        let values = try reader.read()
        func id(_ key: String) -> TokenID? { (values["tokenizer.ggml.\(key)"] as? UInt64).map(TokenID.init) }
        description = TokenizerDescription(
            model: values["tokenizer.ggml.model"] as? String ?? "",
            preTokenizer: values["tokenizer.ggml.pre"] as? String ?? "",
            tokens: values["tokenizer.ggml.tokens"] as? [String] ?? [],
            kinds: (values["tokenizer.ggml.token_type"] as? [UInt64] ?? []).map { Int32($0) },
            merges: values["tokenizer.ggml.merges"] as? [String] ?? [],
            bos: id("bos_token_id"), eos: id("eos_token_id"),
            addsBOS: values["tokenizer.ggml.add_bos_token"] as? Bool ?? false,
            chatTemplate: values["tokenizer.chat_template"] as? String)
    }
}

/// GGUF version 3: magic, version, tensor count, entry count, then (key, type, value) entries.
private struct MetadataReader {
    struct Malformed: Error {}

    let data: Data
    var position = 8

    init(data: Data) {
        self.data = data
    }

    mutating func read() throws -> [String: Any] {
        _ = try number(8)
        var values: [String: Any] = [:]
        for _ in 0..<(try number(8)) {
            let key = try string()
            values[key] = try value(try number(4))
        }
        return values
    }

    private mutating func number(_ bytes: Int) throws -> UInt64 {
        guard position + bytes <= data.count else { throw Malformed() }
        defer { position += bytes }
        return (0..<bytes).reduce(0) { $0 | UInt64(data[position + $1]) << UInt64(8 * $1) }
    }

    private mutating func string() throws -> String {
        let size = Int(try number(8))
        guard position + size <= data.count else { throw Malformed() }
        defer { position += size }
        return String(decoding: data[position..<position + size], as: UTF8.self)
    }

    private mutating func value(_ type: UInt64) throws -> Any {
        switch type {
        case 0, 1: return try number(1)
        case 2, 3: return try number(2)
        case 4, 5, 6: return try number(4)
        case 7: return try number(1) != 0
        case 8: return try string()
        case 9:
            let element = try number(4)
            let count = try number(8)
            if element == 8 { return try (0..<count).map { _ in try string() } }
            return try (0..<count).compactMap { _ in try value(element) as? UInt64 }
        case 10, 11, 12: return try number(8)
        default: throw Malformed()
        }
    }
}
