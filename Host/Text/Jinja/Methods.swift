/// Methods of strings, lists and dicts.
extension Interpreter {
    private static let stringMethods: Set<String> = [
        "strip", "lstrip", "rstrip", "split", "rsplit", "splitlines", "replace", "startswith", "endswith",
        "upper", "lower", "title", "capitalize", "swapcase", "casefold", "join", "find", "rfind", "index",
        "rindex", "count", "removeprefix", "removesuffix", "partition", "rpartition", "zfill", "ljust",
        "rjust", "center", "format", "isdigit", "isdecimal", "isnumeric", "isalpha", "isalnum", "isascii",
        "isspace", "isupper", "islower",
    ]
    private static let listMethods: Set<String> = ["index", "count"]
    private static let dictMethods: Set<String> = ["get", "items", "keys", "values", "copy"]

    // Methods of Python that templates are not given: those that change values, which the sandbox of transformers
    // refuses too, and rare ones of strings.
    private static let refused: Set<String> = [
        "append", "extend", "insert", "remove", "reverse", "sort", "clear", "pop", "popitem", "setdefault",
        "update", "format_map", "encode", "translate", "expandtabs",
    ]

    /// The method `name` of `value`, or nil if there is none.
    func method(_ name: String, of value: JinjaValue) throws -> JinjaValue? {
        let known: Set<String>
        switch value {
        case .string: known = Self.stringMethods
        case .list, .tuple: known = Self.listMethods
        case .dict: known = Self.dictMethods
        default: return nil
        }
        if known.contains(name) { return .function(JinjaFunction(kind: .method(name, of: value))) }
        if case .dict(let dict) = value, dict[name] != nil { return nil }
        if Self.refused.contains(name) { throw unsupported("the method \"\(name)\" of a \(value.typeName)") }
        return nil
    }

    mutating func call(method name: String, of value: JinjaValue, _ arguments: ArgumentValues) throws
        -> JinjaValue
    {
        switch value {
        case .string(let text):
            try charge(text.count)
            return try call(name, of: text, arguments)
        case .list(let items), .tuple(let items):
            return try call(name, of: items, arguments)
        case .dict(let dict):
            return try call(name, of: dict, arguments)
        default:
            throw failure("\(describe(value)) has no method \"\(name)\"")
        }
    }

    // MARK: Strings

    private mutating func call(
        _ name: String, of text: TracedText, _ arguments: ArgumentValues
    ) throws -> JinjaValue {
        func only(_ parameter: String) throws -> TracedText? {
            try string(bind(arguments, name, [parameter])[0], name)
        }
        func needed(_ parameter: String) throws -> TracedText {
            guard let part = try only(parameter) else { throw failure("\(name) needs \"\(parameter)\"") }
            return part
        }
        func all(_ holds: (Unicode.Scalar.Properties) -> Bool) throws -> JinjaValue {
            _ = try bind(arguments, name, [])
            return .bool(!text.isEmpty && text.scalars.allSatisfy { holds($0.properties) })
        }
        switch name {
        case "strip": return .string(text.stripped(of: try only("chars")))
        case "lstrip": return .string(text.stripped(of: try only("chars"), trailing: false))
        case "rstrip": return .string(text.stripped(of: try only("chars"), leading: false))
        case "split", "rsplit": return try split(text, arguments, name)
        case "splitlines":
            let keeps = try bind(arguments, name, ["keepends"])[0]?.isTrue ?? false
            return .list(text.lines(keepingEnds: keeps).map { .string($0) })
        case "replace":
            let values = try bind(arguments, name, ["old", "new", "count"], required: 2)
            return try replace(text, values, name)
        case "startswith": return .bool(try matches(text, arguments, name) { $0.hasPrefix($1) })
        case "endswith": return .bool(try matches(text, arguments, name) { $0.hasSuffix($1) })
        case "format": return .string(try formatted(text, arguments))
        case "zfill":
            let width = try integer(bind(arguments, name, ["width"], required: 1)[0], name, default: 0)
            let signed = text.scalars.first == "-" || text.scalars.first == "+" ? 1 : 0
            let digits = try padded(
                text[signed..<text.count], to: width - signed, with: "0", before: { $0 })
            return .string(text[0..<signed] + digits)
        case "ljust", "rjust", "center": return .string(try justified(text, arguments, name))
        case "partition", "rpartition":
            let part = try needed("sep")
            guard !part.isEmpty else { throw failure("\(name) by an empty text") }
            let isLast = name == "rpartition"
            guard let found = isLast ? text.lastIndex(of: part) : text.firstIndex(of: part, from: 0) else {
                let none = JinjaValue.string(TracedText())
                return .tuple(isLast ? [none, none, .string(text)] : [.string(text), none, none])
            }
            let rest = found + part.count
            return .tuple([
                .string(text[0..<found]), .string(text[found..<rest]), .string(text[rest..<text.count]),
            ])
        case "removeprefix":
            let part = try needed("prefix")
            return .string(text.hasPrefix(part) ? text[part.count..<text.count] : text)
        case "removesuffix":
            let part = try needed("suffix")
            return .string(text.hasSuffix(part) ? text[0..<text.count - part.count] : text)
        case "upper": return .string(text.uppercased)
        case "lower": return .string(text.lowercased)
        case "title": return .string(text.titlecased)
        case "capitalize": return .string(text.capitalized)
        case "join":
            let parts = try items(of: bind(arguments, name, ["iterable"], required: 1)[0] ?? .null)
            return try joined(parts, by: text, name)
        case "find", "rfind", "index", "rindex", "count": return try search(text, arguments, name)
        case "swapcase": return .string(text.swappedCase)
        case "casefold": return .string(text.lowercased)
        case "isdecimal": return try all { $0.numericType == .decimal }
        case "isnumeric": return try all { $0.numericType != nil }
        case "isascii":
            _ = try bind(arguments, name, [])
            return .bool(text.scalars.allSatisfy(\.isASCII))
        case "isdigit": return try all { $0.numericType == .decimal || $0.numericType == .digit }
        case "isalpha": return try all(\.isPythonLetter)
        case "isalnum": return try all { $0.isPythonLetter || $0.numericType != nil }
        case "isspace": return .bool(!text.isEmpty && text.scalars.allSatisfy(isPythonSpace))
        case "isupper": return .bool(hasCase(text, \.isUppercase))
        case "islower": return .bool(hasCase(text, \.isLowercase))
        default: throw failure("a str has no method \"\(name)\"")
        }
    }

    private func split(_ text: TracedText, _ arguments: ArgumentValues, _ name: String) throws -> JinjaValue {
        let values = try bind(arguments, name, ["sep", "maxsplit"])
        let limit = try integer(values[1], name, default: -1)
        let isFromEnd = name == "rsplit"
        guard let separator = try string(values[0], name) else {
            return .list(text.splitBySpace(atMost: limit, fromEnd: isFromEnd).map { .string($0) })
        }
        guard !separator.isEmpty else { throw failure("\(name) by an empty text") }
        let parts =
            isFromEnd
            ? text.splitFromEnd(by: separator, atMost: limit) : text.split(by: separator, atMost: limit)
        return .list(parts.map { .string($0) })
    }

    /// `replace(old, new, count)`, the method and the filter.
    mutating func replace(_ text: TracedText, _ values: [JinjaValue?], _ name: String) throws -> JinjaValue {
        guard let old = try string(values[0], name), let new = try string(values[1], name) else {
            throw failure("\(name) needs \"old\" and \"new\"")
        }
        let limit = try integer(values[2], name, default: -1)
        // Measured before it is made: many long insertions multiply.
        let found = old.isEmpty ? text.count + 1 : text.split(by: old, atMost: limit).count - 1
        try charge(text.count)
        try charge(
            found.multipliedReportingOverflow(by: new.count).overflow ? .max : text.count + found * new.count)
        return .string(text.replacing(old, with: new, atMost: limit))
    }

    /// The part of a text that the arguments `start` and `end` of a method ask for.
    private func range(
        _ values: ArraySlice<JinjaValue?>, of text: TracedText, _ name: String
    ) throws -> Range<Int> {
        let bounds = try values.map { value -> Int? in
            guard let value else { return nil }
            if case .null = value { return nil }
            let index = try integer(value, name, default: 0)
            return max(0, min(index < 0 ? index + text.count : index, text.count))
        }
        let start = bounds[0] ?? 0
        return start..<max(start, bounds[1] ?? text.count)
    }

    private func search(_ text: TracedText, _ arguments: ArgumentValues, _ name: String) throws -> JinjaValue
    {
        let values = try bind(arguments, name, ["sub", "start", "end"], required: 1)
        guard let part = try string(values[0], name) else { throw failure("\(name) needs \"sub\"") }
        let range = try range(values[1...], of: text, name)
        let searched = text[range]
        if name == "count" {
            let found = part.isEmpty ? searched.count + 1 : searched.split(by: part, atMost: -1).count - 1
            return .int(found)
        }
        let found =
            name.hasPrefix("r") ? searched.lastIndex(of: part) : searched.firstIndex(of: part, from: 0)
        if let found { return .int(range.lowerBound + found) }
        guard name.hasSuffix("find") else { throw failure("\(name) did not find the text") }
        return .int(-1)
    }

    private mutating func justified(
        _ text: TracedText, _ arguments: ArgumentValues, _ name: String
    ) throws -> TracedText {
        let values = try bind(arguments, name, ["width", "fillchar"], required: 1)
        let width = try integer(values[0], name, default: 0)
        let fill = try string(values[1], name)?.scalars ?? [" "]
        guard fill.count == 1 else { throw failure("\(name) fills with one character") }
        return try padded(text, to: width, with: fill[0]) { room in
            switch name {
            case "ljust": 0
            case "rjust": room
            // Of an odd number, Python puts the further one first if the width is odd too.
            default: room / 2 + (room & width & 1)
            }
        }
    }

    private func matches(
        _ text: TracedText, _ arguments: ArgumentValues, _ name: String,
        _ holds: (TracedText, TracedText) -> Bool
    ) throws -> Bool {
        let values = try bind(arguments, name, ["prefix", "start", "end"], required: 1)
        let searched = text[try range(values[1...], of: text, name)]
        if case .tuple(let parts) = values[0] {
            return try parts.contains { try string($0, name).map { holds(searched, $0) } ?? false }
        }
        guard let part = try string(values[0], name) else { throw failure("\(name) needs text") }
        return holds(searched, part)
    }

    /// Texts one after the other with `separator` between; only texts are allowed.
    mutating func joined(_ items: [JinjaValue], by separator: TracedText, _ name: String) throws -> JinjaValue
    {
        var parts: [TracedText] = []
        var size = 0
        for item in items {
            guard let part = try string(item, name) else { throw failure("\(name) needs text, found None") }
            parts.append(part)
            size += part.count + separator.count
            try charge(size / 16)
            if size > Limit.size { try charge(size) }
        }
        return .string(separator.joining(parts))
    }

    /// Whether there are letters with case, all of this one.
    func hasCase(_ text: TracedText, _ isIt: (Unicode.Scalar.Properties) -> Bool) -> Bool {
        let cased = text.scalars.filter { $0.properties.isUppercase || $0.properties.isLowercase }
        return !cased.isEmpty && cased.allSatisfy { isIt($0.properties) }
    }

    // MARK: Lists and dicts

    private mutating func call(
        _ name: String, of items: [JinjaValue], _ arguments: ArgumentValues
    ) throws -> JinjaValue {
        let value = try bind(arguments, name, ["value"], required: 1)[0] ?? .null
        var places: [Int] = []
        for (place, item) in items.enumerated() where try equal(item, value) { places.append(place) }
        if name == "count" { return .int(places.count) }
        guard let first = places.first else { throw failure("index did not find the value") }
        return .int(first)
    }

    private mutating func call(
        _ name: String, of dict: JinjaDict, _ arguments: ArgumentValues
    ) throws -> JinjaValue {
        try charge(dict.count)
        if name == "get" {
            let values = try bind(arguments, name, ["key", "default"], required: 1)
            return values[0].flatMap { dict[$0] } ?? values[1] ?? .null
        }
        _ = try bind(arguments, name, [])
        switch name {
        case "items": return .list(dict.entries.map { .tuple([$0.key, $0.value]) })
        case "keys": return .list(dict.entries.map(\.key))
        case "values": return .list(dict.entries.map(\.value))
        case "copy": return .dict(dict)
        default: throw failure("a dict has no method \"\(name)\"")
        }
    }
}

extension Unicode.Scalar.Properties {
    /// Python's `str.isalpha`: general categories L.
    var isPythonLetter: Bool {
        switch generalCategory {
        case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter: true
        default: false
        }
    }
}
