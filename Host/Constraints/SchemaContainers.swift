import GatehouseJSON

/// Objects and arrays.
extension SchemaCompiler {
    /// The state after an object. Its members come in the schema's order, those that the schema does not name last.
    mutating func object(
        _ schema: JSONObject, from start: Int32, at path: String
    ) throws(SchemaError) -> Int32 {
        var properties = schema["properties"]?.objectValue ?? [:]
        var additional = schema["additionalProperties"]
        if additional == nil, isClosed, schema["properties"] != nil { additional = .bool(false) }
        var required: Set<String> = []
        for name in SchemaMerge.list(schema["required"]).compactMap(\.stringValue) {
            required.insert(name)
            if properties[name] == nil { properties[name] = additional ?? .bool(true) }
        }
        var values: [Int32] = []
        for (name, value) in properties {
            values.append(try rule(for: value, at: "\(path).properties.\(name)"))
        }
        let rest: Int32? =
            additional == .bool(false)
            ? nil : try rule(for: additional ?? .bool(true), at: "\(path).additionalProperties")

        return try build(path) { builder throws(SchemaProblem) in
            let open = try builder.space(from: try builder.literal("{", from: start))
            let close = try builder.state()
            /// Before the first member, and after a comma: the members from the next one on may come.
            var first = open
            var next = try builder.state()
            /// After a member.
            var after = try builder.state()
            let names = properties.keys
            let lastRequired = names.lastIndex { required.contains($0) } ?? -1
            if lastRequired < 0 { builder.join(open, to: close) }
            for (index, name) in names.enumerated() {
                let begin = try builder.state()
                let key = try builder.literal(JSONValue.string(name).text + ":", from: begin)
                builder.join(first, to: begin)
                builder.join(next, to: begin)
                let value = try builder.optionalBlank(from: key)
                let done = try builder.call(values[index], from: value)
                let (nextFirst, nextNext) = (try builder.state(), try builder.state())
                if !required.contains(name) {
                    builder.join(first, to: nextFirst)
                    builder.join(next, to: nextNext)
                    builder.join(after, to: done)
                }
                // After this member or, where it may be left out, an earlier one.
                after = done
                let comma = try builder.space(from: try builder.literal(",", from: after))
                builder.join(comma, to: nextNext)
                if index >= lastRequired { builder.join(after, to: close) }
                (first, next) = (nextFirst, nextNext)
            }
            if let rest {
                let key = try Self.otherKey(than: names)
                let begin = try builder.state()
                builder.join(first, to: begin)
                builder.join(next, to: begin)
                let quoted = try builder.embed(key, from: begin)
                let value = try builder.optionalBlank(from: try builder.literal(":", from: quoted))
                let done = try builder.call(rest, from: value)
                let comma = try builder.space(from: try builder.literal(",", from: done))
                builder.join(comma, to: begin)
                builder.join(done, to: close)
            }
            return try builder.literal("}", from: try builder.space(from: close))
        }
    }

    /// Keys, in their quotes, that are none of the names.
    private static func otherKey(than names: [String]) throws(SchemaProblem) -> DeterministicAutomaton {
        let any = Expression.sequence([
            .text("\""), .repeated(JSONLanguage.character(of: .all), min: 0, max: nil), .text("\""),
        ])
        let named = Expression.choice(names.map { .text(JSONValue.string($0).text) })
        return try DeterministicAutomaton(any).subtracting(try DeterministicAutomaton(named))
    }

    /// The state after an array.
    mutating func array(
        _ schema: JSONObject, from start: Int32, at path: String
    ) throws(SchemaError) -> Int32 {
        let min = schema["minItems"]?.numberValue?.integer ?? 0
        let max = schema["maxItems"]?.numberValue?.integer
        var prefix: [Int32] = []
        for (index, item) in (schema["prefixItems"]?.arrayValue ?? []).enumerated() {
            prefix.append(try rule(for: item, at: "\(path).prefixItems[\(index)]"))
        }
        let item = try rule(for: schema["items"] ?? .bool(true), at: "\(path).items")

        return try build(path) { builder throws(SchemaProblem) in
            let open = try builder.space(from: try builder.literal("[", from: start))
            let close = try builder.state()
            if min == 0 { builder.join(open, to: close) }
            var place = open
            var count = 0
            while max.map({ count < $0 }) ?? true, count < Swift.max(1, prefix.count) {
                if count > 0 {
                    place = try builder.space(from: try builder.literal(",", from: place))
                }
                place = try builder.call(count < prefix.count ? prefix[count] : item, from: place)
                count += 1
                if count >= min, count < prefix.count { builder.join(place, to: close) }
            }
            if count > 0 {
                let another = try builder.rule()
                let comma = try builder.literal(",", from: builder.start(of: another))
                builder.end(try builder.call(item, from: try builder.space(from: comma)))
                let last = try builder.repetition(
                    of: another, min: Swift.max(0, min - count), max: max.map { $0 - count }, from: place)
                builder.join(last, to: close)
            }
            return try builder.literal("]", from: try builder.space(from: close))
        }
    }
}

extension GrammarBuilder {
    /// The state after a space or none.
    fileprivate mutating func optionalBlank(from start: Int32) throws(SchemaProblem) -> Int32 {
        let after = try literal(" ", from: start)
        join(start, to: after)
        return after
    }
}
