import Foundation

/// Python's two ways of formatting: `'%s' % value` and `'{}'.format(value)`.
///
/// Characters of the format and of texts keep their origin; digits count as data.
extension Interpreter {
    /// How one value is laid out.
    private struct Layout {
        var fill: Unicode.Scalar = " "
        /// `<`, `>`, `^`, or `=` (between sign and digits); nil for what the value's type wants.
        var alignment: Unicode.Scalar?
        /// `+` or a space before numbers that are not negative.
        var sign: Unicode.Scalar?
        /// `#`: 0x, 0o or 0b before the digits.
        var hasPrefix = false
        var width = 0
        /// `,` or `_` between thousands.
        var separator: Unicode.Scalar?
        var precision: Int?
        var type: Unicode.Scalar?
    }

    // Python allows more; nobody writes that many digits.
    private static let mostDigits = 400

    // MARK: '%s' % value

    mutating func formatted(_ format: TracedText, with value: JinjaValue) throws -> TracedText {
        var arguments = [value][...]
        if case .tuple(let items) = value { arguments = items[...] }
        var result = TracedText()
        var index = 0
        var usesKeys = false
        while index < format.count {
            guard format.scalars[index] == "%" else {
                let start = index
                while index < format.count, format.scalars[index] != "%" { index += 1 }
                result.append(format[start..<index])
                continue
            }
            index += 1
            if index < format.count, format.scalars[index] == "%" {
                result.append(format[index..<index + 1])
                index += 1
                continue
            }
            var key: TracedText?
            if index < format.count, format.scalars[index] == "(" {
                guard let close = format.scalars[index...].firstIndex(of: ")") else {
                    throw failure("a format has \"%(\" without \")\"")
                }
                key = format[index + 1..<close]
                index = close + 1
                usesKeys = true
            }
            let layout = try printfLayout(format, &index, &arguments)
            let item: JinjaValue
            if let key {
                guard case .dict(let dict) = value, let found = dict[key] else {
                    throw failure("a format needs \"\(key.string)\" of a dict")
                }
                item = found
            } else {
                guard let next = arguments.popFirst() else { throw failure("too few values for a format") }
                item = next
            }
            result.append(try printf(item, layout))
            try charge(result.count / 16)
        }
        if !usesKeys, !arguments.isEmpty {
            guard case .dict = value else { throw failure("too many values for a format") }
        }
        try charge(result.count)
        return result
    }

    private func printfLayout(
        _ format: TracedText, _ index: inout Int, _ arguments: inout ArraySlice<JinjaValue>
    ) throws -> Layout {
        var layout = Layout()
        func peek() -> Unicode.Scalar? { index < format.count ? format.scalars[index] : nil }
        func number() throws -> Int {
            if peek() == "*" {
                index += 1
                guard let value = arguments.popFirst()?.index else { throw failure("* needs a whole number") }
                return value
            }
            return digits(format, &index) ?? 0
        }
        while let flag = peek(), "#0- +".unicodeScalars.contains(flag) {
            switch flag {
            case "#": layout.hasPrefix = true
            case "0":
                if layout.alignment == nil { (layout.fill, layout.alignment) = ("0", "=") }
            case "-": (layout.fill, layout.alignment) = (" ", "<")
            default: if layout.sign != "+" { layout.sign = flag }
            }
            index += 1
        }
        layout.width = try number()
        if layout.width < 0 { (layout.fill, layout.alignment, layout.width) = (" ", "<", -layout.width) }
        if peek() == "." {
            index += 1
            layout.precision = max(0, try number())
        }
        while let letter = peek(), ["h", "l", "L"].contains(letter) { index += 1 }
        guard let type = peek() else { throw failure("a format ends after \"%\"") }
        index += 1
        layout.type = type
        return layout
    }

    private mutating func printf(_ value: JinjaValue, _ layout: Layout) throws -> TracedText {
        var layout = layout
        if layout.alignment == nil { layout.alignment = ">" }
        let type = layout.type ?? "s"
        switch type {
        case "s", "r", "a":
            if layout.alignment == "=" { (layout.fill, layout.alignment) = (" ", ">") }
            layout.type = nil
            return try aligned(text: type == "s" ? text(of: value) : representation(of: value), layout)
        case "c":
            layout.type = nil
            if case .string(let text) = value, text.count == 1 { return try aligned(text: text, layout) }
            guard let scalar = value.index.flatMap(UInt32.init(exactly:)).flatMap(Unicode.Scalar.init) else {
                throw failure("%c needs a character, found \(describe(value))")
            }
            return try aligned(text: TracedText([scalar], origin: .data), layout)
        case "d", "i", "u":
            guard let number = value.number else {
                throw failure("%\(type) needs a number, found \(describe(value))")
            }
            guard let whole = value.index ?? Int(exactly: number.rounded(.towardZero)) else {
                throw failure("the number is too large")
            }
            layout.type = "d"
            let least = layout.precision ?? 0
            layout.precision = nil
            return try aligned(digits: String(whole.magnitude), isNegative: whole < 0, layout, least: least)
        case "x", "X", "o":
            guard let whole = value.index else {
                throw failure("%\(type) needs a whole number, found \(describe(value))")
            }
            let least = layout.precision ?? 0
            layout.precision = nil
            return try formatted(whole: whole, layout, least: least)
        case "e", "E", "f", "F", "g", "G":
            guard let number = value.number else {
                throw failure("%\(type) needs a number, found \(describe(value))")
            }
            return try formatted(float: number, layout)
        default:
            throw failure("a format has the unknown type \"\(type)\"")
        }
    }

    // MARK: '{}'.format(value)

    mutating func formatted(_ format: TracedText, _ arguments: ArgumentValues) throws -> TracedText {
        var result = TracedText()
        var index = 0
        var automatic = 0
        while index < format.count {
            let scalar = format.scalars[index]
            let isDoubled = index + 1 < format.count && format.scalars[index + 1] == scalar
            if scalar == "{" || scalar == "}", isDoubled {
                result.append(format[index..<index + 1])
                index += 2
            } else if scalar == "{" {
                guard let close = format.scalars[index...].firstIndex(of: "}") else {
                    throw failure("a format has \"{\" without \"}\"")
                }
                let field = format[index + 1..<close]
                if field.scalars.contains("{") { throw unsupported("a format inside a format") }
                result.append(try formatted(field: field, arguments, &automatic))
                try charge(result.count / 16)
                index = close + 1
            } else if scalar == "}" {
                throw failure("a format has \"}\" without \"{\"")
            } else {
                result.append(format[index..<index + 1])
                index += 1
            }
        }
        try charge(result.count)
        return result
    }

    private mutating func formatted(
        field: TracedText, _ arguments: ArgumentValues, _ automatic: inout Int
    ) throws -> TracedText {
        let colon = field.scalars.firstIndex(of: ":") ?? field.count
        let mark = field.scalars[..<colon].firstIndex(of: "!") ?? colon
        let end = field.scalars[..<mark].firstIndex { $0 == "." || $0 == "[" } ?? mark
        guard end == mark else { throw unsupported("an attribute in a format") }
        let name = field[0..<mark].string
        var value: JinjaValue
        if name.isEmpty || Int(name) != nil {
            let place = Int(name) ?? automatic
            if name.isEmpty { automatic += 1 }
            guard arguments.positional.indices.contains(place) else {
                throw failure("a format needs value \(place), found \(arguments.positional.count) values")
            }
            value = arguments.positional[place]
        } else {
            guard let found = arguments.keywords.last(where: { $0.name == name }) else {
                throw failure("a format needs \"\(name)\", which is not given")
            }
            value = found.value
        }
        switch field[min(mark + 1, colon)..<colon].string {
        case "": break
        case "s": value = .string(try text(of: value))
        case "r", "a": value = .string(try representation(of: value))
        case let conversion: throw failure("a format has the unknown conversion \"\(conversion)\"")
        }
        let specification = field[min(colon + 1, field.count)..<field.count]
        if specification.isEmpty { return try text(of: value) }
        return try formatted(value, layout(specification))
    }

    private func layout(_ text: TracedText) throws -> Layout {
        var layout = Layout()
        var index = 0
        func peek(_ offset: Int = 0) -> Unicode.Scalar? {
            index + offset < text.count ? text.scalars[index + offset] : nil
        }
        let alignments: [Unicode.Scalar?] = ["<", ">", "^", "="]
        if let fill = peek(), alignments.contains(peek(1)) {
            (layout.fill, layout.alignment) = (fill, peek(1))
            index += 2
        } else if alignments.contains(peek()) {
            layout.alignment = peek()
            index += 1
        }
        if let sign = peek(), ["+", "-", " "].contains(sign) {
            if sign != "-" { layout.sign = sign }
            index += 1
        }
        if peek() == "#" {
            layout.hasPrefix = true
            index += 1
        }
        if peek() == "0" {
            if layout.alignment == nil { (layout.fill, layout.alignment) = ("0", "=") }
            index += 1
        }
        layout.width = digits(text, &index) ?? 0
        if let separator = peek(), separator == "," || separator == "_" {
            layout.separator = separator
            index += 1
        }
        if peek() == "." {
            index += 1
            guard let precision = digits(text, &index) else {
                throw failure("a format has no precision after \".\"")
            }
            layout.precision = precision
        }
        layout.type = peek()
        if layout.type != nil { index += 1 }
        guard index == text.count else { throw failure("the format \"\(text.string)\" is not understood") }
        return layout
    }

    private mutating func formatted(_ value: JinjaValue, _ layout: Layout) throws -> TracedText {
        var layout = layout
        switch value {
        case .string(let text):
            guard layout.type == nil || layout.type == "s", layout.alignment != "=" else {
                throw failure("the format is not one of text")
            }
            if layout.alignment == nil { layout.alignment = "<" }
            return try aligned(text: text, layout)
        case .int, .bool, .float:
            if layout.alignment == nil { layout.alignment = ">" }
            let type = layout.type
            if let whole = value.index, [nil, "d", "x", "X", "o", "b", "n"].contains(type) {
                guard layout.precision == nil else { throw failure("whole numbers have no precision") }
                return try formatted(whole: whole, layout, least: 0)
            }
            guard let number = value.number, [nil, "e", "E", "f", "F", "g", "G", "%"].contains(type) else {
                throw failure("the format is not one of a \(value.typeName)")
            }
            return try formatted(float: number, layout)
        default:
            throw failure("a \(value.typeName) has no formats")
        }
    }

    // MARK: Numbers

    private mutating func formatted(whole: Int, _ layout: Layout, least: Int) throws -> TracedText {
        let radix: Int
        switch layout.type {
        case "x", "X": radix = 16
        case "o": radix = 8
        case "b": radix = 2
        default: radix = 10
        }
        let digits = String(whole.magnitude, radix: radix, uppercase: layout.type == "X")
        return try aligned(digits: digits, isNegative: whole < 0, layout, least: least)
    }

    private mutating func formatted(float number: Double, _ layout: Layout) throws -> TracedText {
        guard layout.precision ?? 0 <= Self.mostDigits else {
            throw failure("a precision of \(layout.precision ?? 0) digits; \(Self.mostDigits) are allowed")
        }
        let magnitude = number.magnitude
        let isNegative = number.sign == .minus && !number.isNaN
        var digits: String
        if !number.isFinite {
            digits = number.isNaN ? "nan" : "inf"
        } else {
            switch layout.type {
            case nil where layout.precision == nil: digits = pythonDigits(of: magnitude)
            case nil: digits = String(format: "%.\(layout.precision ?? 6)g", magnitude)
            case "%": digits = String(format: "%.\(layout.precision ?? 6)f", magnitude * 100) + "%"
            case .some(let type):
                let form = type == "F" ? "f" : "\(type)"
                digits = String(
                    format: "%\(layout.hasPrefix ? "#" : "").\(layout.precision ?? 6)\(form)", magnitude)
            }
        }
        var layout = layout
        layout.hasPrefix = false
        return try aligned(digits: digits, isNegative: isNegative, layout, least: 0)
    }

    private mutating func aligned(
        digits: String, isNegative: Bool, _ layout: Layout, least: Int
    ) throws -> TracedText {
        var body = digits
        try charge(least)
        if body.count < least { body = String(repeating: "0", count: least - body.count) + body }
        if let separator = layout.separator {
            let end = body.firstIndex { !$0.isHexDigit } ?? body.endIndex
            let size = [nil, "d", "f", "F", "%", "g", "n"].contains(layout.type) ? 3 : 4
            var grouped = ""
            for (place, digit) in body[..<end].reversed().enumerated() {
                if place > 0, place.isMultiple(of: size) { grouped.unicodeScalars.append(separator) }
                grouped.append(digit)
            }
            body = String(grouped.reversed()) + body[end...]
        }
        var sign = isNegative ? "-" : layout.sign.map { String($0) } ?? ""
        if layout.hasPrefix {
            switch layout.type {
            case "x", "X", "o", "b": sign += "0\(layout.type.map { String($0) } ?? "")"
            default: break
            }
        }
        let size = sign.count + body.count
        guard layout.alignment == "=", size < layout.width else {
            return try aligned(text: TracedText(sign + body, origin: .data), layout, cuts: false)
        }
        try charge(layout.width)
        let padding = String(repeating: Character(layout.fill), count: layout.width - size)
        return TracedText(sign + padding + body, origin: .data)
    }

    private mutating func aligned(
        text: TracedText, _ layout: Layout, cuts: Bool = true
    ) throws -> TracedText {
        var text = text
        if cuts, let precision = layout.precision, precision < text.count { text = text[0..<precision] }
        guard layout.width > text.count else { return text }
        try charge(layout.width)
        let room = layout.width - text.count
        let before =
            switch layout.alignment {
            case "<": 0
            case "^": room / 2
            default: room
            }
        func padding(_ count: Int) -> TracedText {
            TracedText([Unicode.Scalar](repeating: layout.fill, count: count), origin: .data)
        }
        return padding(before) + text + padding(room - before)
    }

    private func digits(_ text: TracedText, _ index: inout Int) -> Int? {
        var value: Int?
        while index < text.count, (0x30...0x39).contains(text.scalars[index].value) {
            let digit = Int(text.scalars[index].value - 0x30)
            value = min((value ?? 0) * 10 + digit, Limit.size + 1)
            index += 1
        }
        return value
    }
}
