/// Writes a regular expression of Oniguruma, the engine of Hugging Face tokenizers, as PCRE2 reads it.
///
/// The dialects differ in small things that change tokens. What is written out here: `\s`, `\w`, `\h`, `\v`, `\b`,
/// names of scripts (PCRE2 would add characters that scripts share), intervals (`{n,m}+` is not possessive and
/// `{,n}` begins at 0 in Oniguruma), classes inside classes and their intersections, `(?m)` (the dot matches line
/// ends), and options in the middle of a group. Line anchors match at every line in both. Left as they are: folding
/// of case where one character becomes several, and the versions of Unicode that the two libraries know.
struct PatternDialect {
    private let source: [Unicode.Scalar]
    private var position = 0
    private var depth = 0
    private static let deepest = 100
    private static let longest = 50_000

    // White_Space of Unicode. PCRE2's \s also takes U+180E, which Oniguruma does not.
    private static let space = #"\t-\r\x{85}\p{Z}"#
    // Alphabetic, marks, decimal digits, connectors, and six numbers of Latin-1 that Oniguruma's tables add.
    private static let word = #"\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\x{B2}\x{B3}\x{B9}\x{BC}-\x{BE}"#
    private static let hexadecimal = "0-9A-Fa-f"

    /// - Throws: ``TokenizerError/pattern(_:)`` naming what is not understood.
    static func pcre2(_ pattern: String) throws(TokenizerError) -> String {
        var dialect = PatternDialect(source: Array(pattern.unicodeScalars))
        guard dialect.source.count <= longest else {
            throw .pattern("it is longer than \(longest) characters")
        }
        let translated = try dialect.alternatives()
        guard dialect.peek() == nil else { throw dialect.error("unexpected \")\"") }
        return translated
    }

    private init(source: [Unicode.Scalar]) {
        self.source = source
    }

    // MARK: Groups

    /// Alternatives up to `)` or the end.
    private mutating func alternatives() throws(TokenizerError) -> String {
        depth += 1
        defer { depth -= 1 }
        guard depth <= Self.deepest else { throw error("nested deeper than \(Self.deepest) levels") }
        var result = ""
        while let scalar = peek(), scalar != ")" {
            if scalar == "|" {
                position += 1
                result += "|"
            } else {
                result += try quantified(atom())
            }
        }
        return result
    }

    private mutating func atom() throws(TokenizerError) -> String {
        guard let scalar = next() else { return "" }
        switch scalar {
        case "(": return try group()
        case "[": return try characterClass().pattern
        case "\\": return try escape()
        case ".", "^", "$": return String(scalar)
        case "*", "+", "?": throw error("nothing to repeat before \"\(scalar)\"")
        default: return Self.literal(scalar)
        }
    }

    private static func literal(_ scalar: Unicode.Scalar) -> String {
        let isPlain = !scalar.isASCII || scalar.properties.isAlphabetic || ("0"..."9").contains(scalar)
        return isPlain || scalar.value <= 0x20 ? String(scalar) : "\\\(scalar)"
    }

    private mutating func group() throws(TokenizerError) -> String {
        guard accept("?") else {
            if peek() == "*" { throw error("verbs such as (*…) are not supported") }
            return "(" + (try alternatives()) + (try close())
        }
        for opening in [":", "=", "!", ">", "<=", "<!"] where accept(opening) {
            return "(?\(opening)" + (try alternatives()) + (try close())
        }
        if accept("#") {
            while let scalar = next(), scalar != ")" { if scalar == "\\" { position += 1 } }
            return ""
        }
        if accept("<") {
            let name = try word(until: ">")
            return "(?<\(name)>" + (try alternatives()) + (try close())
        }
        var options = ""
        while let scalar = peek(), ["i", "m", "-"].contains(scalar) {
            options += scalar == "m" ? "s" : String(scalar)
            position += 1
        }
        guard !options.isEmpty else { throw error("a group begins with (? and is not supported") }
        if accept(":") { return "(?\(options):" + (try alternatives()) + (try close()) }
        guard accept(")") else { throw error("a group of options is not supported") }
        // Holds to the end of the group around it, all its alternatives taken together.
        return "(?\(options):" + (try alternatives()) + ")"
    }

    private mutating func close() throws(TokenizerError) -> String {
        guard accept(")") else { throw error("\")\" is missing") }
        return ")"
    }

    private mutating func word(until end: Unicode.Scalar) throws(TokenizerError) -> String {
        var name = ""
        while let scalar = next(), scalar != end {
            guard scalar == "_" || scalar.properties.isAlphabetic || ("0"..."9").contains(scalar) else {
                throw error("the name of a group has the character \"\(scalar)\"")
            }
            name.unicodeScalars.append(scalar)
        }
        return name
    }

    // MARK: Repetition

    private mutating func quantified(_ atom: String) throws(TokenizerError) -> String {
        var result = atom
        var isRepeated = false
        while let scalar = peek() {
            let bounds: String
            switch scalar {
            case "*", "+", "?":
                position += 1
                bounds = String(scalar)
            case "{":
                guard let interval = interval() else { return result }
                bounds = interval
            default:
                return result
            }
            guard !result.isEmpty else { throw error("nothing to repeat before \"\(bounds)\"") }
            if isRepeated { result = "(?:\(result))" }
            result += bounds
            isRepeated = true
            if scalar == "{" {
                // "{n}?" makes the whole optional; "{n,m}+" repeats it.
                if bounds.contains(","), accept("?") { result += "?" }
            } else if accept("?") {
                result += "?"
            } else if accept("+") {
                result += "+"
            }
        }
        return result
    }

    /// `{n}`, `{n,}`, `{,m}` or `{n,m}`; nil, and nothing read, where the brace is itself.
    private mutating func interval() -> String? {
        let start = position
        position += 1
        func digits(_ dialect: inout PatternDialect) -> String {
            var text = ""
            while let scalar = dialect.peek(), ("0"..."9").contains(scalar) {
                text.unicodeScalars.append(scalar)
                dialect.position += 1
            }
            return text
        }
        let least = digits(&self)
        let hasComma = accept(",")
        let most = hasComma ? digits(&self) : ""
        guard accept("}"), !least.isEmpty || !most.isEmpty else {
            position = start
            return nil
        }
        return hasComma ? "{\(least.isEmpty ? "0" : least),\(most)}" : "{\(least)}"
    }

    // MARK: Escapes

    private mutating func escape() throws(TokenizerError) -> String {
        guard let scalar = next() else { throw error("it ends after \"\\\"") }
        switch scalar {
        case "b": return "(?:(?<=[\(Self.word)])(?![\(Self.word)])|(?<![\(Self.word)])(?=[\(Self.word)]))"
        case "B": return "(?:(?<=[\(Self.word)])(?=[\(Self.word)])|(?<![\(Self.word)])(?![\(Self.word)]))"
        case "A", "z", "Z", "G", "K", "X", "R": return "\\\(scalar)"
        case "N": return "[^\\n]"
        case "O": return "(?s:.)"
        case "1"..."9":
            var digits = String(scalar)
            while let digit = peek(), ("0"..."9").contains(digit) {
                digits.unicodeScalars.append(digit)
                position += 1
            }
            return "(?:\\\(digits))"
        case "k":
            guard accept("<") else { throw error("\\k without a name") }
            return "\\k<\(try word(until: ">"))>"
        default:
            position -= 1
            return try classEscape().pattern
        }
    }

    /// A set of characters, as the inside of a class, or as patterns of one character where a class cannot say it.
    private struct CharacterSet {
        var body = ""
        var others: [String] = []

        var pattern: String {
            if others.isEmpty { return "[\(body)]" }
            let all = body.isEmpty ? others : ["[\(body)]"] + others
            return all.count == 1 ? all[0] : "(?:\(all.joined(separator: "|")))"
        }

        var negated: CharacterSet {
            if others.isEmpty { return CharacterSet(others: ["[^\(body)]"]) }
            return CharacterSet(others: ["(?:(?!\(pattern))(?s:.))"])
        }

        mutating func formUnion(_ other: CharacterSet) {
            body += other.body
            others += other.others
        }
    }

    /// What a backslash means inside a class, and mostly outside too.
    private mutating func classEscape() throws(TokenizerError) -> CharacterSet {
        guard let scalar = next() else { throw error("it ends after \"\\\"") }
        switch scalar {
        case "s": return CharacterSet(body: Self.space)
        case "S": return CharacterSet(body: Self.space).negated
        case "w": return CharacterSet(body: Self.word)
        case "W": return CharacterSet(body: Self.word).negated
        case "h": return CharacterSet(body: Self.hexadecimal)
        case "H": return CharacterSet(body: Self.hexadecimal).negated
        case "d": return CharacterSet(body: "\\p{Nd}")
        case "D": return CharacterSet(body: "\\P{Nd}")
        case "p", "P": return CharacterSet(body: try property(isNegated: scalar == "P"))
        default:
            position -= 1
            return CharacterSet(body: Self.hexadecimal(try escapedScalar()))
        }
    }

    private static func hexadecimal(_ scalar: Unicode.Scalar) -> String {
        "\\x{\(String(scalar.value, radix: 16))}"
    }

    /// The character that a backslash spells.
    private mutating func escapedScalar() throws(TokenizerError) -> Unicode.Scalar {
        guard let scalar = next() else { throw error("it ends after \"\\\"") }
        let controls: [Unicode.Scalar: Unicode.Scalar] = [
            "n": "\n", "t": "\t", "r": "\r", "f": "\u{0C}", "v": "\u{0B}", "a": "\u{07}", "e": "\u{1B}",
        ]
        if let control = controls[scalar] { return control }
        switch scalar {
        case "x" where accept("{"):
            let digits = try word(until: "}")
            return try self.scalar(digits)
        case "x": return try self.scalar(hexadecimalDigits(atMost: 2))
        case "u": return try self.scalar(hexadecimalDigits(atMost: 4))
        case "0":
            var value: UInt32 = 0
            var count = 0
            while count < 2, let digit = peek(), ("0"..."7").contains(digit) {
                value = value * 8 + digit.value - 0x30
                position += 1
                count += 1
            }
            return Unicode.Scalar(value) ?? "\0"
        default:
            guard !scalar.properties.isAlphabetic, !("0"..."9").contains(scalar) else {
                throw error("\\\(scalar) is not supported")
            }
            return scalar
        }
    }

    private mutating func hexadecimalDigits(atMost count: Int) -> String {
        var digits = ""
        while digits.utf8.count < count, let scalar = peek(), scalar.properties.isASCIIHexDigit {
            digits.unicodeScalars.append(scalar)
            position += 1
        }
        return digits
    }

    private func scalar(_ digits: String) throws(TokenizerError) -> Unicode.Scalar {
        guard let scalar = UInt32(digits, radix: 16).flatMap(Unicode.Scalar.init) else {
            throw error("\"\(digits)\" is not the number of a character")
        }
        return scalar
    }

    private static let binaryProperties: Set<String> = [
        "alphabetic", "uppercase", "lowercase", "whitespace", "emoji", "emojipresentation", "emojimodifier",
        "emojicomponent", "extendedpictographic", "ideographic", "math", "any", "hexdigit", "dash",
        "joincontrol",
    ]
    private static let categories: [String: String] = [
        "letter": "L", "mark": "M", "number": "N", "punctuation": "P", "symbol": "S", "separator": "Z",
        "other": "C", "uppercaseletter": "Lu", "lowercaseletter": "Ll", "titlecaseletter": "Lt",
        "modifierletter": "Lm", "otherletter": "Lo", "nonspacingmark": "Mn", "spacingmark": "Mc",
        "enclosingmark": "Me", "decimalnumber": "Nd", "letternumber": "Nl", "othernumber": "No",
        "connectorpunctuation": "Pc", "dashpunctuation": "Pd", "openpunctuation": "Ps",
        "closepunctuation": "Pe",
        "initialpunctuation": "Pi", "finalpunctuation": "Pf", "otherpunctuation": "Po", "mathsymbol": "Sm",
        "currencysymbol": "Sc", "modifiersymbol": "Sk", "othersymbol": "So", "spaceseparator": "Zs",
        "lineseparator": "Zl", "paragraphseparator": "Zp", "control": "Cc", "format": "Cf",
        "privateuse": "Co",
        "unassigned": "Cn",
    ]

    private mutating func property(isNegated: Bool) throws(TokenizerError) -> String {
        guard accept("{") else { throw error("\\p without {…}") }
        var isNegated = isNegated
        if accept("^") { isNegated.toggle() }
        var name = ""
        while let scalar = next(), scalar != "}" {
            if ["_", "-", " "].contains(scalar) { continue }
            guard scalar.isASCII, scalar.properties.isAlphabetic else {
                throw error("the property \"\(name)\(scalar)…\" is not supported")
            }
            name.unicodeScalars.append(scalar)
        }
        let folded = name.lowercased()
        let known: String
        if let category = Self.categories[folded] {
            known = category
        } else if Self.binaryProperties.contains(folded) {
            known = folded
        } else if name.utf8.count <= 2, let first = folded.first, "lmnpszc".contains(first) {
            known = folded.prefix(1).uppercased() + folded.dropFirst()
        } else {
            known = "sc:\(name)"
        }
        return "\\\(isNegated ? "P" : "p"){\(known)}"
    }

    // MARK: Classes

    /// A class, its `[` read already.
    private mutating func characterClass() throws(TokenizerError) -> CharacterSet {
        depth += 1
        defer { depth -= 1 }
        guard depth <= Self.deepest else { throw error("nested deeper than \(Self.deepest) levels") }
        let isNegated = accept("^")
        var parts = [CharacterSet()]
        var isFirst = true
        while true {
            guard let scalar = next() else { throw error("\"]\" is missing") }
            if scalar == "]", !isFirst { break }
            isFirst = false
            if scalar == "&", accept("&") {
                parts.append(CharacterSet())
                continue
            }
            parts[parts.count - 1].formUnion(try classItem(scalar))
        }
        guard parts.allSatisfy({ !$0.body.isEmpty || !$0.others.isEmpty }) else {
            throw error("an empty class")
        }
        var set = parts[parts.count - 1]
        if parts.count > 1 {
            let conditions = parts.dropLast().map { "(?=\($0.pattern))" }.joined()
            set = CharacterSet(others: ["(?:\(conditions)\(set.pattern))"])
        }
        return isNegated ? set.negated : set
    }

    private mutating func classItem(_ scalar: Unicode.Scalar) throws(TokenizerError) -> CharacterSet {
        let first: Unicode.Scalar
        switch scalar {
        case "[" where accept(":"): return try bracket()
        case "[": return try characterClass()
        case "\\":
            if let letter = peek(), "sSwWhHdDpP".unicodeScalars.contains(letter) { return try classEscape() }
            first = accept("b") ? "\u{08}" : try escapedScalar()
        default: first = scalar
        }
        guard peek() == "-", let end = peek(1), end != "]", end != "[" else {
            return CharacterSet(body: Self.hexadecimal(first))
        }
        let mark = position
        position += 1
        var last = next() ?? first
        if last == "\\" {
            if let letter = peek(), "sSwWhHdDpP".unicodeScalars.contains(letter) {
                position = mark
                return CharacterSet(body: Self.hexadecimal(first))
            }
            last = try escapedScalar()
        }
        guard first <= last else { throw error("the range \(first)-\(last) is empty") }
        return CharacterSet(body: "\(Self.hexadecimal(first))-\(Self.hexadecimal(last))")
    }

    /// `[:name:]` inside a class, its `[:` read already.
    private mutating func bracket() throws(TokenizerError) -> CharacterSet {
        let isNegated = accept("^")
        let name = try word(until: ":")
        guard accept("]") else { throw error("\"[:\(name)\" is not closed") }
        let body: String
        switch name {
        case "alpha": body = "\\p{Alphabetic}"
        case "alnum": body = "\\p{Alphabetic}\\p{Nd}"
        case "digit": body = "\\p{Nd}"
        case "space": body = Self.space
        case "word": body = #"\p{Alphabetic}\p{M}\p{Nd}\p{Pc}"#
        case "xdigit": body = Self.hexadecimal
        default: throw error("[:\(name):] is not supported")
        }
        let set = CharacterSet(body: body)
        return isNegated ? set.negated : set
    }

    // MARK: Source

    private func peek(_ offset: Int = 0) -> Unicode.Scalar? {
        position + offset < source.count ? source[position + offset] : nil
    }

    private mutating func next() -> Unicode.Scalar? {
        guard position < source.count else { return nil }
        position += 1
        return source[position - 1]
    }

    private mutating func accept(_ text: String) -> Bool {
        guard source[position...].starts(with: text.unicodeScalars) else { return false }
        position += text.unicodeScalars.count
        return true
    }

    private func error(_ message: String) -> TokenizerError {
        .pattern(
            "\(message), at character \(position) of \(String(String.UnicodeScalarView(source)).prefix(200))")
    }
}
