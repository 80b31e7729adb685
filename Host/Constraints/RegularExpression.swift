/// Reads the part of ECMAScript's regular expressions that finite automata can do: classes, groups, alternatives,
/// quantifiers, and anchors at the ends.
struct RegularExpression {
    /// Alternatives of the whole, with the ends at which they are fast.
    private struct Alternative {
        var expression: Expression
        var isFastAtStart: Bool
        var isFastAtEnd: Bool
    }

    private let scalars: [Unicode.Scalar]
    private let encode: (ScalarSet) -> Expression
    private var position = 0
    private var depth = 0

    private static let deepest = 100
    private static let mostRepetitions = 1000
    private static let digit = ScalarSet([0x30...0x39])
    private static let word = ScalarSet([0x30...0x39, 0x41...0x5A, 0x5F...0x5F, 0x61...0x7A])
    private static let space = ScalarSet([
        0x09...0x0D, 0x20...0x20, 0xA0...0xA0, 0x1680...0x1680, 0x2000...0x200A, 0x2028...0x2029,
        0x202F...0x202F, 0x205F...0x205F, 0x3000...0x3000, 0xFEFF...0xFEFF,
    ])
    private static let lineEnd = ScalarSet([0x0A...0x0A, 0x0D...0x0D, 0x2028...0x2029])

    /// The texts in which the pattern is found.
    ///
    /// - Parameter encode: What the text of a character of a set looks like.
    static func search(
        _ pattern: String, encode: @escaping (ScalarSet) -> Expression
    ) throws(SchemaProblem) -> Expression {
        var parser = RegularExpression(scalars: Array(pattern.unicodeScalars), encode: encode)
        let anything = Expression.repeated(encode(.all), min: 0, max: nil)
        let alternatives = try parser.topAlternatives()
        return .choice(
            alternatives.map { alternative in
                .sequence(
                    (alternative.isFastAtStart ? [] : [anything]) + [alternative.expression]
                        + (alternative.isFastAtEnd ? [] : [anything]))
            })
    }

    /// A pattern of this code's own, of ASCII, that stands for the whole text, byte by byte.
    static func whole(_ pattern: String) throws(SchemaProblem) -> Expression {
        try search("^(?:\(pattern))$", encode: \.utf8)
    }

    private init(scalars: [Unicode.Scalar], encode: @escaping (ScalarSet) -> Expression) {
        self.scalars = scalars
        self.encode = encode
    }

    private var peek: Unicode.Scalar? { position < scalars.count ? scalars[position] : nil }

    private mutating func take(_ scalar: Unicode.Scalar) -> Bool {
        guard peek == scalar else { return false }
        position += 1
        return true
    }

    private mutating func topAlternatives() throws(SchemaProblem) -> [Alternative] {
        var alternatives: [Alternative] = []
        repeat {
            let isFastAtStart = take("^")
            let expression = try sequence()
            alternatives.append(
                Alternative(
                    expression: expression, isFastAtStart: isFastAtStart, isFastAtEnd: take("$")))
        } while take("|")
        guard peek == nil else { throw .pattern(peek == ")" ? "an unopened group" : "an anchor inside") }
        return alternatives
    }

    /// Terms up to the end of an alternative.
    private mutating func sequence() throws(SchemaProblem) -> Expression {
        var terms: [Expression] = []
        while let scalar = peek, scalar != "|", scalar != ")", scalar != "$" {
            let atom = try atom()
            terms.append(try quantified(atom))
        }
        return .sequence(terms)
    }

    private mutating func atom() throws(SchemaProblem) -> Expression {
        guard let scalar = peek else { throw .pattern("its end") }
        position += 1
        switch scalar {
        case "(": return try group()
        case "[": return encode(try bracketClass())
        case ".": return encode(Self.lineEnd.inverted)
        case "\\": return encode(try escape())
        case "^": throw .pattern("an anchor inside")
        case "*", "+", "?": throw .pattern("a quantifier without anything before it")
        default: return encode(ScalarSet([scalar.value...scalar.value]))
        }
    }

    private mutating func group() throws(SchemaProblem) -> Expression {
        depth += 1
        defer { depth -= 1 }
        guard depth <= Self.deepest else { throw .tooComplex }
        if take("?") {
            if take("<") {
                guard let next = peek, next != "=", next != "!" else {
                    throw .pattern("a look-behind")
                }
                while let scalar = peek, scalar != ">" { position += scalar == ")" ? scalars.count : 1 }
                guard take(">") else { throw .pattern("a group's name without an end") }
            } else if !take(":") {
                throw .pattern(peek == "=" || peek == "!" ? "a look-ahead" : "a flag")
            }
        }
        var alternatives: [Expression] = []
        repeat { alternatives.append(try sequence()) } while take("|")
        guard take(")") else { throw .pattern(peek == "$" ? "an anchor inside" : "an unclosed group") }
        return .choice(alternatives)
    }

    private mutating func quantified(_ atom: Expression) throws(SchemaProblem) -> Expression {
        let bounds: (Int, Int?)
        if take("*") {
            bounds = (0, nil)
        } else if take("+") {
            bounds = (1, nil)
        } else if take("?") {
            bounds = (0, 1)
        } else if let braces = try braces() {
            bounds = braces
        } else {
            return atom
        }
        // A lazy one finds the same texts.
        _ = take("?")
        if let next = peek, "*+?".unicodeScalars.contains(next) {
            throw .pattern("a quantifier of a quantifier")
        }
        return .repeated(atom, min: bounds.0, max: bounds.1)
    }

    /// `{2}`, `{2,}`, `{2,5}`; nil where a brace stands for itself.
    private mutating func braces() throws(SchemaProblem) -> (Int, Int?)? {
        let start = position
        guard take("{"), let low = number() else {
            position = start
            return nil
        }
        var high: Int? = low
        if take(",") { high = number() }
        guard take("}") else {
            position = start
            return nil
        }
        guard low <= high ?? low else { throw .pattern("a quantifier whose bounds are out of order") }
        guard max(low, high ?? 0) <= Self.mostRepetitions else { throw .tooComplex }
        return (low, high)
    }

    private mutating func number() -> Int? {
        let start = position
        var value = 0
        while let digit = peek, Self.digit.contains(digit.value) {
            value = min(value * 10 + Int(digit.value - 0x30), 1 << 30)
            position += 1
        }
        return position > start ? value : nil
    }

    /// What follows `[`.
    private mutating func bracketClass() throws(SchemaProblem) -> ScalarSet {
        let isInverted = take("^")
        var set = ScalarSet([])
        while !take("]") {
            let low = try classMember()
            guard peek == "-", position + 1 < scalars.count, scalars[position + 1] != "]" else {
                set = set.union(low)
                continue
            }
            position += 1
            let high = try classMember()
            guard let first = low.single, let last = high.single else {
                throw .pattern("a range between classes")
            }
            guard first <= last else { throw .pattern("a range that is out of order") }
            set = set.union(ScalarSet([first...last]))
        }
        return isInverted ? set.inverted : set
    }

    private mutating func classMember() throws(SchemaProblem) -> ScalarSet {
        guard let scalar = peek else { throw .pattern("an unclosed class") }
        position += 1
        guard scalar == "\\" else { return ScalarSet([scalar.value...scalar.value]) }
        return take("b") ? ScalarSet([0x08...0x08]) : try escape()
    }

    /// What follows a backslash.
    private mutating func escape() throws(SchemaProblem) -> ScalarSet {
        guard let scalar = peek else { throw .pattern("a backslash at the end") }
        position += 1
        let single: UInt32
        switch scalar {
        case "d": return Self.digit
        case "D": return Self.digit.inverted
        case "w": return Self.word
        case "W": return Self.word.inverted
        case "s": return Self.space
        case "S": return Self.space.inverted
        case "t": single = 0x09
        case "n": single = 0x0A
        case "v": single = 0x0B
        case "f": single = 0x0C
        case "r": single = 0x0D
        case "0":
            guard !(peek.map { Self.digit.contains($0.value) } ?? false) else {
                throw .pattern("\\0 with digits")
            }
            single = 0
        case "x": single = try hexadecimal(2)
        case "u": single = try unicodeEscape()
        case "c":
            guard let letter = peek, Self.word.contains(letter.value), letter.value >= 0x41, letter != "_"
            else {
                throw .pattern("\\c without a letter")
            }
            position += 1
            single = letter.value & 0x1F
        default:
            guard !Self.word.contains(scalar.value) else { throw .pattern("\\\(scalar)") }
            single = scalar.value
        }
        return ScalarSet([single...single])
    }

    private mutating func unicodeEscape() throws(SchemaProblem) -> UInt32 {
        if take("{") {
            var value: UInt32 = 0
            while !take("}") {
                value = value << 4 | (try hexadecimal(1))
                guard value <= 0x10FFFF else { throw .pattern("a character beyond Unicode") }
            }
            return value
        }
        let high = try hexadecimal(4)
        guard (0xD800...0xDBFF).contains(high) else { return high }
        guard take("\\"), take("u") else { throw .pattern("half a surrogate pair") }
        let low = try hexadecimal(4)
        guard (0xDC00...0xDFFF).contains(low) else { throw .pattern("half a surrogate pair") }
        return 0x10000 + (high - 0xD800) << 10 + (low - 0xDC00)
    }

    private mutating func hexadecimal(_ count: Int) throws(SchemaProblem) -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<count {
            guard let digit = peek, digit.isASCII, let number = Character(digit).hexDigitValue else {
                throw .pattern("an escape without its digits")
            }
            value = value << 4 | UInt32(number)
            position += 1
        }
        return value
    }
}

extension ScalarSet {
    /// The one character of the set, if it has no other.
    fileprivate var single: UInt32? {
        ranges.count == 1 && ranges[0].count == 1 ? ranges[0].lowerBound : nil
    }
}
