/// The number of a token in the decoder's vocabulary.
public typealias TokenID = Int32

/// What a token is, with the values of GGUF's `tokenizer.ggml.token_type`.
public enum TokenKind: Int32, Sendable {
    case normal = 1
    case unknown = 2
    /// Steers the model; never made from text that came from outside the template.
    case control = 3
    /// Recognised as a whole in any text, and printed as any other.
    case userDefined = 4
    case unused = 5
    case byte = 6
}

/// A tokenizer as a model file describes it. Fields are named after the keys under `tokenizer.` in GGUF.
public struct TokenizerDescription: Sendable {
    /// `ggml.model`: "gpt2" is byte-level BPE.
    public var model: String
    /// `ggml.pre`: which pattern cuts text into words.
    public var preTokenizer: String
    /// `ggml.tokens`: the token of each id; bytes of normal tokens are spelled in GPT-2's alphabet.
    public var tokens: [String]
    /// `ggml.token_type`: empty (all normal), or one value for each token.
    public var kinds: [Int32]
    /// `ggml.merges`: "left right", the most urgent first.
    public var merges: [String]
    /// `ggml.bos_token_id`, and so on.
    public var bos: TokenID?
    public var eos: TokenID?
    public var eot: TokenID?
    public var eom: TokenID?
    /// `ggml.add_bos_token`: plain text is begun with `bos`. Chat templates write it themselves.
    public var addsBOS: Bool
    /// `chat_template`: Jinja source.
    public var chatTemplate: String?

    public init(
        model: String = "gpt2", preTokenizer: String, tokens: [String], kinds: [Int32] = [], merges: [String],
        bos: TokenID? = nil, eos: TokenID? = nil, eot: TokenID? = nil, eom: TokenID? = nil,
        addsBOS: Bool = false, chatTemplate: String? = nil
    ) {
        self.model = model
        self.preTokenizer = preTokenizer
        self.tokens = tokens
        self.kinds = kinds
        self.merges = merges
        self.bos = bos
        self.eos = eos
        self.eot = eot
        self.eom = eom
        self.addsBOS = addsBOS
        self.chatTemplate = chatTemplate
    }
}

/// Why a tokenizer could not be built or used. Fields are named as in GGUF.
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
