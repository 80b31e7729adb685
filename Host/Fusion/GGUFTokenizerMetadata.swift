import Text
import Weights

// Tokenizers and chat templates in the metadata of GGUF files, read and written.

extension TokenizerDescription {
    /// The tokenizer that a GGUF file holds.
    init(_ metadata: GGUFMetadata) throws {
        func id(_ key: String) throws -> TokenID? {
            try metadata.integer("tokenizer.ggml.\(key)").flatMap { TokenID(exactly: $0) }
        }
        self.init(
            model: try metadata.require("tokenizer.ggml.model", metadata.string),
            preTokenizer: try metadata.string("tokenizer.ggml.pre") ?? "default",
            tokens: try metadata.require("tokenizer.ggml.tokens", metadata.strings),
            kinds: try (metadata.integers("tokenizer.ggml.token_type") ?? []).map {
                Int32(truncatingIfNeeded: $0)
            },
            merges: try metadata.strings("tokenizer.ggml.merges") ?? [],
            bos: try id("bos_token_id"), eos: try id("eos_token_id"), eot: try id("eot_token_id"),
            eom: try id("eom_token_id"), unknown: try id("unknown_token_id"),
            separator: try id("seperator_token_id"), padding: try id("padding_token_id"),
            addsBOS: try metadata.bool("tokenizer.ggml.add_bos_token") ?? false,
            chatTemplate: try metadata.string("tokenizer.chat_template"))
    }

    /// The same as entries to be written.
    var entries: [GGUFEntry] {
        let special = [
            ("bos", bos), ("eos", eos), ("eot", eot), ("eom", eom), ("unknown", unknown),
            ("seperator", separator), ("padding", padding),
        ]
        return [
            .string("tokenizer.ggml.model", model), .string("tokenizer.ggml.pre", preTokenizer),
            .strings("tokenizer.ggml.tokens", tokens), .values("tokenizer.ggml.token_type", kinds),
            .strings("tokenizer.ggml.merges", merges),
        ]
            + special.compactMap { name, id in
                id.map { .value("tokenizer.ggml.\(name)_token_id", UInt32($0)) }
            }
            + [.value("tokenizer.ggml.add_bos_token", addsBOS)]
            + (chatTemplate.map { [.string("tokenizer.chat_template", $0)] } ?? [])
    }
}

extension Checkpoint {
    /// Its tokenizer and chat template as entries of a GGUF file.
    ///
    /// - Parameters:
    ///   - architecture: Of the file that is written.
    ///   - vocabulary: Rows of the embedding.
    /// - Throws: `CheckpointTokenizerError`, or `GGUFTokenizerError` where GGUF has no words for it.
    public func tokenizerEntries(architecture: String, vocabulary: Int) throws -> [GGUFEntry] {
        var description = try CheckpointTokenizer(directory: path).description(vocabulary: vocabulary)
        if architecture == "glm4" {
            // As llama.cpp's converter has them, whatever the files say.
            func id(_ token: String) -> TokenID? {
                description.tokens.firstIndex(of: token).map { TokenID($0) }
            }
            let end = id("<|endoftext|>")
            (description.eos, description.unknown, description.bos) = (end, end, end)
            description.eot = id("<|user|>")
        }
        return description.entries
    }
}
