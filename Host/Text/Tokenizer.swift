/// A stretch of a prompt: tokens, or the place of a media part.
public enum EncodedPiece: Sendable, Equatable {
    case tokens([TokenID])
    case segment(Int)
}

/// What text that looks like a control token becomes.
public enum ControlTokenReading: Sendable {
    /// The ordinary tokens of its characters.
    case asText
    /// The control token.
    case asControl
}

/// A byte-level BPE tokenizer. Immutable; any number of threads may use it.
public final class Tokenizer: Sendable {
    /// The tokens as the file spells them.
    private let pieces: [String]
    private let kinds: [TokenKind]
    private let preTokenizer: PreTokenizer
    private let merges: MergeTable
    private let special: SpecialTokens
    // The token of each byte; -1 for bytes that the vocabulary cannot say.
    private let byteTokens: [TokenID]
    // Tokens by their bytes, where whole words are looked up before merging.
    private let words: [[UInt8]: TokenID]

    public let bos: TokenID?
    public let eos: TokenID?
    /// What the file wants before a plain text: empty, or `bos`. Chat templates write it themselves.
    public let prefix: [TokenID]
    /// Tokens after which generation ends.
    public let endOfGeneration: Set<TokenID>

    /// Number of tokens.
    public var vocabulary: Int { pieces.count }

    // Control tokens that end a turn in published chat formats, whatever the file declares.
    private static let endNames: Set<String> = [
        "<|endoftext|>", "<|im_end|>", "<|end|>", "<|eot_id|>", "<|eom_id|>", "<|end_of_text|>", "<|EOT|>",
        "<|end_of_turn|>", "<end_of_turn>", "<|return|>", "<｜end▁of▁sentence｜>", "</s>",
    ]

    /// - Throws: ``TokenizerError`` naming the field that is wrong.
    public init(_ description: TokenizerDescription) throws(TokenizerError) {
        guard description.model == "gpt2" else { throw .unsupportedModel(description.model) }
        preTokenizer = try PreTokenizer(named: description.preTokenizer)
        pieces = description.tokens
        guard !pieces.isEmpty else { throw .emptyVocabulary }
        kinds = try Self.kinds(of: description)

        var ids: [[UInt8]: TokenID] = Dictionary(minimumCapacity: pieces.count)
        for (index, piece) in pieces.enumerated() {
            let key = Array(piece.utf8)
            if ids[key] == nil { ids[key] = TokenID(index) }
        }
        merges = try Self.mergeTable(description.merges, ids: ids)
        byteTokens = ByteAlphabet.scalars.map { ids[Array(String($0).utf8)] ?? -1 }
        for byte in UInt8(0x20)...0x7E where byteTokens[Int(byte)] < 0 { throw .noTokenForByte(byte) }

        var special = SpecialTokens()
        var words: [[UInt8]: TokenID] = [:]
        for (index, piece) in pieces.enumerated() {
            switch kinds[index] {
            case .control, .unknown:
                special.insert(piece.utf8, id: TokenID(index), isControl: true)
            case .userDefined:
                special.insert(piece.utf8, id: TokenID(index), isControl: false)
            case .normal where preTokenizer.takesWholeWords:
                words[ByteAlphabet.bytes(of: piece)] = TokenID(index)
            case .normal, .unused, .byte:
                break
            }
        }
        self.special = special
        self.words = words

        bos = description.bos
        eos = description.eos
        prefix = description.addsBOS ? [description.bos].compactMap { $0 } : []
        var ends: Set<TokenID> = []
        let declared = [
            ("bos_token_id", description.bos), ("eos_token_id", description.eos),
            ("eot_token_id", description.eot), ("eom_token_id", description.eom),
        ]
        for (field, id) in declared {
            guard let id else { continue }
            guard pieces.indices.contains(Int(id)) else {
                throw .idOutsideVocabulary(field: field, id: id, vocabulary: pieces.count)
            }
            if field != "bos_token_id" { ends.insert(id) }
        }
        for (index, piece) in pieces.enumerated() where kinds[index] == .control {
            if Self.endNames.contains(piece) { ends.insert(TokenID(index)) }
        }
        endOfGeneration = ends
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
            // Some converters mark <|…|> tokens as user-defined; in user text they would then steer the model.
            let piece = description.tokens[index]
            let looksLikeControl = piece.hasPrefix("<|") && piece.hasSuffix("|>")
            kinds.append(kind == .userDefined && looksLikeControl ? .control : kind)
        }
        return kinds
    }

    private static func mergeTable(
        _ merges: [String], ids: [[UInt8]: TokenID]
    ) throws(TokenizerError) -> MergeTable {
        var table = MergeTable(capacity: merges.count)
        for (index, text) in merges.enumerated() {
            let bytes = Array(text.utf8)
            guard let space = bytes.dropFirst().firstIndex(of: 0x20), space + 1 < bytes.count else {
                throw .malformedMerge(index: index, text: text)
            }
            let left = Array(bytes[..<space])
            let right = Array(bytes[(space + 1)...])
            func id(_ token: [UInt8]) throws(TokenizerError) -> TokenID {
                if let id = ids[token] { return id }
                throw .mergeOutsideVocabulary(
                    index: index, text: text, missing: String(decoding: token, as: UTF8.self))
            }
            table.insert(
                try id(left), try id(right), .init(rank: UInt32(index), result: try id(left + right)))
        }
        return table
    }

    // MARK: Encoding

    /// The tokens of `text`, without ``prefix``.
    public func encode(_ text: String, special reading: ControlTokenReading) throws(TokenizerError)
        -> [TokenID]
    {
        var text = text
        return try encode(utf8: text.withUTF8 { Array($0) }) { _ in reading == .asControl }
    }

    /// The tokens of `bytes`; what is not UTF-8 in them counts as U+FFFD, one for each maximal broken part.
    public func encode(
        bytes: some Collection<UInt8>, special reading: ControlTokenReading
    ) throws(TokenizerError) -> [TokenID] {
        try encode(String(decoding: bytes, as: UTF8.self), special: reading)
    }

    /// The pieces of a rendered chat. Control tokens are made only where all their characters are the template's;
    /// between them text is one, whoever wrote which part of it.
    public func encode(_ rendered: TracedText) throws(TokenizerError) -> [EncodedPiece] {
        var encoded: [EncodedPiece] = []
        var text: [UInt8] = []
        var fromTemplate: [Range<Int>] = []
        func flush() throws(TokenizerError) {
            defer {
                text.removeAll()
                fromTemplate.removeAll()
            }
            let tokens = try encode(utf8: text) { range in
                fromTemplate.contains {
                    $0.lowerBound <= range.lowerBound && range.upperBound <= $0.upperBound
                }
            }
            if !tokens.isEmpty { encoded.append(.tokens(tokens)) }
        }
        var position = 0
        for run in rendered.runs {
            let scalars = rendered.scalars[position..<position + run.count]
            position += run.count
            if case .segment(let index) = run.origin {
                try flush()
                encoded.append(contentsOf: repeatElement(.segment(index), count: run.count))
                continue
            }
            let start = text.count
            for scalar in scalars {
                text.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
            }
            if run.origin == .template { fromTemplate.append(start..<text.count) }
        }
        try flush()
        return encoded
    }

    private func encode(
        utf8 text: [UInt8], allowsControl: (Range<Int>) -> Bool
    ) throws(TokenizerError) -> [TokenID] {
        var tokens: [TokenID] = []
        var merger = WordMerger()
        try text.withUnsafeBufferPointer { (text) throws(TokenizerError) in
            var position = 0
            while position < text.count {
                let match = special.first(in: text, from: position, allowsControl: allowsControl)
                let end = match?.range.lowerBound ?? text.count
                let plain = UnsafeBufferPointer(rebasing: text[position..<end])
                try preTokenizer.split(plain) { word in
                    append(UnsafeBufferPointer(rebasing: plain[word]), to: &tokens, merger: &merger)
                }
                if let match { tokens.append(match.id) }
                position = match?.range.upperBound ?? end
            }
        }
        return tokens
    }

    // Bytes that the vocabulary cannot say are left out, as by the reference: the unknown token of such files is a
    // control token, which text must never become.
    private func append(
        _ word: UnsafeBufferPointer<UInt8>, to tokens: inout [TokenID], merger: inout WordMerger
    ) {
        if preTokenizer.takesWholeWords, let id = words[Array(word)] {
            tokens.append(id)
        } else {
            merger.merge(
                word.lazy.map { byte in self.byteTokens[Int(byte)] }.filter { $0 >= 0 }, with: merges,
                into: &tokens)
        }
    }

    // MARK: Decoding

    /// The token as the file spells it, or nil for an id outside the vocabulary.
    public func piece(of id: TokenID) -> String? {
        pieces.indices.contains(Int(id)) ? pieces[Int(id)] : nil
    }

    /// What the token is, or nil for an id outside the vocabulary.
    public func kind(of id: TokenID) -> TokenKind? {
        kinds.indices.contains(Int(id)) ? kinds[Int(id)] : nil
    }

    /// The bytes of text that the token says: none for control tokens and ids outside the vocabulary.
    public func bytes(of id: TokenID) -> [UInt8] {
        guard pieces.indices.contains(Int(id)) else { return [] }
        let piece = pieces[Int(id)]
        switch kinds[Int(id)] {
        case .control, .unknown: return []
        case .userDefined: return Array(piece.utf8)
        case .normal, .unused, .byte: return ByteAlphabet.bytes(of: piece)
        }
    }

    /// The text of `ids`, control tokens left out, broken UTF-8 repaired to U+FFFD.
    public func decode(_ ids: some Sequence<TokenID>) -> String {
        String(decoding: ids.flatMap { bytes(of: $0) }, as: UTF8.self)
    }
}
