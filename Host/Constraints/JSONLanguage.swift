/// The lexical parts of JSON (RFC 8259) as expressions.
enum JSONLanguage {
    /// Characters that stand in a string as they are.
    private static let plain = ScalarSet([0x20...0x21, 0x23...0x5B, 0x5D...0x10FFFF])
    private static let shortEscapes: [UInt32: Character] = [
        0x22: "\"", 0x5C: "\\", 0x08: "b", 0x09: "t", 0x0A: "n", 0x0C: "f", 0x0D: "r",
    ]
    private static let hexadecimal = digits("0123456789abcdefABCDEF")

    private static func digits(_ characters: String) -> Expression {
        ScalarSet(characters.unicodeScalars).utf8
    }

    /// One of the characters as it stands in a string, escaped only where it must be: each in one way, so that equal
    /// texts are equal bytes.
    static func character(of set: ScalarSet) -> Expression {
        let escapes = (UInt32(0)..<0x80).filter { set.contains($0) && !plain.contains($0) }.map { scalar in
            if let short = shortEscapes[scalar] { return Expression.text("\\\(short)") }
            return .text("\\u00" + (scalar < 16 ? "0" : "") + String(scalar, radix: 16))
        }
        return .choice([set.subtracting(plain.inverted).utf8] + escapes)
    }

    /// A character of a string, escaped in any way that JSON has.
    static let anyCharacter: Expression = {
        let hex = hexadecimal
        let basic = Expression.choice([
            .sequence([digits("0123456789abcABCeEfF"), hex, hex, hex]),
            .sequence([digits("dD"), digits("01234567"), hex, hex]),
        ])
        let pair = Expression.sequence([
            digits("dD"), digits("89abAB"), hex, hex, .text("\\u"), digits("dD"), digits("cdefCDEF"), hex,
            hex,
        ])
        return .choice([
            character(of: .all), .text("\\/"), .sequence([.text("\\u"), .choice([basic, pair])]),
        ])
    }()

    /// The most digits of a whole part, and of a fraction. With an exponent of two digits the value stays a finite
    /// double.
    static let mostDigits = 64

    /// Of numbers without bounds. As a pattern, which is read byte by byte.
    static let integer = "-?(0|[1-9][0-9]{0,\(mostDigits - 1)})"
    static let number = integer + "(\\.[0-9]{1,\(mostDigits)})?([eE][+-]?[0-9]{1,2})?"

    /// What may stand between the tokens of arrays and objects: a space, or a new line with its indent. Bounded, so
    /// that an answer cannot go on with nothing.
    static let space = Expression.choice([
        .text(" "), .sequence([.text("\n"), .repeated(.text(" "), min: 0, max: 24)]),
    ])
}
