/// Jinja's filters: `value | name(arguments)`.
extension Interpreter {
    static let filterNames: Set<String> = [
        "abs", "capitalize", "count", "d", "default", "dictsort", "first", "float", "indent", "int", "items",
        "join",
        "last", "length", "list", "lower", "map", "max", "min", "reject", "rejectattr", "replace", "reverse",
        "round", "safe", "select", "selectattr", "sort", "string", "sum", "title", "tojson", "trim", "unique",
        "upper",
    ]

    mutating func filter(
        _ name: String, _ value: JinjaValue, _ arguments: ArgumentValues
    ) throws -> JinjaValue {
        switch name {
        case "abs", "float", "int", "round", "max", "min", "sum":
            return try numberFilter(name, value, arguments)
        case "capitalize", "indent", "join", "lower", "replace", "safe", "string", "title", "tojson", "trim",
            "upper":
            return try textFilter(name, value, arguments)
        case "d", "default":
            let values = try bind(arguments, name, ["default_value", "boolean"])
            let isMissing =
                if case .undefined = value { true } else { values[1]?.isTrue ?? false && !value.isTrue }
            return isMissing ? values[0] ?? .string(TracedText()) : value
        case "map", "select", "reject", "selectattr", "rejectattr":
            return try pick(name, value, arguments)
        case "sort", "dictsort", "unique":
            return try order(name, value, arguments)
        case "reverse":
            _ = try bind(arguments, name, [])
            if case .string = value { return try slice(value, from: nil, to: nil, by: .int(-1)) }
            return .list(try items(of: value).reversed())
        default:
            break
        }
        _ = try bind(arguments, name, [])
        switch name {
        case "count", "length": return .int(try count(of: value))
        case "first": return try items(of: value).first ?? .undefined("the first of no items")
        case "last": return try items(of: value).last ?? .undefined("the last of no items")
        case "list": return .list(try items(of: value))
        case "items":
            if case .undefined = value { return .list([]) }
            guard case .dict(let dict) = value else {
                throw failure("items needs a dict, found \(describe(value))")
            }
            return .list(dict.entries.map { .tuple([$0.key, $0.value]) })
        default: throw unsupported("the filter \"\(name)\"")
        }
    }

    // MARK: Text

    private mutating func textFilter(
        _ name: String, _ value: JinjaValue, _ arguments: ArgumentValues
    ) throws -> JinjaValue {
        if name == "join" { return try join(value, arguments) }
        if name == "tojson" { return .string(try json(value, jsonStyle(arguments))) }
        let text = try text(of: value)
        try charge(text.count)
        switch name {
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
        if values[0]?.isTrue ?? false { throw unsupported("tojson(ensure_ascii=true)") }
        var style = JSONStyle(sortsKeys: values[3]?.isTrue ?? false)
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

    // MARK: Numbers

    private mutating func numberFilter(
        _ name: String, _ value: JinjaValue, _ arguments: ArgumentValues
    ) throws -> JinjaValue {
        switch name {
        case "int":
            let values = try bind(arguments, name, ["default", "base"])
            if values[1] != nil { throw unsupported("the base of the filter \"int\"") }
            return wholeNumber(value) ?? values[0] ?? .int(0)
        case "float":
            let standard = try bind(arguments, name, ["default"])[0]
            if let number = value.number { return .float(number) }
            if case .string(let text) = value, let number = Double(text.stripped(of: nil).string) {
                return .float(number)
            }
            return standard ?? .float(0)
        case "abs":
            _ = try bind(arguments, name, [])
            if let index = value.index {
                guard index != .min else { throw failure("the number is too large") }
                return .int(abs(index))
            }
            guard let number = value.number else {
                throw failure("abs needs a number, found \(describe(value))")
            }
            return .float(abs(number))
        case "round":
            return try rounded(value, arguments)
        case "sum":
            let values = try bind(arguments, name, ["attribute", "start"])
            var sum = values[1] ?? .int(0)
            for item in try items(of: value) {
                sum = try arithmetic(.add, sum, values[0].map { try look(up: $0, in: item) } ?? item)
            }
            return sum
        default:
            let values = try bind(arguments, name, ["case_sensitive", "attribute"])
            let keys = try keyed(items(of: value), by: values[1], caseSensitive: values[0]?.isTrue ?? false)
            guard var best = keys.first else { return .undefined("the \(name) of no items") }
            for entry in keys.dropFirst() {
                let isBetter =
                    try name == "max" ? precedes(best.key, entry.key) : precedes(entry.key, best.key)
                if isBetter { best = entry }
            }
            return best.item
        }
    }

    private func wholeNumber(_ value: JinjaValue) -> JinjaValue? {
        if let index = value.index { return .int(index) }
        var number = value.number
        if case .string(let text) = value {
            let digits = text.stripped(of: nil).string
            if let index = Int(digits) { return .int(index) }
            number = Double(digits)
        }
        return number.flatMap { Int(exactly: $0.rounded(.towardZero)) }.map { .int($0) }
    }

    private func rounded(_ value: JinjaValue, _ arguments: ArgumentValues) throws -> JinjaValue {
        let values = try bind(arguments, "round", ["precision", "method"])
        guard let number = value.number else {
            throw failure("round needs a number, found \(describe(value))")
        }
        let precision = try integer(values[0], "round", default: 0)
        guard (0...15).contains(precision) else { throw failure("the precision of round must be 0 to 15") }
        let method = try string(values[1], "round")?.string ?? "common"
        // Through decimal digits, as Python does: 2.675 is a little less than it looks.
        var scale = 1.0
        for _ in 0..<precision { scale *= 10 }
        switch method {
        case "common":
            let text = number.formatted(decimals: precision)
            return .float(Double(text) ?? number)
        case "ceil": return .float((number * scale).rounded(.up) / scale)
        case "floor": return .float((number * scale).rounded(.down) / scale)
        default: throw failure("the method of round must be common, ceil or floor")
        }
    }

    // MARK: Items

    /// `item.path`, where a path is an index, or names and indices with points between.
    mutating func look(
        up path: JinjaValue, in item: JinjaValue, default standard: JinjaValue? = nil
    ) throws -> JinjaValue {
        guard case .string(let names) = path else { return try self.item(of: item, at: path) }
        var value = item
        for name in names.split(by: TracedText(".", origin: .template), atMost: -1) {
            value = try self.item(of: value, at: Int(name.string).map { .int($0) } ?? .string(name))
            if let standard, case .undefined = value { value = standard }
        }
        return value
    }

    private mutating func pick(
        _ name: String, _ value: JinjaValue, _ arguments: ArgumentValues
    ) throws -> JinjaValue {
        var rest = arguments.positional[...]
        if name == "map", rest.isEmpty {
            let values = try bind(arguments, name, ["attribute", "default"], required: 1)
            let path = values[0] ?? .null
            return .list(
                try items(of: value).map { item in
                    try look(up: path, in: item, default: values[1])
                })
        }
        let path = name.hasSuffix("attr") ? rest.popFirst() : nil
        if name.hasSuffix("attr"), path == nil { throw failure("\(name) needs the name of an attribute") }
        var function: String?
        if let first = rest.popFirst() {
            guard case .string(let text) = first else {
                throw failure("\(name) needs the name of a filter or test")
            }
            function = text.string
        }
        let given = ArgumentValues(positional: Array(rest), keywords: arguments.keywords)
        if name == "map" {
            guard let function, Self.filterNames.contains(function) else {
                throw unsupported("the filter \"\(function ?? "")\"")
            }
            return .list(try items(of: value).map { try filter(function, $0, given) })
        }
        if let function, !Self.testNames.contains(function) { throw unsupported("the test \"\(function)\"") }
        let wanted = name.hasPrefix("select")
        return .list(
            try items(of: value).filter { item in
                let subject = try path.map { try look(up: $0, in: item) } ?? item
                return try (function.map { try test($0, subject, given) } ?? subject.isTrue) == wanted
            })
    }

    private mutating func keyed(
        _ items: [JinjaValue], by path: JinjaValue?, caseSensitive: Bool
    ) throws -> [(key: JinjaValue, item: JinjaValue)] {
        try items.map { item in
            var key = try path.map { try look(up: $0, in: item) } ?? item
            if case .string(let text) = key, !caseSensitive { key = .string(text.lowercased) }
            return (key, item)
        }
    }

    private mutating func order(
        _ name: String, _ value: JinjaValue, _ arguments: ArgumentValues
    ) throws -> JinjaValue {
        if name == "unique" {
            let values = try bind(arguments, name, ["case_sensitive", "attribute"])
            let keys = try keyed(items(of: value), by: values[1], caseSensitive: values[0]?.isTrue ?? false)
            var seen = JinjaDict()
            var kept: [JinjaValue] = []
            for entry in keys where seen[entry.key] == nil {
                guard seen.set(entry.key, .null) else { throw failure("unique of \(describe(entry.key))") }
                kept.append(entry.item)
            }
            return .list(kept)
        }
        let values: [JinjaValue?]
        let items: [JinjaValue]
        let path: JinjaValue?
        if name == "dictsort" {
            guard case .dict(let dict) = value else {
                throw failure("dictsort needs a dict, found \(describe(value))")
            }
            let given = try bind(arguments, name, ["case_sensitive", "by", "reverse"])
            let isByValue = try string(given[1], name)?.string == "value"
            values = [given[2], given[0]]
            items = dict.entries.map { .tuple([$0.key, $0.value]) }
            path = .int(isByValue ? 1 : 0)
        } else {
            let given = try bind(arguments, name, ["reverse", "case_sensitive", "attribute"])
            values = [given[0], given[1]]
            items = try self.items(of: value)
            path = given[2]
        }
        let isReversed = values[0]?.isTrue ?? false
        try charge(items.count * 16)
        let keys = try keyed(items, by: path, caseSensitive: values[1]?.isTrue ?? false)
        // Equal items keep their order, reversed or not.
        let sorted = try keys.enumerated().sorted { left, right in
            let (a, b) = isReversed ? (right, left) : (left, right)
            if try precedes(a.element.key, b.element.key) { return true }
            if try precedes(b.element.key, a.element.key) { return false }
            return left.offset < right.offset
        }
        return .list(sorted.map(\.element.item))
    }
}
