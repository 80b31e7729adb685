/// Cuts text into the words inside which tokens are merged, step by step, as `pre_tokenizer` of `tokenizer.json`.
struct PreTokenizer: Sendable, Equatable {
    /// What becomes of the matches of a pattern.
    enum Behavior: String, Sendable, Equatable {
        case removed = "Removed"
        case isolated = "Isolated"
        case mergedWithPrevious = "MergedWithPrevious"
        case mergedWithNext = "MergedWithNext"
        /// Neighbouring matches are one piece.
        case contiguous = "Contiguous"
    }

    enum Step: Sendable, Equatable {
        /// - pattern: In the dialect of Oniguruma.
        case split(pattern: String, isLiteral: Bool, Behavior, isInverted: Bool)
        case digits(individual: Bool)
        case punctuation(Behavior)
        /// Pieces without white space.
        case whitespace
        /// Spells bytes in GPT-2's alphabet.
        case byteLevel(addsSpace: Bool, splits: Bool)
    }

    let steps: [Step]
    // One for each step that has a pattern.
    private let patterns: [Pattern?]

    /// GPT-2's pattern, which byte-level pre-tokenizers bring along.
    static let gpt2 = #"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"#

    /// - Throws: ``TokenizerError/pattern(_:)``.
    init(_ steps: [Step]) throws(TokenizerError) {
        self.steps = steps
        var patterns: [Pattern?] = []
        for step in steps {
            switch step {
            case .split(let pattern, let isLiteral, _, _):
                patterns.append(isLiteral ? try Pattern(literal: pattern) : try Pattern(pattern))
            case .byteLevel(_, splits: true): patterns.append(try Pattern(Self.gpt2))
            case .byteLevel, .digits, .punctuation, .whitespace: patterns.append(nil)
            }
        }
        self.patterns = patterns
    }

    static func == (left: PreTokenizer, right: PreTokenizer) -> Bool { left.steps == right.steps }

    /// Whether words are bytes, not characters.
    var isByteLevel: Bool {
        steps.contains { if case .byteLevel = $0 { true } else { false } }
    }

    // MARK: Names of GGUF

    // The pattern of cl100k and its heirs; they differ in how many digits make a word.
    private static func cl100k(digits: String) -> [Step] {
        let pattern =
            #"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\#(digits)| ?[^\s\p{L}\p{N}]+[\r\n]*"#
            + #"|\s*[\r\n]+|\s+(?!\S)|\s+"#
        return [
            .split(pattern: pattern, isLiteral: false, .isolated, isInverted: false),
            .byteLevel(addsSpace: false, splits: false),
        ]
    }

    // What llama.cpp does for files that name no pre-tokenizer.
    private static let defaultSteps: [Step] =
        [
            #"[\p{P}\$\+<=>\^~\|]+"#,
            #"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)"#, #"\p{N}+"#,
            #"[0-9][0-9][0-9]"#,
        ].map { .split(pattern: $0, isLiteral: false, .isolated, isInverted: false) }
        + [.byteLevel(addsSpace: false, splits: false)]

    /// What a value of GGUF's `tokenizer.ggml.pre` stands for.
    struct Known: Sendable {
        /// The first is the one that is written.
        var names: [String]
        var steps: [Step]
        /// A word that is a token as it stands is taken without merging.
        var takesWholeWords = false
    }

    static let known: [Known] = [
        Known(names: ["gpt-2", "phi-2"], steps: [.byteLevel(addsSpace: false, splits: true)]),
        Known(
            names: ["smollm", "starcoder", "refact"],
            steps: [.digits(individual: true), .byteLevel(addsSpace: false, splits: true)]),
        Known(
            names: ["llama-bpe", "llama3", "llama-v3"], steps: cl100k(digits: #"\p{N}{1,3}"#),
            takesWholeWords: true),
        Known(names: ["glm4", "chatglm-bpe"], steps: cl100k(digits: #"\p{N}{1,3}"#)),
        Known(names: ["qwen2", "deepseek-r1-qwen"], steps: cl100k(digits: #"\p{N}"#)),
        Known(names: ["default"], steps: defaultSteps),
    ]

    /// - Throws: ``TokenizerError/unknownPreTokenizer(_:known:)``.
    static func named(_ name: String) throws(TokenizerError) -> Known {
        guard let found = known.first(where: { $0.names.contains(name) }) else {
            throw .unknownPreTokenizer(name, known: known.flatMap(\.names).sorted())
        }
        return found
    }

    /// Scratch memory for one thread.
    func cutter() throws(TokenizerError) -> Cutter {
        try Cutter(self)
    }

    /// Cuts texts; one thread at a time.
    final class Cutter {
        typealias Text = UnsafeBufferPointer<UInt8>

        private let steps: [Step]
        private let matchers: [Pattern.Matcher?]

        init(_ preTokenizer: PreTokenizer) throws(TokenizerError) {
            steps = preTokenizer.steps
            var matchers: [Pattern.Matcher?] = []
            for pattern in preTokenizer.patterns {
                matchers.append(
                    try pattern.map { pattern throws(TokenizerError) in try Pattern.Matcher(pattern) })
            }
            self.matchers = matchers
        }

        /// Calls `body` with each word of `text`, in order: its bytes, or its characters in UTF-8.
        ///
        /// - Parameter text: Valid UTF-8.
        func words(of text: Text, _ body: (Text) -> Void) throws(TokenizerError) {
            try run(0, text, isSpelled: false, body)
        }

        /// - Parameter isSpelled: Whether bytes are spelled in GPT-2's alphabet already.
        private func run(
            _ index: Int, _ text: Text, isSpelled: Bool, _ body: (Text) -> Void
        ) throws(TokenizerError) {
            guard !text.isEmpty else { return }
            guard index < steps.count else {
                return isSpelled ? ByteAlphabet.withBytes(spelledBy: text, body) : body(text)
            }
            if case .byteLevel(let addsSpace, _) = steps[index] {
                guard addsSpace, text[0] != 0x20 else { return try byteLevel(index, text, body) }
                return try Self.withBuffer([0x20] + Array(text)) { text throws(TokenizerError) in
                    try self.byteLevel(index, text, body)
                }
            }
            for piece in try pieces(of: text, at: index) {
                try run(index + 1, Text(rebasing: text[piece]), isSpelled: isSpelled, body)
            }
        }

        private func byteLevel(_ index: Int, _ text: Text, _ body: (Text) -> Void) throws(TokenizerError) {
            for piece in try pieces(of: text, at: index) {
                let piece = Text(rebasing: text[piece])
                // The last step's pieces are bytes already; others look at the alphabet's characters.
                if index + 1 == steps.count {
                    body(piece)
                } else {
                    try Self.withBuffer(ByteAlphabet.spelling(of: piece)) { piece throws(TokenizerError) in
                        try self.run(index + 1, piece, isSpelled: true, body)
                    }
                }
            }
        }

        private static func withBuffer(
            _ bytes: [UInt8], _ body: (Text) throws(TokenizerError) -> Void
        ) throws(TokenizerError) {
            try bytes.withUnsafeBufferPointer { (buffer) throws(TokenizerError) in try body(buffer) }
        }

        /// Where a step cuts.
        private func pieces(of text: Text, at index: Int) throws(TokenizerError) -> [Range<Int>] {
            switch steps[index] {
            case .split(_, _, let behavior, let isInverted):
                return behavior.pieces(try matchers[index]?.cuts(of: text) ?? [], isInverted: isInverted)
            case .byteLevel:
                guard let matcher = matchers[index] else { return [0..<text.count] }
                return Behavior.isolated.pieces(try matcher.cuts(of: text), isInverted: false)
            case .digits(let individual):
                let behavior: Behavior = individual ? .isolated : .contiguous
                return behavior.pieces(Self.cuts(of: text) { $0.isNumeric }, isInverted: false)
            case .punctuation(let behavior):
                return behavior.pieces(Self.cuts(of: text) { $0.isPunctuation }, isInverted: false)
            case .whitespace:
                return Behavior.removed.pieces(
                    Self.cuts(of: text) { $0.properties.isWhitespace }, isInverted: false)
            }
        }

        /// Each character for which `isMatch` holds is a match of its own.
        private static func cuts(of text: Text, where isMatch: (Unicode.Scalar) -> Bool) -> [Pattern.Cut] {
            var cuts: [Pattern.Cut] = []
            var position = 0
            var told = 0
            while position < text.count {
                let (scalar, size) = decodeScalar(text, at: position)
                if isMatch(scalar) {
                    if told < position { cuts.append((told..<position, false)) }
                    cuts.append((position..<position + size, true))
                    told = position + size
                }
                position += size
            }
            if told < text.count { cuts.append((told..<text.count, false)) }
            return cuts
        }
    }
}

extension PreTokenizer.Behavior {
    /// Matches and what lies between them, in order, as the pieces that are left; none is empty.
    ///
    /// - Parameter isInverted: What lies between counts as the matches.
    func pieces(_ cuts: [Pattern.Cut], isInverted: Bool) -> [Range<Int>] {
        var pieces: [Range<Int>] = []
        var followsMatch = false
        for (index, cut) in cuts.enumerated() {
            let isMatch = cut.isMatch != isInverted
            defer { followsMatch = isMatch }
            let joins =
                switch self {
                case .removed, .isolated: false
                case .contiguous: isMatch == followsMatch
                case .mergedWithPrevious: isMatch && !followsMatch
                case .mergedWithNext: !isMatch && followsMatch
                }
            if joins, index > 0, let last = pieces.popLast() {
                pieces.append(last.lowerBound..<cut.range.upperBound)
            } else if self != .removed || !isMatch {
                pieces.append(cut.range)
            }
        }
        return pieces.filter { !$0.isEmpty }
    }
}

/// The character at `index` of valid UTF-8, and its length in bytes.
private func decodeScalar(_ text: UnsafeBufferPointer<UInt8>, at index: Int) -> (Unicode.Scalar, Int) {
    let lead = UInt32(text[index])
    func tail(_ offset: Int) -> UInt32 { UInt32(text[index + offset] & 0x3F) }
    let (value, size): (UInt32, Int) =
        switch lead {
        case ..<0x80: (lead, 1)
        case ..<0xE0: ((lead & 0x1F) << 6 | tail(1), 2)
        case ..<0xF0: ((lead & 0x0F) << 12 | tail(1) << 6 | tail(2), 3)
        default: ((lead & 0x07) << 18 | tail(1) << 12 | tail(2) << 6 | tail(3), 4)
        }
    return (Unicode.Scalar(value) ?? "\u{FFFD}", size)
}

extension Unicode.Scalar {
    /// Whether it is of Unicode's categories Nd, Nl or No.
    fileprivate var isNumeric: Bool {
        if isASCII { return value >= 0x30 && value <= 0x39 }
        switch properties.generalCategory {
        case .decimalNumber, .letterNumber, .otherNumber: return true
        default: return false
        }
    }

    /// Whether it is ASCII that is printed and no letter, digit or space, or of a category P.
    fileprivate var isPunctuation: Bool {
        if isASCII { return value > 0x20 && value < 0x7F && !properties.isAlphabetic && !isNumeric }
        switch properties.generalCategory {
        case .connectorPunctuation, .dashPunctuation, .openPunctuation, .closePunctuation,
            .initialPunctuation,
            .finalPunctuation, .otherPunctuation:
            return true
        default: return false
        }
    }
}
