/// Jinja's tests: `value is name(arguments)`.
extension Interpreter {
    private static let comparisons: [String: ComparisonOperator] = [
        "==": .equal, "eq": .equal, "equalto": .equal, "!=": .notEqual, "ne": .notEqual,
        "<": .less, "lt": .less, "lessthan": .less, "<=": .lessOrEqual, "le": .lessOrEqual,
        ">": .greater, "gt": .greater, "greaterthan": .greater, ">=": .greaterOrEqual, "ge": .greaterOrEqual,
        "in": .contained,
    ]

    static let testNames: Set<String> = Set(comparisons.keys).union([
        "boolean", "callable", "defined", "divisibleby", "even", "false", "filter", "float", "integer",
        "iterable", "lower", "mapping", "none", "number", "odd", "sameas", "sequence", "string", "test",
        "true", "undefined", "upper",
    ])

    mutating func test(_ name: String, _ value: JinjaValue, _ arguments: ArgumentValues) throws -> Bool {
        guard Self.testNames.contains(name) else { throw unsupported("the test \"\(name)\"") }
        if let comparison = Self.comparisons[name] {
            let other = try bind(arguments, name, ["other"], required: 1)[0] ?? .null
            return try compare(comparison, value, other)
        }
        if name == "divisibleby" {
            let divisor = try bind(arguments, name, ["num"], required: 1)[0] ?? .null
            return try equal(arithmetic(.modulo, value, divisor), .int(0))
        }
        if name == "sameas" {
            return isSame(value, try bind(arguments, name, ["other"], required: 1)[0] ?? .null)
        }
        _ = try bind(arguments, name, [])
        switch name {
        case "filter", "test":
            guard case .string(let text) = value else { return false }
            return (name == "filter" ? Self.filterNames : Self.testNames).contains(text.string)
        case "even": return try equal(arithmetic(.modulo, value, .int(2)), .int(0))
        case "odd": return try equal(arithmetic(.modulo, value, .int(2)), .int(1))
        case "lower": return try hasCase(text(of: value), \.isLowercase)
        case "upper": return try hasCase(text(of: value), \.isUppercase)
        default: return try isKind(name, value)
        }
    }

    /// Python's `is`, of the values for which it says something that does not depend on the implementation.
    private func isSame(_ value: JinjaValue, _ other: JinjaValue) -> Bool {
        switch (value, other) {
        case (.null, .null): true
        case (.bool(let a), .bool(let b)): a == b
        case (.object(let a), .object(let b)): a.kind == b.kind
        default: false
        }
    }

    private func isKind(_ name: String, _ value: JinjaValue) throws -> Bool {
        switch (name, value) {
        case ("callable", .object(let object)): object.isCallable
        case ("iterable", .object(let object)): if case .loop = object.kind { true } else { false }
        case ("defined", .undefined): false
        case ("defined", _): true
        case ("undefined", .undefined), ("none", .null), ("boolean", .bool), ("true", .bool(true)),
            ("false", .bool(false)), ("string", .string), ("mapping", .dict), ("callable", .function),
            ("number", .int), ("number", .float), ("number", .bool), ("integer", .int), ("float", .float):
            true
        // As in Jinja, where whatever has a length and items is a sequence, even dicts and the undefined.
        case ("sequence", .string), ("sequence", .list), ("sequence", .tuple), ("sequence", .dict),
            ("sequence", .undefined), ("iterable", .string), ("iterable", .list), ("iterable", .tuple),
            ("iterable", .dict), ("iterable", .undefined):
            true
        default: false
        }
    }
}
