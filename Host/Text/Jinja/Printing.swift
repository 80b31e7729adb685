import Foundation

/// How values become text: Python's `str` and `repr`, and JSON as `json.dumps(ensure_ascii=False)` writes it.
///
/// Characters of strings keep their origin; whatever is added around them counts as data.
extension Interpreter {
    /// `str(value)`.
    mutating func text(of value: JinjaValue) throws -> TracedText {
        switch value {
        case .string(let text): return text
        case .undefined: return TracedText()
        default:
            var text = TracedText()
            try represent(value, into: &text, nesting: 0)
            return text
        }
    }

    /// `repr(value)`.
    mutating func representation(of value: JinjaValue) throws -> TracedText {
        var text = TracedText()
        try represent(value, into: &text, nesting: 0)
        return text
    }

    private mutating func represent(_ value: JinjaValue, into text: inout TracedText, nesting: Int) throws {
        guard nesting < Limit.nesting else { throw exceeded("values nested too deeply") }
        try charge(1)
        func add(_ string: String) { text.append(TracedText(string, origin: .data)) }
        switch value {
        case .undefined: add("Undefined")
        case .null: add("None")
        case .bool(let value): add(value ? "True" : "False")
        case .int(let value): add("\(value)")
        case .float(let value): add(pythonDigits(of: value))
        case .string(let string):
            try charge(string.count)
            quote(string, into: &text)
        case .list(let items):
            add("[")
            try represent(items, into: &text, nesting: nesting)
            add("]")
        case .tuple(let items):
            add("(")
            try represent(items, into: &text, nesting: nesting)
            add(items.count == 1 ? ",)" : ")")
        case .dict(let dict):
            add("{")
            for (index, entry) in dict.entries.enumerated() {
                if index > 0 { add(", ") }
                try represent(entry.key, into: &text, nesting: nesting + 1)
                add(": ")
                try represent(entry.value, into: &text, nesting: nesting + 1)
            }
            add("}")
        case .function:
            throw failure("a function cannot be printed")
        case .object(let object):
            try represent(object, into: &text, nesting: nesting)
        }
        try charge(text.count / 64)
    }

    private mutating func represent(
        _ object: JinjaObject, into text: inout TracedText, nesting: Int
    ) throws {
        func add(_ string: String) { text.append(TracedText(string, origin: .data)) }
        switch object.kind {
        case .namespace(let number):
            add("<Namespace ")
            try represent(.dict(objects.namespaces[number]), into: &text, nesting: nesting + 1)
            add(">")
        case .loop(let place, let serial):
            guard let place = objects.running(place, serial) else { throw failure("the loop has ended") }
            add("<LoopContext \(objects.loops[place].index + 1)/\(objects.loops[place].items.count)>")
        case .macro(let number):
            add(objects.macros[number].macro.name.map { "<Macro '\($0)'>" } ?? "<Macro anonymous>")
        case .joiner, .cycler:
            throw failure("a \(object.typeName) cannot be printed")
        }
    }

    private mutating func represent(_ items: [JinjaValue], into text: inout TracedText, nesting: Int) throws {
        for (index, item) in items.enumerated() {
            if index > 0 { text.append(TracedText(", ", origin: .data)) }
            try represent(item, into: &text, nesting: nesting + 1)
        }
    }

    private func quote(_ string: TracedText, into text: inout TracedText) {
        let hasSingle = string.scalars.contains("'")
        let mark: Unicode.Scalar = hasSingle && !string.scalars.contains("\"") ? "\"" : "'"
        text.append(mark, origin: .data)
        for (scalar, origin) in string.characters {
            func escape(_ letters: String) {
                for letter in letters.unicodeScalars { text.append(letter, origin: origin) }
            }
            switch scalar {
            case mark, "\\": escape("\\\(scalar)")
            case "\n": escape("\\n")
            case "\r": escape("\\r")
            case "\t": escape("\\t")
            default:
                if isPrintable(scalar) || isSegment(origin) {
                    text.append(scalar, origin: origin)
                } else {
                    switch scalar.value {
                    case ..<0x100: escape("\\x" + hexadecimal(scalar.value, 2))
                    case ..<0x10000: escape("\\u" + hexadecimal(scalar.value, 4))
                    default: escape("\\U" + hexadecimal(scalar.value, 8))
                    }
                }
            }
        }
        text.append(mark, origin: .data)
    }

    private func isSegment(_ origin: TextOrigin) -> Bool {
        if case .segment = origin { return true }
        return false
    }

    /// Python's `str.isprintable`.
    private func isPrintable(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator, .paragraphSeparator:
            false
        case .spaceSeparator: scalar == " "
        default: true
        }
    }

    // MARK: JSON

    /// How JSON is laid out.
    struct JSONStyle {
        /// What one level is indented by; nil puts all on one line.
        var indent: String?
        var itemSeparator = ", "
        var keySeparator = ": "
        var sortsKeys = false
        /// Whether characters beyond ASCII are escaped.
        var escapesNonASCII = false
    }

    mutating func json(_ value: JinjaValue, _ style: JSONStyle) throws -> TracedText {
        var text = TracedText()
        try write(value, into: &text, style, level: 0)
        return text
    }

    private mutating func write(
        _ value: JinjaValue, into text: inout TracedText, _ style: JSONStyle, level: Int
    ) throws {
        guard level < Limit.nesting else { throw exceeded("values nested too deeply") }
        try charge(1 + text.count / 64)
        func add(_ string: String) { text.append(TracedText(string, origin: .data)) }
        func newLine(_ level: Int) {
            if let indent = style.indent { add("\n" + String(repeating: indent, count: level)) }
        }
        switch value {
        case .null: add("null")
        case .bool(let value): add(value ? "true" : "false")
        case .int(let value): add("\(value)")
        case .float(let value): add(jsonDigits(of: value))
        case .string(let string):
            try charge(string.count)
            quoteJSON(string, into: &text, style)
        case .list(let items), .tuple(let items):
            guard !items.isEmpty else { return add("[]") }
            add("[")
            for (index, item) in items.enumerated() {
                if index > 0 { add(style.itemSeparator) }
                newLine(level + 1)
                try write(item, into: &text, style, level: level + 1)
            }
            newLine(level)
            add("]")
        case .dict(let dict):
            guard dict.count > 0 else { return add("{}") }
            add("{")
            var entries = try dict.entries.map { (key: try jsonKey($0.key), value: $0.value) }
            if style.sortsKeys { entries.sort { $0.key.scalars.lexicographicallyPrecedes($1.key.scalars) } }
            for (index, entry) in entries.enumerated() {
                if index > 0 { add(style.itemSeparator) }
                newLine(level + 1)
                quoteJSON(entry.key, into: &text, style)
                add(style.keySeparator)
                try write(entry.value, into: &text, style, level: level + 1)
            }
            newLine(level)
            add("}")
        case .undefined, .function, .object:
            throw failure("\(describe(value)) cannot be written as JSON")
        }
    }

    private func jsonKey(_ key: JinjaValue) throws -> TracedText {
        switch key {
        case .string(let text): text
        case .null: TracedText("null", origin: .data)
        case .bool(let value): TracedText(value ? "true" : "false", origin: .data)
        case .int(let value): TracedText("\(value)", origin: .data)
        case .float(let value): TracedText(jsonDigits(of: value), origin: .data)
        default: throw failure("a \(key.typeName) cannot be a key in JSON")
        }
    }

    private func quoteJSON(_ string: TracedText, into text: inout TracedText, _ style: JSONStyle) {
        text.append("\"", origin: .data)
        for (scalar, origin) in string.characters {
            func escape(_ letters: String) {
                for letter in letters.unicodeScalars { text.append(letter, origin: origin) }
            }
            switch scalar {
            case "\"": escape("\\\"")
            case "\\": escape("\\\\")
            case "\n": escape("\\n")
            case "\r": escape("\\r")
            case "\t": escape("\\t")
            case "\u{08}": escape("\\b")
            case "\u{0C}": escape("\\f")
            case ..<" ": escape("\\u" + hexadecimal(scalar.value, 4))
            case "\u{7F}"... where style.escapesNonASCII && !isSegment(origin):
                for unit in UTF16.encode(scalar) ?? UTF16.encodedReplacementCharacter {
                    escape("\\u" + hexadecimal(UInt32(unit), 4))
                }
            default: text.append(scalar, origin: origin)
            }
        }
        text.append("\"", origin: .data)
    }

    private func hexadecimal(_ value: UInt32, _ digits: Int) -> String {
        let text = String(value, radix: 16)
        return String(repeating: "0", count: max(0, digits - text.count)) + text
    }
}

/// The number as Python prints it: the shortest digits that read back the same, plain from 1e-4 up to 1e16.
func pythonDigits(of value: Double) -> String {
    if value.isNaN { return "nan" }
    if value.isInfinite { return value < 0 ? "-inf" : "inf" }
    if value == 0 { return value.sign == .minus ? "-0.0" : "0.0" }
    // Swift finds the same digits and places the exponent by other rules.
    let text = value.magnitude.description.split(separator: "e", maxSplits: 1)
    let parts = text[0].split(separator: ".", maxSplits: 1)
    let whole = parts[0] == "0" ? "" : String(parts[0])
    let fraction = parts.count > 1 && parts[1] != "0" ? String(parts[1]) : ""
    var exponent = whole.count + (text.count > 1 ? Int(text[1]) ?? 0 : 0)
    var digits = Substring(whole + fraction)
    while digits.first == "0" {
        digits = digits.dropFirst()
        exponent -= 1
    }
    while digits.last == "0" { digits = digits.dropLast() }
    // The value is 0.digits times ten to the exponent.
    let sign = value < 0 ? "-" : ""
    if exponent > -4, exponent <= 16 {
        if exponent <= 0 { return "\(sign)0.\(String(repeating: "0", count: -exponent))\(digits)" }
        if digits.count <= exponent {
            return "\(sign)\(digits)\(String(repeating: "0", count: exponent - digits.count)).0"
        }
        return "\(sign)\(digits.prefix(exponent)).\(digits.dropFirst(exponent))"
    }
    let power = exponent - 1
    let mantissa = digits.count > 1 ? "\(digits.prefix(1)).\(digits.dropFirst())" : String(digits)
    return "\(sign)\(mantissa)e\(power < 0 ? "-" : "+")\(abs(power) < 10 ? "0" : "")\(abs(power))"
}

private func jsonDigits(of value: Double) -> String {
    if value.isNaN { return "NaN" }
    if value.isInfinite { return value < 0 ? "-Infinity" : "Infinity" }
    return pythonDigits(of: value)
}

extension Double {
    /// The number with so many digits after the point, exactly rounded, halves to even.
    func formatted(decimals: Int) -> String {
        String(format: "%.\(decimals)f", self)
    }
}
