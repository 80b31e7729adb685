/// Jinja's tests: `value is name(arguments)`.
extension Interpreter {
    private static let comparisons: [String: ComparisonOperator] = [
        "==": .equal, "eq": .equal, "equalto": .equal, "!=": .notEqual, "ne": .notEqual,
        "<": .less, "lt": .less, "lessthan": .less, "<=": .lessOrEqual, "le": .lessOrEqual,
        ">": .greater, "gt": .greater, "greaterthan": .greater, ">=": .greaterOrEqual, "ge": .greaterOrEqual,
        "in": .contained,
    ]

    static let testNames: Set<String> = Set(comparisons.keys).union([
        "boolean", "callable", "defined", "divisibleby", "even", "false", "float", "integer", "iterable",
        "lower",
        "mapping", "none", "number", "odd", "sequence", "string", "true", "undefined", "upper",
    ])

    mutating func test(_ name: String, _ value: JinjaValue, _ arguments: ArgumentValues) throws -> Bool {
        if let comparison = Self.comparisons[name] {
            let other = try bind(arguments, name, ["other"], required: 1)[0] ?? .null
            return try compare(comparison, value, other)
        }
        if name == "divisibleby" {
            let divisor = try bind(arguments, name, ["num"], required: 1)[0] ?? .null
            return try equal(arithmetic(.modulo, value, divisor), .int(0))
        }
        _ = try bind(arguments, name, [])
        switch name {
        case "even": return try equal(arithmetic(.modulo, value, .int(2)), .int(0))
        case "odd": return try equal(arithmetic(.modulo, value, .int(2)), .int(1))
        case "lower": return try hasCase(text(of: value), \.isLowercase)
        case "upper": return try hasCase(text(of: value), \.isUppercase)
        default: return try isKind(name, value)
        }
    }

    private func isKind(_ name: String, _ value: JinjaValue) throws -> Bool {
        switch (name, value) {
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
