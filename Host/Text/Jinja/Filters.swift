/// Jinja's filters: `value | name(arguments)`.
extension Interpreter {
    static let filterNames: Set<String> = [
        "abs", "attr", "batch", "capitalize", "center", "count", "d", "default", "dictsort", "e", "escape",
        "first", "float", "forceescape", "format", "groupby", "indent", "int", "items", "join", "last",
        "length", "list", "lower", "map", "max", "min", "reject", "rejectattr", "replace", "reverse", "round",
        "safe", "select", "selectattr", "slice", "sort", "string", "sum", "title", "tojson", "trim",
        "truncate", "unique", "upper", "wordcount",
    ]

    mutating func filter(
        _ name: String, _ value: JinjaValue, _ arguments: ArgumentValues
    ) throws -> JinjaValue {
        // Not when it is read: templates ask for filters of other engines where they have made sure of the engine.
        guard Self.filterNames.contains(name) else { throw unsupported("the filter \"\(name)\"") }
        switch name {
        case "abs", "float", "int", "round", "max", "min", "sum":
            return try numberFilter(name, value, arguments)
        case "capitalize", "center", "e", "escape", "forceescape", "format", "indent", "join", "lower",
            "replace", "safe", "string", "title", "tojson", "trim", "truncate", "upper", "wordcount":
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
        case "batch", "slice", "groupby":
            return try group(name, value, arguments)
        case "attr":
            let name = try string(bind(arguments, name, ["name"], required: 1)[0], name)
            return try attribute(name ?? TracedText(), of: value)
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
}
