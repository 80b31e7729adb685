/// What Jinja source is made of.
enum Lexeme: Sendable, Equatable {
    /// Text outside of tags, white space already trimmed as the tags around it ask.
    case data([Unicode.Scalar])
    case variableBegin
    case variableEnd
    case blockBegin
    case blockEnd
    case name(String)
    case string([Unicode.Scalar])
    case integer(Int)
    case float(Double)
    /// An operator or bracket.
    case symbol(String)
    case end

    /// As it is called in messages.
    var spelling: String {
        switch self {
        case .data: "text"
        case .variableBegin: "{{"
        case .variableEnd: "}}"
        case .blockBegin: "{%"
        case .blockEnd: "%}"
        case .name(let name): name
        case .string: "a string"
        case .integer(let value): "\(value)"
        case .float(let value): "\(value)"
        case .symbol(let symbol): symbol
        case .end: "the end of the template"
        }
    }
}

/// Cuts Jinja source into lexemes, with `trim_blocks` and `lstrip_blocks` on: a line that holds only a block tag
/// leaves nothing behind.
struct Lexer {
    private let source: [Unicode.Scalar]
    private var position = 0
    private var line = 1
    private var countedTo = 0
    private var lexemes: [(Lexeme, Int)] = []

    /// - Returns: Lexemes with their lines, ended by ``Lexeme/end``.
    static func lexemes(of source: String) throws(TemplateError) -> [(Lexeme, Int)] {
        var lexer = Lexer(source)
        try lexer.run()
        return lexer.lexemes
    }

    private init(_ text: String) {
        var source: [Unicode.Scalar] = []
        var previous: Unicode.Scalar?
        for scalar in text.unicodeScalars {
            if scalar == "\r" {
                source.append("\n")
            } else if !(scalar == "\n" && previous == "\r") {
                source.append(scalar)
            }
            previous = scalar
        }
        // One line end at the very end is not part of the template.
        if source.last == "\n" { source.removeLast() }
        self.source = source
    }

    private mutating func run() throws(TemplateError) {
        while position < source.count {
            guard let tag = nextTag() else {
                emit(.data(Array(source[position...])))
                position = source.count
                break
            }
            emitText(upTo: tag)
            let kind = source[tag + 1]
            position = tag + 2
            if peek() == "-" || peek() == "+" { position += 1 }
            switch kind {
            case "#":
                try skipComment(from: tag)
            case "{":
                emit(.variableBegin)
                try lexTag(closedBy: "}", .variableEnd)
            default:
                if try lexRaw(from: tag) { continue }
                emit(.blockBegin)
                try lexTag(closedBy: "%", .blockEnd)
            }
        }
        emit(.end)
    }

    // MARK: Raw text

    /// `{% raw %} … {% endraw %}`: false, and nothing read, if the tag is another.
    private mutating func lexRaw(from tag: Int) throws(TemplateError) -> Bool {
        guard let begin = tagEnd(named: "raw", at: position), begin.sign != "+" else { return false }
        position = begin.position
        if begin.sign == "-" { skipSpace() }
        var index = position
        while index + 1 < source.count {
            guard source[index] == "{", source[index + 1] == "%" else {
                index += 1
                continue
            }
            let isSigned = index + 2 < source.count && ["-", "+"].contains(source[index + 2])
            guard let end = tagEnd(named: "endraw", at: index + (isSigned ? 3 : 2)) else {
                index += 1
                continue
            }
            emitText(upTo: index)
            position = end.position
            if end.sign == "-" {
                skipSpace()
            } else if end.sign == nil, peek() == "\n" {
                position += 1
            }
            return true
        }
        throw error("{% raw %} is not closed: expected {% endraw %}", at: tag)
    }

    /// The end of a block tag that holds `name` alone and its sign, if there is one, where the tag's inside begins
    /// at `start`.
    private func tagEnd(named name: String, at start: Int) -> (position: Int, sign: Unicode.Scalar?)? {
        var index = start
        while index < source.count, isPythonSpace(source[index]) { index += 1 }
        guard source[min(index, source.count)...].starts(with: name.unicodeScalars) else { return nil }
        index += name.unicodeScalars.count
        while index < source.count, isPythonSpace(source[index]) { index += 1 }
        var sign: Unicode.Scalar?
        if index < source.count, source[index] == "-" || source[index] == "+" {
            sign = source[index]
            index += 1
        }
        guard source[min(index, source.count)...].starts(with: "%}".unicodeScalars) else { return nil }
        return (index + 2, sign)
    }

    // MARK: Text

    private func nextTag() -> Int? {
        var index = position
        while index + 1 < source.count {
            if source[index] == "{", ["%", "{", "#"].contains(source[index + 1]) { return index }
            index += 1
        }
        return nil
    }

    /// Text before a tag, less the white space that the tag's sign (`-`, `+` or none) takes away.
    private mutating func emitText(upTo tag: Int) {
        let sign = tag + 2 < source.count ? source[tag + 2] : " "
        var end = tag
        if sign == "-" {
            while end > position, isPythonSpace(source[end - 1]) { end -= 1 }
        } else if sign != "+", source[tag + 1] != "{" {
            var lineStart = tag
            while lineStart > position, source[lineStart - 1] != "\n", isPythonSpace(source[lineStart - 1]) {
                lineStart -= 1
            }
            // Only where the white space reaches back to the beginning of the line.
            if lineStart == 0 || source[lineStart - 1] == "\n" { end = lineStart }
        }
        if end > position { emit(.data(Array(source[position..<end]))) }
        position = tag
    }

    private mutating func skipComment(from tag: Int) throws(TemplateError) {
        while position + 1 < source.count {
            if source[position] == "#", source[position + 1] == "}" {
                let sign = source[position - 1]
                let hasSign = position - 1 > tag + 1 && (sign == "-" || sign == "+")
                position += 2
                if hasSign && sign == "-" {
                    skipSpace()
                } else if !hasSign, peek() == "\n" {
                    position += 1
                }
                return
            }
            position += 1
        }
        throw error("the comment is not closed: expected #}", at: tag)
    }

    // MARK: Inside tags

    private mutating func lexTag(closedBy close: Unicode.Scalar, _ end: Lexeme) throws(TemplateError) {
        let begin = position
        var brackets: [Unicode.Scalar] = []
        while true {
            skipSpace()
            guard let scalar = peek() else {
                throw error("the tag is not closed: expected \(end.spelling)", at: begin)
            }
            if brackets.isEmpty, closeTag(close, end) { return }
            if isDigit(scalar) {
                try lexNumber()
            } else if scalar == "_" || scalar.properties.isAlphabetic {
                let start = position
                while let next = peek(), next == "_" || isDigit(next) || next.properties.isAlphabetic {
                    position += 1
                }
                emit(.name(text(start..<position)), at: start)
            } else if scalar == "'" || scalar == "\"" {
                try lexString(quote: scalar)
            } else {
                try lexSymbol(&brackets)
            }
        }
    }

    private mutating func closeTag(_ close: Unicode.Scalar, _ end: Lexeme) -> Bool {
        var index = position
        let sign = source[index]
        let hasSign = sign == "-" || (sign == "+" && close == "%")
        if hasSign { index += 1 }
        guard index + 1 < source.count, source[index] == close, source[index + 1] == "}" else { return false }
        emit(end)
        position = index + 2
        if hasSign && sign == "-" {
            skipSpace()
        } else if !hasSign, close == "%", peek() == "\n" {
            position += 1
        }
        return true
    }

    private static let symbols = [
        "//", "**", "==", "!=", ">=", "<=", "+", "-", "/", "*", "%", "~", "[", "]", "(", ")", "{", "}", ">",
        "<",
        "=", ".", ":", "|", ",", ";",
    ]

    private mutating func lexSymbol(_ brackets: inout [Unicode.Scalar]) throws(TemplateError) {
        let symbol = Self.symbols.first { symbol in
            zip(symbol.unicodeScalars.indices, symbol.unicodeScalars).enumerated().allSatisfy {
                offset, element in
                position + offset < source.count && source[position + offset] == element.1
            }
        }
        guard let symbol else {
            throw error("unexpected character \"\(source[position])\"", at: position)
        }
        switch symbol {
        case "(": brackets.append(")")
        case "[": brackets.append("]")
        case "{": brackets.append("}")
        case ")", "]", "}":
            guard let open = brackets.popLast() else { throw error("unexpected \"\(symbol)\"", at: position) }
            guard String(open) == symbol else {
                throw error("unexpected \"\(symbol)\"; expected \"\(open)\"", at: position)
            }
        default: break
        }
        emit(.symbol(symbol))
        position += symbol.unicodeScalars.count
    }

    private mutating func lexNumber() throws(TemplateError) {
        let start = position
        func skipDigits() {
            while let next = peek(), isDigit(next) || (next == "_" && isDigit(peek(1))) { position += 1 }
        }
        skipDigits()
        var isFloat = false
        // "1.5" is a number; "x.0.1" is two subscripts.
        if start == 0 || source[start - 1] != "." {
            if peek() == ".", isDigit(peek(1)) {
                isFloat = true
                position += 1
                skipDigits()
            }
            if peek() == "e" || peek() == "E" {
                let signed = peek(1) == "+" || peek(1) == "-"
                if isDigit(peek(signed ? 2 : 1)) {
                    isFloat = true
                    position += signed ? 2 : 1
                    skipDigits()
                }
            }
        }
        let digits = text(start..<position).replacing("_", with: "")
        if isFloat, let value = Double(digits) {
            emit(.float(value), at: start)
        } else if let value = Int(digits) {
            emit(.integer(value), at: start)
        } else {
            throw error("the number \(digits) is too large", at: start)
        }
    }

    private mutating func lexString(quote: Unicode.Scalar) throws(TemplateError) {
        let start = position
        var value: [Unicode.Scalar] = []
        position += 1
        while let scalar = peek() {
            position += 1
            if scalar == quote {
                emit(.string(value), at: start)
                return
            }
            if scalar == "\\" {
                try lexEscape(into: &value)
            } else {
                value.append(scalar)
            }
        }
        throw error("the string is not closed: expected \(quote)", at: start)
    }

    // The escapes of Python's string literals, but for \N{name}.
    private mutating func lexEscape(into value: inout [Unicode.Scalar]) throws(TemplateError) {
        guard let escape = peek() else { return }
        position += 1
        let simple: [Unicode.Scalar: Unicode.Scalar] = [
            "n": "\n", "t": "\t", "r": "\r", "a": "\u{07}", "b": "\u{08}", "f": "\u{0C}", "v": "\u{0B}",
            "\\": "\\", "'": "'", "\"": "\"",
        ]
        if let scalar = simple[escape] {
            value.append(scalar)
        } else if escape == "\n" {
            return
        } else if let digits = ["x": 2, "u": 4, "U": 8][escape] {
            let end = min(position + digits, source.count)
            guard let code = UInt32(text(position..<end), radix: 16), let scalar = Unicode.Scalar(code) else {
                throw error(
                    "\\\(escape) needs \(digits) hexadecimal digits that are a character", at: position)
            }
            value.append(scalar)
            position = end
        } else if let first = octal(escape) {
            var code = first
            for _ in 0..<2 {
                guard let next = peek().flatMap(octal) else { break }
                code = code * 8 + next
                position += 1
            }
            if let scalar = Unicode.Scalar(code) { value.append(scalar) }
        } else {
            value.append("\\")
            value.append(escape)
        }
    }

    private func octal(_ scalar: Unicode.Scalar) -> UInt32? {
        scalar >= "0" && scalar <= "7" ? scalar.value - 0x30 : nil
    }

    // MARK: Source

    private func peek(_ offset: Int = 0) -> Unicode.Scalar? {
        position + offset < source.count ? source[position + offset] : nil
    }

    private func isDigit(_ scalar: Unicode.Scalar?) -> Bool {
        guard let scalar else { return false }
        return scalar >= "0" && scalar <= "9"
    }

    private mutating func skipSpace() {
        while let scalar = peek(), isPythonSpace(scalar) { position += 1 }
    }

    private func text(_ range: Range<Int>) -> String {
        var view = String.UnicodeScalarView()
        view.append(contentsOf: source[range])
        return String(view)
    }

    private mutating func emit(_ lexeme: Lexeme, at index: Int? = nil) {
        let index = index ?? position
        while countedTo < index {
            if source[countedTo] == "\n" { line += 1 }
            countedTo += 1
        }
        lexemes.append((lexeme, line))
    }

    private func error(_ message: String, at index: Int) -> TemplateError {
        let line = 1 + source[..<min(index, source.count)].count { $0 == "\n" }
        return TemplateError(kind: .syntax, line: line, message: message)
    }
}

/// Whether Python's `str.isspace` holds for the character.
func isPythonSpace(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0x09...0x0D, 0x1C...0x20, 0x85, 0xA0, 0x1680, 0x2000...0x200A, 0x2028, 0x2029, 0x202F, 0x205F,
        0x3000:
        true
    default:
        false
    }
}
