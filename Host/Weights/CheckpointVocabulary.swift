import GatehouseJSON
import GatehouseNumerics

/// The tokenizer of a checkpoint, byte-level BPE in `tokenizer.json`, as GGUF files hold it.
public struct CheckpointVocabulary {
    /// Metadata under `tokenizer.`.
    public private(set) var entries: [GGUFEntry] = []

    private let checkpoint: Checkpoint
    private let file: Configuration
    private var ids: [String: Int] = [:]

    /// - Parameters:
    ///   - count: Rows of the embedding; ids that no token has are filled up.
    ///   - architecture: Of the GGUF file; readers pick some rules by it.
    public init(_ checkpoint: Checkpoint, count: Int, architecture: String) throws(TensorFileError) {
        guard let path = checkpoint.tokenizer else {
            throw TensorFileError(
                path: checkpoint.path, field: "folder", expected: "tokenizer.json", found: "no such file")
        }
        self.checkpoint = checkpoint
        file = try Configuration(path: path)
        let model = try file.require("model", file.object)
        let type = try model.string("type") ?? "BPE"
        guard type == "BPE" else { throw model.error("type", expected: "BPE", found: type) }

        entries.append(.string("tokenizer.ggml.model", "gpt2"))
        entries.append(.string("tokenizer.ggml.pre", try Self.preTokenizer(file, architecture)))
        try addTokens(model, count: count)
        entries.append(.strings("tokenizer.ggml.merges", try Self.merges(model)))
        try addSpecialTokens(isGLM: architecture == "glm4")
        if let template = try chatTemplate() { entries.append(.string("tokenizer.chat_template", template)) }
    }

    // MARK: Tokens

    /// Kinds of tokens, numbered as in `tokenizer.ggml.token_type`.
    private enum Kind: Int32 {
        case normal = 1
        case control = 3
        case userDefined = 4
        case unused = 5
    }

    private mutating func addTokens(_ model: Configuration, count: Int) throws(TensorFileError) {
        var tokens = [String?](repeating: nil, count: count)
        var kinds = [Int32](repeating: Kind.unused.rawValue, count: count)
        func put(_ token: String, _ id: Int?, _ kind: Kind, _ field: String) throws(TensorFileError) {
            guard let id, tokens.indices.contains(id) else {
                throw file.error(
                    field, expected: "an id below \(count), the rows of the embedding",
                    found: id.map { "\($0)" } ?? "something else")
            }
            tokens[id] = token
            kinds[id] = kind.rawValue
        }
        let vocabulary = try model.require("vocab", model.object)
        for (token, id) in vocabulary.members {
            try put(token, id.numberValue?.integer, .normal, "model.vocab[\"\(token)\"]")
            ids[token] = id.numberValue?.integer
        }
        for (index, token) in (file["added_tokens"]?.arrayValue ?? []).enumerated() {
            guard let text = token["content"]?.stringValue else {
                throw file.error(
                    "added_tokens[\(index)].content", expected: "a string",
                    found: token["content"]?.summary ?? "nothing")
            }
            let id = token["id"]?.numberValue?.integer
            let isSpecial = token["special"]?.boolValue == true
            try put(text, id, isSpecial ? .control : .userDefined, "added_tokens[\(index)].id")
            ids[text] = id
        }
        entries.append(
            .strings("tokenizer.ggml.tokens", tokens.enumerated().map { $1 ?? "[PAD\($0)]" }))
        entries.append(.values("tokenizer.ggml.token_type", kinds))
    }

    /// "left right", whether the file has texts or pairs. Spaces in a part become what GPT-2's alphabet has for them.
    private static func merges(_ model: Configuration) throws(TensorFileError) -> [String] {
        guard let values = model["merges"]?.arrayValue else {
            throw model.error("merges", expected: "an array", found: model["merges"]?.summary ?? "nothing")
        }
        var merges: [String] = []
        merges.reserveCapacity(values.count)
        for (index, value) in values.enumerated() {
            if let text = value.stringValue {
                merges.append(text)
            } else if let parts = value.arrayValue?.compactMap(\.stringValue), parts.count == 2 {
                merges.append(parts.map { $0.replacing(" ", with: "\u{120}") }.joined(separator: " "))
            } else {
                throw model.error("merges[\(index)]", expected: "two tokens", found: value.summary)
            }
        }
        return merges
    }

    // MARK: How text is cut into words

    /// Patterns of `tokenizer.json`, by the names that GGUF has for them.
    private static let patterns = [
        #"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"#:
            "llama-bpe",
        #"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"#:
            "qwen2",
    ]

    private static func preTokenizer(
        _ file: Configuration, _ architecture: String
    ) throws(TensorFileError) -> String {
        let value = file["pre_tokenizer"]
        let steps = value?["pretokenizers"]?.arrayValue ?? value.map { [$0] } ?? []
        let types = steps.compactMap { $0["type"]?.stringValue }
        let pattern = steps.lazy.compactMap { $0["pattern"]?["Regex"]?.stringValue }.first
        if types == ["Split", "ByteLevel"], let pattern, let name = patterns[pattern] {
            return architecture == "glm4" && name == "llama-bpe" ? "glm4" : name
        }
        if types == ["Digits", "ByteLevel"], steps[0]["individual_digits"]?.boolValue == true {
            return "smollm"
        }
        if types == ["ByteLevel"], steps[0]["use_regex"]?.boolValue != false { return "gpt-2" }
        throw file.error(
            "pre_tokenizer",
            expected: "one that GGUF has a name for: of Llama 3, GLM-4, Qwen 2, SmolLM or GPT-2",
            found: pattern.map { "Split by \($0)" } ?? types.joined(separator: ", "))
    }

    // MARK: Special tokens

    private mutating func addSpecialTokens(isGLM: Bool) throws(TensorFileError) {
        let names = [
            ("bos", "bos"), ("eos", "eos"), ("unk", "unknown"), ("sep", "seperator"), ("pad", "padding"),
        ]
        var found: [String: Int] = [:]
        let settings = try checkpoint.tokenizerConfiguration.map { path throws(TensorFileError) in
            try Configuration(path: path)
        }
        for (short, name) in names {
            let value = settings?["\(short)_token"]
            let token = value?.stringValue ?? value?["content"]?.stringValue
            if let id = token.flatMap({ ids[$0] }) { found[name] = id }
        }
        if isGLM {
            // As llama.cpp's converter has them, whatever the files say.
            for name in ["eos", "unknown", "bos"] { found[name] = ids["<|endoftext|>"] }
            found["eot"] = ids["<|user|>"]
        }
        for name in ["bos", "eos", "eot", "unknown", "seperator", "padding"] {
            if let id = found[name] { entries.append(.value("tokenizer.ggml.\(name)_token_id", UInt32(id))) }
        }
        if let adds = try settings?.bool("add_bos_token") {
            entries.append(.value("tokenizer.ggml.add_bos_token", adds))
        }
    }

    // MARK: Chat template

    private func chatTemplate() throws(TensorFileError) -> String? {
        if let path = checkpoint.file("chat_template.jinja") {
            let file = try MappedFile(path: path, kind: "chat template")
            guard let text = String(validating: file.bytes, as: UTF8.self) else {
                throw TensorFileError(path: path, field: "file", expected: "UTF-8", found: "other bytes")
            }
            return text
        }
        for path in [checkpoint.file("chat_template.json"), checkpoint.tokenizerConfiguration].compactMap(
            \.self)
        {
            let file = try Configuration(path: path)
            if let text = file["chat_template"]?.stringValue { return text }
            // Several by name.
            let templates = file["chat_template"]?.arrayValue ?? []
            let usual = templates.first { $0["name"]?.stringValue == "default" } ?? templates.first
            if let text = usual?["template"]?.stringValue { return text }
        }
        return nil
    }
}
