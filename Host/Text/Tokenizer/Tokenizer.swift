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

/// What a tokenizer is made of, whatever file describes it.
struct TokenizerParts: Sendable {
    /// How tokens are spelled.
    enum Spelling: Sendable {
        /// In GPT-2's alphabet of bytes.
        case bytes
        /// As they are, but for what is replaced; `<0x…>` is a byte where that is asked for.
        case characters(replacing: [(old: String, new: String)], bytes: Bool)
    }

    /// The token of each id; empty for ids that no token has.
    var pieces: [String]
    var kinds: [TokenKind]
    var added: [AddedToken]
    var normalizer: Normalizer?
    var preTokenizer: PreTokenizer
    var model: BytePairModel
    var spelling: Spelling
    var bos: TokenID?
    var eos: TokenID?
    /// What stands before and after a plain text.
    var prefix: [TokenID] = []
    var suffix: [TokenID] = []
    /// Tokens after which generation ends, beside those that are known by name.
    var ends: Set<TokenID> = []
}

/// A byte-pair tokenizer. Immutable; any number of threads may use it.
public final class Tokenizer: Sendable {
    private let parts: TokenizerParts
    // Tokens looked for in text as it comes, and those looked for in normalised text.
    private let added: AddedTokens
    private let addedNormalized: AddedTokens

    public var bos: TokenID? { parts.bos }
    public var eos: TokenID? { parts.eos }
    /// What the file wants before a plain text: empty, or `bos`. Chat templates write it themselves.
    public var prefix: [TokenID] { parts.prefix }
    /// What the file wants after a plain text: mostly empty.
    public var suffix: [TokenID] { parts.suffix }
    /// Tokens after which generation ends.
    public let endOfGeneration: Set<TokenID>

    /// Number of tokens.
    public var vocabulary: Int { parts.pieces.count }

    // Control tokens that end a turn in published chat formats, whatever the file declares.
    private static let endNames: Set<String> = [
        "<|endoftext|>", "<|im_end|>", "<|end|>", "<|eot_id|>", "<|eom_id|>", "<|end_of_text|>", "<|EOT|>",
        "<|end_of_turn|>", "<end_of_turn>", "<|return|>", "<｜end▁of▁sentence｜>", "</s>",
    ]

    /// - Throws: ``TokenizerError`` naming the field of GGUF that is wrong.
    public convenience init(_ description: TokenizerDescription) throws(TokenizerError) {
        try self.init(try TokenizerParts(description))
    }

    init(_ parts: TokenizerParts) throws(TokenizerError) {
        self.parts = parts
        var added = AddedTokens()
        var addedNormalized = AddedTokens()
        for token in parts.added {
            if token.isNormalized, let normalizer = parts.normalizer {
                addedNormalized.insert(token, spelling: try normalizer.apply(token.content))
            } else {
                added.insert(token)
            }
        }
        self.added = added
        self.addedNormalized = addedNormalized
        var ends = parts.ends
        for (index, piece) in parts.pieces.enumerated() where parts.kinds[index] == .control {
            if Self.endNames.contains(piece) { ends.insert(TokenID(index)) }
        }
        endOfGeneration = ends
    }

    // MARK: Encoding

    /// The tokens of `text`, without ``prefix``.
    public func encode(_ text: String, special reading: ControlTokenReading) throws(TokenizerError)
        -> [TokenID]
    {
        var text = text
        let utf8 = text.withUTF8 { Array($0) }
        return try encode(utf8: utf8, fromTemplate: reading == .asControl ? [0..<utf8.count] : [])
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
            let tokens = try encode(utf8: text, fromTemplate: fromTemplate)
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

    /// - Parameter fromTemplate: The stretches of `text` that may become control tokens, in order.
    private func encode(
        utf8 text: [UInt8], fromTemplate: [Range<Int>]
    ) throws(TokenizerError) -> [TokenID] {
        var tokens: [TokenID] = []
        var merger = WordMerger()
        let cutter = try parts.preTokenizer.cutter()
        func words(_ text: UnsafeBufferPointer<UInt8>) throws(TokenizerError) {
            try cutter.words(of: text) { parts.model.encode($0, into: &tokens, merger: &merger) }
        }
        try text.withUnsafeBufferPointer { (text) throws(TokenizerError) in
            for piece in added.pieces(of: text, allowsControl: { fromTemplate.cover($0) }) {
                if let id = piece.id {
                    tokens.append(id)
                    continue
                }
                let plain = UnsafeBufferPointer(rebasing: text[piece.range])
                guard let normalizer = parts.normalizer else {
                    try words(plain)
                    continue
                }
                let normalized = try normalizer.apply(plain)
                let origins =
                    addedNormalized.isEmpty
                    ? [] : try self.origins(of: plain, fromTemplate.within(piece.range), normalized)
                try normalized.withUnsafeBufferPointer { (text) throws(TokenizerError) in
                    for piece in addedNormalized.pieces(of: text, allowsControl: { origins.cover($0) }) {
                        if let id = piece.id {
                            tokens.append(id)
                        } else {
                            try words(UnsafeBufferPointer(rebasing: text[piece.range]))
                        }
                    }
                }
            }
        }
        return tokens
    }

    /// The stretches of `normalized` that come from the template; none where characters of both origins have become
    /// one, so that nobody can tell.
    private func origins(
        of text: UnsafeBufferPointer<UInt8>, _ fromTemplate: [Range<Int>], _ normalized: [UInt8]
    ) throws(TokenizerError) -> [Range<Int>] {
        guard let normalizer = parts.normalizer, !fromTemplate.isEmpty else { return [] }
        if fromTemplate == [0..<text.count] { return [0..<normalized.count] }
        var joined: [UInt8] = []
        var origins: [Range<Int>] = []
        var position = 0
        for range in fromTemplate {
            joined += try normalizer.apply(UnsafeBufferPointer(rebasing: text[position..<range.lowerBound]))
            let start = joined.count
            joined += try normalizer.apply(UnsafeBufferPointer(rebasing: text[range]))
            origins.append(start..<joined.count)
            position = range.upperBound
        }
        joined += try normalizer.apply(UnsafeBufferPointer(rebasing: text[position...]))
        return joined == normalized ? origins : []
    }

    // MARK: Decoding

    /// The token as the file spells it, or nil for an id outside the vocabulary.
    public func piece(of id: TokenID) -> String? {
        parts.pieces.indices.contains(Int(id)) ? parts.pieces[Int(id)] : nil
    }

    /// What the token is, or nil for an id outside the vocabulary.
    public func kind(of id: TokenID) -> TokenKind? {
        parts.kinds.indices.contains(Int(id)) ? parts.kinds[Int(id)] : nil
    }

    /// The bytes of text that the token says: none for control tokens and ids outside the vocabulary.
    public func bytes(of id: TokenID) -> [UInt8] {
        guard let piece = piece(of: id), let kind = kind(of: id) else { return [] }
        switch kind {
        case .control, .unknown: return []
        case .userDefined: return Array(piece.utf8)
        case .normal, .unused, .byte: break
        }
        switch parts.spelling {
        case .bytes: return ByteAlphabet.bytes(of: piece)
        case .characters(let replacements, let hasBytes):
            if hasBytes, piece.utf8.count == 6, piece.hasPrefix("<0x"), piece.hasSuffix(">"),
                let byte = UInt8(piece.dropFirst(3).dropLast(), radix: 16)
            {
                return [byte]
            }
            let text = replacements.reduce(piece) { text, replacement in
                text.replacing(replacement.old, with: replacement.new)
            }
            return Array(text.utf8)
        }
    }

    /// The text of `ids`, control tokens left out, broken UTF-8 repaired to U+FFFD.
    public func decode(_ ids: some Sequence<TokenID>) -> String {
        String(decoding: ids.flatMap { bytes(of: $0) }, as: UTF8.self)
    }
}

extension [Range<Int>] {
    /// Whether one of the ranges, which are in order, holds all of `range`.
    fileprivate func cover(_ range: Range<Int>) -> Bool {
        // The last one that begins at or before it.
        var (low, high) = (0, count)
        while low < high {
            let middle = (low + high) / 2
            if self[middle].lowerBound <= range.lowerBound { low = middle + 1 } else { high = middle }
        }
        return low > 0 && range.upperBound <= self[low - 1].upperBound
    }

    /// The parts of the ranges inside `bounds`, counted from its beginning.
    fileprivate func within(_ bounds: Range<Int>) -> [Range<Int>] {
        map { $0.clamped(to: bounds) }.filter { !$0.isEmpty }
            .map { $0.lowerBound - bounds.lowerBound..<$0.upperBound - bounds.lowerBound }
    }
}
