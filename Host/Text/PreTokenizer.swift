/// Cuts text into the words inside which tokens are merged.
struct PreTokenizer: Sendable {
    /// A word that is a token as it stands is taken without merging (`ignore_merges` of Hugging Face).
    let takesWholeWords: Bool
    private let isolatesDigits: Bool
    private let pattern: Pattern

    // White_Space of Unicode. PCRE2's \s also takes U+180E, which the reference's engine does not.
    private static let space = #"\t-\r\x{85}\p{Z}"#

    // GPT-2's pattern.
    private static let gpt2 =
        #"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\#(space)\p{L}\p{N}]+"#
        + #"|[\#(space)]+(?![^\#(space)])|[\#(space)]+"#

    // The pattern of cl100k and its heirs; they differ in how many digits make a word.
    private static func cl100k(digits: String) -> String {
        #"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\#(digits)| ?[^\#(space)\p{L}\p{N}]+[\r\n]*"#
            + #"|[\#(space)]*[\r\n]+|[\#(space)]+(?![^\#(space)])|[\#(space)]+"#
    }

    /// - Throws: ``TokenizerError/unknownPreTokenizer(_:known:)``.
    init(named name: String) throws(TokenizerError) {
        let source: String
        switch name {
        case "gpt-2", "phi-2":
            (source, isolatesDigits, takesWholeWords) = (Self.gpt2, false, false)
        case "smollm", "starcoder", "refact":
            (source, isolatesDigits, takesWholeWords) = (Self.gpt2, true, false)
        case "llama-bpe", "llama3", "llama-v3":
            (source, isolatesDigits, takesWholeWords) = (Self.cl100k(digits: #"\p{N}{1,3}"#), false, true)
        case "chatglm-bpe", "glm4":
            (source, isolatesDigits, takesWholeWords) = (Self.cl100k(digits: #"\p{N}{1,3}"#), false, false)
        case "qwen2", "deepseek-r1-qwen":
            (source, isolatesDigits, takesWholeWords) = (Self.cl100k(digits: #"\p{N}"#), false, false)
        default:
            throw .unknownPreTokenizer(name, known: Self.knownNames)
        }
        pattern = try Pattern(source)
    }

    static let knownNames = [
        "chatglm-bpe", "deepseek-r1-qwen", "glm4", "gpt-2", "llama-bpe", "llama-v3", "llama3", "phi-2",
        "qwen2",
        "refact", "smollm", "starcoder",
    ]

    /// Calls `body` with each word of `text`, in order; together they are the whole text.
    ///
    /// - Parameter text: Valid UTF-8.
    func split(_ text: UnsafeBufferPointer<UInt8>, _ body: (Range<Int>) -> Void) throws(TokenizerError) {
        guard isolatesDigits else { return try pattern.split(text, body) }
        // Digits are cut out first: what follows a digit is not seen when white space before it is cut.
        var position = 0
        var start = 0
        while position < text.count {
            let (scalar, size) = decodeScalar(text, at: position)
            if isNumeric(scalar) {
                try split(text, from: start, to: position, body)
                body(position..<position + size)
                start = position + size
            }
            position += size
        }
        try split(text, from: start, to: text.count, body)
    }

    private func split(
        _ text: UnsafeBufferPointer<UInt8>, from start: Int, to end: Int, _ body: (Range<Int>) -> Void
    ) throws(TokenizerError) {
        guard start < end else { return }
        try pattern.split(UnsafeBufferPointer(rebasing: text[start..<end])) { word in
            body(word.lowerBound + start..<word.upperBound + start)
        }
    }
}

/// The character at `index` of valid UTF-8, and its length in bytes.
private func decodeScalar(_ text: UnsafeBufferPointer<UInt8>, at index: Int) -> (UInt32, Int) {
    let lead = UInt32(text[index])
    func tail(_ offset: Int) -> UInt32 { UInt32(text[index + offset] & 0x3F) }
    switch lead {
    case ..<0x80: return (lead, 1)
    case ..<0xE0: return ((lead & 0x1F) << 6 | tail(1), 2)
    case ..<0xF0: return ((lead & 0x0F) << 12 | tail(1) << 6 | tail(2), 3)
    default: return ((lead & 0x07) << 18 | tail(1) << 12 | tail(2) << 6 | tail(3), 4)
    }
}

/// Whether the character is of Unicode's categories Nd, Nl or No.
private func isNumeric(_ value: UInt32) -> Bool {
    if value < 0x80 { return value >= 0x30 && value <= 0x39 }
    switch Unicode.Scalar(value)?.properties.generalCategory {
    case .decimalNumber, .letterNumber, .otherNumber: return true
    default: return false
    }
}
