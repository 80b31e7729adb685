/// Turns tokens into text as they come. Its text never ends in half a character.
///
/// The joined text is that of ``Tokenizer/decode(_:)`` over all tokens. A value: each stream has its own.
public struct TokenStream: Sendable {
    private let tokenizer: Tokenizer
    // The beginning of a character whose rest has not come yet: three bytes at most.
    private var pending: [UInt8] = []

    public init(_ tokenizer: Tokenizer) {
        self.tokenizer = tokenizer
    }

    /// The text that is certain once `token` has come. Empty for control tokens.
    public mutating func push(_ token: TokenID) -> String {
        pending.append(contentsOf: tokenizer.bytes(of: token))
        let rest = Self.incompleteTail(of: pending)
        let text = String(decoding: pending.dropLast(rest), as: UTF8.self)
        pending = Array(pending.suffix(rest))
        return text
    }

    /// The end of the text: U+FFFD if half a character is left.
    public mutating func finish() -> String {
        defer { pending = [] }
        return String(decoding: pending, as: UTF8.self)
    }

    /// How many bytes at the end begin a character that further bytes could complete.
    private static func incompleteTail(of bytes: [UInt8]) -> Int {
        for length in 1...3 where length <= bytes.count {
            let lead = bytes[bytes.count - length]
            if lead & 0xC0 == 0x80 { continue }
            let needed =
                switch lead {
                case 0xC2...0xDF: 2
                case 0xE0...0xEF: 3
                case 0xF0...0xF4: 4
                default: 1
                }
            guard length < needed else { return 0 }
            guard length > 1 else { return 1 }
            // The second byte is narrowed after some first ones (Unicode standard, table 3-7).
            let allowed: ClosedRange<UInt8> =
                switch lead {
                case 0xE0: 0xA0...0xBF
                case 0xED: 0x80...0x9F
                case 0xF0: 0x90...0xBF
                case 0xF4: 0x80...0x8F
                default: 0x80...0xBF
                }
            return allowed.contains(bytes[bytes.count - length + 1]) ? length : 0
        }
        return 0
    }
}
