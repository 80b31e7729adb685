import GatehouseJSON

/// Makes a grammar of the JSON texts that fit a schema (JSON Schema, draft 2020-12).
///
/// Every text of the grammar fits. Not every text that fits is of the grammar: members come in the schema's order, a
/// whole number has no fraction, white space is bounded.
struct SchemaCompiler {
    var builder: GrammarBuilder
    let alternatives: SchemaAlternatives
    /// Whether an object has no members that its schema does not name, unless it says otherwise.
    let isClosed: Bool
    /// Rules by the text of their schema.
    private var rules: [String: Int32] = [:]
    private var anyValue: Int32?
    private static let mostRules = 5000

    /// - Parameters:
    ///   - schema: With all that `$ref` may lead to.
    ///   - builder: Where the rules go.
    init(_ schema: JSONValue, isClosed: Bool, builder: GrammarBuilder) {
        alternatives = SchemaAlternatives(root: schema)
        self.isClosed = isClosed
        self.builder = builder
    }

    /// The rule of a schema.
    mutating func rule(for schema: JSONValue, at path: String) throws(SchemaError) -> Int32 {
        let key = schema.text
        if let known = rules[key] { return known }
        guard rules.count < Self.mostRules else { throw SchemaError(path, .tooComplex) }
        let rule = try build(path) { builder throws(SchemaProblem) in try builder.rule() }
        rules[key] = rule
        try fill(rule, with: schema, at: path)
        return rule
    }

    /// Runs what may find the grammar too large.
    mutating func build<Result>(
        _ path: String, _ body: (inout GrammarBuilder) throws(SchemaProblem) -> Result
    ) throws(SchemaError) -> Result {
        do throws(SchemaProblem) {
            return try body(&builder)
        } catch {
            throw SchemaError(path, error)
        }
    }

    private mutating func fill(
        _ rule: Int32, with schema: JSONValue, at path: String
    ) throws(SchemaError) {
        let start = builder.start(of: rule)
        let end = try build(path) { builder throws(SchemaProblem) in try builder.state() }
        builder.end(end)
        // What is nothing but a reference, or a choice of schemas, needs no taking apart; recursion goes by rules.
        if let members = schema.objectValue {
            let said = members.keys.filter {
                !SchemaCheck.annotations.contains($0) && !SchemaCheck.definitions.contains($0) && $0 != "$id"
            }
            if said == ["$ref"], let reference = members["$ref"]?.stringValue {
                let target = try alternatives.target(of: reference, at: path)
                let called = try self.rule(for: target, at: reference)
                builder.call(called, from: start, to: end)
                return
            }
            if said == ["anyOf"], let branches = members["anyOf"]?.arrayValue {
                for (index, branch) in branches.enumerated() {
                    let called = try self.rule(for: branch, at: "\(path).anyOf[\(index)]")
                    builder.call(called, from: start, to: end)
                }
                return
            }
        }
        for alternative in try alternatives.alternatives(of: schema, at: path) {
            try add(alternative, from: start, to: end, at: path)
        }
    }

    /// Adds the values that fit a schema without references and combinations.
    private mutating func add(
        _ schema: JSONObject, from start: Int32, to end: Int32, at path: String
    ) throws(SchemaError) {
        if let values = schema["enum"]?.arrayValue {
            var rest = schema
            rest["enum"] = nil
            let fitting = try fitting(values, rest, at: path)
            let texts = Expression.choice(fitting.map { .text($0.text) })
            let last = try build(path) { builder throws(SchemaProblem) in
                try builder.embed(texts, from: start)
            }
            builder.join(last, to: end)
            return
        }
        if schema.isEmpty {
            builder.call(try anyRule(at: path), from: start, to: end)
            return
        }
        var types = SchemaMerge.list(schema["type"]).compactMap(\.stringValue)
        if types.isEmpty { types = SchemaCheck.typeNames }
        for type in types where type != "integer" || !types.contains("number") {
            let last: Int32
            switch type {
            case "null":
                last = try build(path) { builder throws(SchemaProblem) in
                    try builder.literal("null", from: start)
                }
            case "boolean":
                last = try build(path) { builder throws(SchemaProblem) in
                    try builder.embed(.choice([.text("true"), .text("false")]), from: start)
                }
            case "integer", "number":
                last = try number(schema, isInteger: type == "integer", from: start, at: path)
            case "string": last = try string(schema, from: start, at: path)
            case "array": last = try array(schema, from: start, at: path)
            default: last = try object(schema, from: start, at: path)
            }
            builder.join(last, to: end)
        }
    }

    /// Those of the values that fit a schema, by its automaton.
    private func fitting(
        _ values: [JSONValue], _ schema: JSONObject, at path: String
    ) throws(SchemaError) -> [JSONValue] {
        if schema.isEmpty { return values }
        if schema.keys == ["type"] {
            let types = SchemaMerge.list(schema["type"]).compactMap(\.stringValue)
            return values.filter { value in types.contains { value.isOf(type: $0) } }
        }
        var compiler = SchemaCompiler(alternatives.root, isClosed: false, builder: GrammarBuilder())
        let rule = try compiler.rule(for: .object(schema), at: path)
        let grammar = compiler.builder.grammar(root: rule)
        if grammar.isLeftRecursive { throw SchemaError(path, SchemaError.leftRecursion) }
        return values.filter { grammar.accepts($0.text.utf8) }
    }

    private mutating func number(
        _ schema: JSONObject, isInteger: Bool, from start: Int32, at path: String
    ) throws(SchemaError) -> Int32 {
        func bound(_ inclusive: String, _ exclusive: String, isLow: Bool) -> NumberRange.Bound? {
            let one = schema[inclusive]?.numberValue.map { NumberRange.Bound(value: $0, isExclusive: false) }
            let other = schema[exclusive]?.numberValue.map { NumberRange.Bound(value: $0, isExclusive: true) }
            guard let one, let other else { return one ?? other }
            let (first, second) = (one.value.doubleValue, other.value.doubleValue)
            return (isLow ? first > second : first < second) ? one : other
        }
        let low = bound("minimum", "exclusiveMinimum", isLow: true)
        let high = bound("maximum", "exclusiveMaximum", isLow: false)
        return try build(path) { builder throws(SchemaProblem) in
            let automaton: DeterministicAutomaton
            if low == nil, high == nil {
                automaton = try DeterministicAutomaton(
                    try RegularExpression.whole(isInteger ? JSONLanguage.integer : JSONLanguage.number))
            } else {
                automaton = try NumberRange(low: low, high: high, isInteger: isInteger).automaton()
            }
            return try builder.embed(automaton, from: start)
        }
    }

    private mutating func string(
        _ schema: JSONObject, from start: Int32, at path: String
    ) throws(SchemaError) -> Int32 {
        let min = schema["minLength"]?.numberValue?.integer ?? 0
        let max = schema["maxLength"]?.numberValue?.integer
        let patterns = SchemaMerge.list(schema["pattern"]).compactMap(\.stringValue)
        let formats = SchemaMerge.list(schema["format"]).compactMap {
            StringFormat(rawValue: $0.stringValue ?? "")
        }
        return try build(path) { builder throws(SchemaProblem) in
            if patterns.isEmpty, formats.isEmpty {
                return try builder.string(min: min, max: max, from: start)
            }
            var expressions: [Expression] = []
            for pattern in patterns {
                expressions.append(
                    try RegularExpression.search(pattern, encode: JSONLanguage.character))
            }
            for format in formats { expressions.append(try format.expression()) }
            if min > 0 || max != nil {
                guard Swift.max(min, max ?? 0) <= 1000 else { throw .tooComplex }
                expressions.append(.repeated(JSONLanguage.character(of: .all), min: min, max: max))
            }
            var automaton = try DeterministicAutomaton(expressions[0])
            for expression in expressions.dropFirst() {
                automaton = try automaton.intersection(try DeterministicAutomaton(expression))
            }
            let open = try builder.literal("\"", from: start)
            return try builder.literal("\"", from: try builder.embed(automaton, from: open))
        }
    }

    /// Any value at all.
    private mutating func anyRule(at path: String) throws(SchemaError) -> Int32 {
        if let anyValue { return anyValue }
        let rule = try build(path) { builder throws(SchemaProblem) in try builder.rule() }
        anyValue = rule
        let end = try build(path) { builder throws(SchemaProblem) in try builder.state() }
        builder.end(end)
        try add(
            ["type": .array(SchemaCheck.typeNames.map { .string($0) }), "additionalProperties": .bool(true)],
            from: builder.start(of: rule), to: end, at: path)
        return rule
    }
}
