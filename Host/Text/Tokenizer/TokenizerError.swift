/// Why the tokenizer of a GGUF file could not be built, or a tokenizer could not be used.
public enum TokenizerError: Error, Equatable, CustomStringConvertible {
    case unsupportedModel(String)
    case unknownPreTokenizer(String, known: [String])
    case emptyVocabulary
    case kindCount(expected: Int, found: Int)
    case unknownKind(Int32, token: Int)
    case malformedMerge(index: Int, text: String)
    case mergeOutsideVocabulary(index: Int, text: String, missing: String)
    case idOutsideVocabulary(field: String, id: TokenID, vocabulary: Int)
    case noTokenForByte(UInt8)
    case pattern(String)

    public var description: String {
        switch self {
        case .unsupportedModel(let model):
            "tokenizer.ggml.model is \"\(model)\"; expected \"gpt2\" (byte-level BPE)"
        case .unknownPreTokenizer(let name, let known):
            "tokenizer.ggml.pre is \"\(name)\"; known are \(known.joined(separator: ", "))"
        case .emptyVocabulary:
            "tokenizer.ggml.tokens is empty; expected the vocabulary"
        case .kindCount(let expected, let found):
            "tokenizer.ggml.token_type has \(found) values; expected \(expected), one for each token"
        case .unknownKind(let kind, let token):
            "tokenizer.ggml.token_type of token \(token) is \(kind); expected 1 to 6"
        case .malformedMerge(let index, let text):
            "tokenizer.ggml.merges[\(index)] is \"\(text)\"; expected two tokens with a space between"
        case .mergeOutsideVocabulary(let index, let text, let missing):
            "tokenizer.ggml.merges[\(index)] is \"\(text)\"; \"\(missing)\" is not in tokenizer.ggml.tokens"
        case .idOutsideVocabulary(let field, let id, let vocabulary):
            "tokenizer.ggml.\(field) is \(id); expected 0 to \(vocabulary - 1)"
        case .noTokenForByte(let byte):
            "tokenizer.ggml.tokens has none for the byte \(byte) (letters, digits, punctuation must have one)"
        case .pattern(let message):
            "a pattern of the tokenizer failed: \(message)"
        }
    }
}
