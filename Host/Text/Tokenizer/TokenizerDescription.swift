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
    public var unknown: TokenID?
    public var separator: TokenID?
    public var padding: TokenID?
    /// `ggml.add_bos_token`: plain text is begun with `bos`. Chat templates write it themselves.
    public var addsBOS: Bool
    /// `chat_template`: Jinja source.
    public var chatTemplate: String?

    public init(
        model: String = "gpt2", preTokenizer: String, tokens: [String], kinds: [Int32] = [], merges: [String],
        bos: TokenID? = nil, eos: TokenID? = nil, eot: TokenID? = nil, eom: TokenID? = nil,
        unknown: TokenID? = nil, separator: TokenID? = nil, padding: TokenID? = nil, addsBOS: Bool = false,
        chatTemplate: String? = nil
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
        self.unknown = unknown
        self.separator = separator
        self.padding = padding
        self.addsBOS = addsBOS
        self.chatTemplate = chatTemplate
    }
}

extension TokenizerParts {
    /// The tokenizer of a GGUF file.
    ///
    /// - Throws: ``TokenizerError`` naming the field that is wrong.
    init(_ description: TokenizerDescription) throws(TokenizerError) {
        guard description.model == "gpt2" else { throw .unsupportedModel(description.model) }
        let known = try PreTokenizer.named(description.preTokenizer)
        preTokenizer = try PreTokenizer(known.steps)
        pieces = description.tokens
        guard !pieces.isEmpty else { throw .emptyVocabulary }
        kinds = try Self.kinds(of: description)

        added = []
        var table = TokenTable(capacity: pieces.count)
        for (index, piece) in pieces.enumerated() {
            let id = TokenID(index)
            switch kinds[index] {
            // Neither a word nor a merge makes a control token.
            case .control, .unknown: added.append(AddedToken(id: id, content: piece, isControl: true))
            case .userDefined:
                added.append(AddedToken(id: id, content: piece, isControl: Self.looksLikeControl(piece)))
                table.insert(piece, id: id)
            case .normal, .unused, .byte: table.insert(piece, id: id)
            }
        }
        let merges = try Self.merges(description.merges, table)
        model = BytePairModel(
            table: table, merges: merges, isByteLevel: true,
            options: BytePairModel.Options(ignoresMerges: known.takesWholeWords))
        // Bytes that the vocabulary cannot say are left out, as by the reference: the unknown token of such files is
        // a control token, which text must never become.
        for byte in UInt8(0x20)...0x7E where !model.says(byte) { throw .noTokenForByte(byte) }
        spelling = .bytes
        bos = description.bos
        eos = description.eos
        prefix = description.addsBOS ? [description.bos].compactMap { $0 } : []
        let named = [
            ("bos_token_id", description.bos), ("eos_token_id", description.eos),
            ("eot_token_id", description.eot), ("eom_token_id", description.eom),
        ]
        for (field, id) in named {
            guard let id else { continue }
            guard pieces.indices.contains(Int(id)) else {
                throw .idOutsideVocabulary(field: field, id: id, vocabulary: pieces.count)
            }
            if field != "bos_token_id" { ends.insert(id) }
        }
    }

    /// Whether a token is spelled as control tokens are. Some files do not mark them as such; in user text they would
    /// then steer the model.
    static func looksLikeControl(_ piece: String) -> Bool {
        piece.hasPrefix("<|") && piece.hasSuffix("|>")
    }

    private static func kinds(of description: TokenizerDescription) throws(TokenizerError) -> [TokenKind] {
        let count = description.tokens.count
        if description.kinds.isEmpty { return Array(repeating: .normal, count: count) }
        guard description.kinds.count == count else {
            throw .kindCount(expected: count, found: description.kinds.count)
        }
        var kinds: [TokenKind] = []
        kinds.reserveCapacity(count)
        for (index, value) in description.kinds.enumerated() {
            guard let kind = TokenKind(rawValue: value) else { throw .unknownKind(value, token: index) }
            kinds.append(kind)
        }
        return kinds
    }

    private static func merges(_ merges: [String], _ tokens: TokenTable) throws(TokenizerError) -> MergeTable
    {
        var table = MergeTable(capacity: merges.count)
        for (index, text) in merges.enumerated() {
            let bytes = Array(text.utf8)
            guard let space = bytes.dropFirst().firstIndex(of: 0x20), space + 1 < bytes.count else {
                throw .malformedMerge(index: index, text: text)
            }
            let left = bytes[..<space]
            let right = bytes[(space + 1)...]
            func id(_ token: some Collection<UInt8>) throws(TokenizerError) -> TokenID {
                if let id = tokens.id(of: token) { return id }
                throw .mergeOutsideVocabulary(
                    index: index, text: text, missing: String(decoding: token, as: UTF8.self))
            }
            table.insert(
                try id(left), try id(right), .init(rank: UInt32(index), result: try id(Array(left) + right)),
                replaces: false)
        }
        return table
    }
}
