/// Filters that make text.
extension Interpreter {
    mutating func textFilter(
        _ name: String, _ value: JinjaValue, _ arguments: ArgumentValues
    ) throws -> JinjaValue {
        if name == "join" { return try join(value, arguments) }
        if name == "tojson" { return .string(try json(value, jsonStyle(arguments))) }
        let text = try text(of: value)
        try charge(text.count)
        switch name {
        case "format":
            if !arguments.keywords.isEmpty, !arguments.positional.isEmpty {
                throw failure("format takes values, or names with values, not both")
            }
            var named = JinjaDict()
            for (name, value) in arguments.keywords { named.set(.template(name), value) }
            return .string(
                try formatted(text, with: named.count > 0 ? .dict(named) : .tuple(arguments.positional)))
        case "center":
            let width = try integer(bind(arguments, name, ["width"])[0], name, default: 80)
            return .string(try padded(text, to: width, before: { ($0 + 1) / 2 }))
        case "truncate":
            return .string(try truncated(text, arguments))
        case "trim":
            return .string(text.stripped(of: try string(bind(arguments, name, ["chars"])[0], name)))
        case "replace":
            return try replace(text, bind(arguments, name, ["old", "new", "count"], required: 2), name)
        case "indent":
            return .string(try indented(text, arguments))
        default:
            _ = try bind(arguments, name, [])
        }
        switch name {
        case "upper": return .string(text.uppercased)
        case "lower": return .string(text.lowercased)
        case "capitalize": return .string(text.capitalized)
        case "title": return .string(titled(text))
        case "e", "escape", "forceescape": return .string(try escaped(text))
        case "wordcount": return .int(words(in: text))
        default: return .string(text)
        }
    }

    private mutating func join(_ value: JinjaValue, _ arguments: ArgumentValues) throws -> JinjaValue {
        let values = try bind(arguments, "join", ["d", "attribute"])
        let separator = try text(of: values[0] ?? .string(TracedText()))
        var parts: [JinjaValue] = []
        for item in try items(of: value) {
            let part = try values[1].map { try look(up: $0, in: item) } ?? item
            parts.append(.string(try text(of: part)))
        }
        return try joined(parts, by: separator, "join")
    }

    private func jsonStyle(_ arguments: ArgumentValues) throws -> JSONStyle {
        let values = try bind(arguments, "tojson", ["ensure_ascii", "indent", "separators", "sort_keys"])
        var style = JSONStyle(
            sortsKeys: values[3]?.isTrue ?? false, escapesNonASCII: values[0]?.isTrue ?? false)
        switch values[1] {
        case nil, .some(.null): break
        case .some(.string(let text)): style.indent = text.string
        case .some(let value):
            style.indent = String(
                repeating: " ", count: max(0, min(try integer(value, "tojson", default: 0), 64)))
        }
        // As json.dumps: no space at the end of a line.
        if style.indent != nil { style.itemSeparator = "," }
        switch values[2] {
        case nil, .some(.null): break
        case .some(.list(let pair)), .some(.tuple(let pair)):
            guard pair.count == 2, let item = try string(pair[0], "tojson"),
                let key = try string(pair[1], "tojson")
            else { throw failure("separators of tojson needs two texts") }
            style.itemSeparator = item.string
            style.keySeparator = key.string
        case .some(let value):
            throw failure("separators of tojson needs two texts, found \(describe(value))")
        }
        return style
    }

    /// Words begin after white space and opening brackets and hyphens, unlike with the method `title`.
    private func titled(_ text: TracedText) -> TracedText {
        var result = TracedText()
        var start = 0
        for index in 0...text.count {
            let isBreak =
                index < text.count
                && (isPythonSpace(text.scalars[index])
                    || "-({[<".unicodeScalars.contains(text.scalars[index]))
            guard isBreak || index == text.count else { continue }
            if start < index {
                result.append(text[start..<start + 1].uppercased + text[start + 1..<index].lowercased)
            }
            if isBreak { result.append(text[index..<index + 1]) }
            start = index + 1
        }
        return result
    }

    private mutating func indented(_ text: TracedText, _ arguments: ArgumentValues) throws -> TracedText {
        let values = try bind(arguments, "indent", ["width", "first", "blank"])
        let indent: TracedText
        if case .string(let text) = values[0] {
            indent = text
        } else {
            let width = max(0, try integer(values[0], "indent", default: 4))
            try charge(width)
            indent = TracedText(String(repeating: " ", count: width), origin: .template)
        }
        let newline = TracedText("\n", origin: .template)
        let lines = (text + newline).lines(keepingEnds: false)
        try charge(
            lines.count.multipliedReportingOverflow(by: indent.count).partialValue.magnitude
                > UInt(Limit.size)
                ? Limit.size + 1 : lines.count * indent.count)
        var result = TracedText()
        for (index, line) in lines.enumerated() {
            if index > 0 { result.append(newline) }
            let isIndented =
                index == 0 ? values[1]?.isTrue ?? false : !line.isEmpty || values[2]?.isTrue ?? false
            if isIndented { result.append(indent) }
            result.append(line)
        }
        return result
    }

    /// For HTML.
    private mutating func escaped(_ text: TracedText) throws -> TracedText {
        var result = TracedText()
        for (scalar, origin) in text.characters {
            let entity: String? =
                switch scalar {
                case "&": "&amp;"
                case "<": "&lt;"
                case ">": "&gt;"
                case "'": "&#39;"
                case "\"": "&#34;"
                default: nil
                }
            if let entity {
                result.append(TracedText(entity, origin: origin))
            } else {
                result.append(scalar, origin: origin)
            }
        }
        try charge(result.count)
        return result
    }

    /// Runs of letters, digits and underscores.
    private func words(in text: TracedText) -> Int {
        var count = 0
        var isInWord = false
        for scalar in text.scalars {
            let properties = scalar.properties
            let isWord = scalar == "_" || properties.isPythonLetter || properties.numericType != nil
            if isWord, !isInWord { count += 1 }
            isInWord = isWord
        }
        return count
    }

    private mutating func truncated(_ text: TracedText, _ arguments: ArgumentValues) throws -> TracedText {
        let values = try bind(arguments, "truncate", ["length", "killwords", "end", "leeway"])
        let length = try integer(values[0], "truncate", default: 255)
        let end = try string(values[2], "truncate") ?? TracedText("...", origin: .template)
        let leeway = try integer(values[3], "truncate", default: 5)
        guard length >= end.count, leeway >= 0 else {
            throw failure("truncate needs a length of at least its end, and a leeway of at least 0")
        }
        let (most, overflows) = length.addingReportingOverflow(leeway)
        if overflows || text.count <= most { return text }
        let kept = text[0..<length - end.count]
        if values[1]?.isTrue ?? false { return kept + end }
        let space = kept.scalars.lastIndex(of: " ") ?? kept.count
        return kept[0..<space] + end
    }

    /// The text with spaces around it.
    ///
    /// - Parameter before: How many of so many spaces stand before it.
    mutating func padded(
        _ text: TracedText, to width: Int, with fill: Unicode.Scalar = " ", before: (Int) -> Int
    ) throws -> TracedText {
        guard width > text.count else { return text }
        try charge(width)
        let room = width - text.count
        func padding(_ count: Int) -> TracedText {
            TracedText([Unicode.Scalar](repeating: fill, count: count), origin: .template)
        }
        return padding(before(room)) + text + padding(room - before(room))
    }
}
