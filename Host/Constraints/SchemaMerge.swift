import GatehouseJSON

/// Makes one schema of several that all have to hold. None of them has `$ref`, `allOf`, `anyOf` or `oneOf` at its top.
/// A merged schema may have several patterns and formats, as arrays.
enum SchemaMerge {
    /// nil where no value can fit both.
    static func merge(_ first: JSONObject, _ second: JSONObject) -> JSONObject? {
        var merged = first
        for (key, value) in second where merged[key] == nil { merged[key] = value }
        for (key, value) in second {
            guard let other = first[key] else { continue }
            switch key {
            case "type":
                let types = types(other, value)
                if types.isEmpty { return nil }
                merged[key] = .array(types)
            case "enum":
                let values = (other.arrayValue ?? []).filter { (value.arrayValue ?? []).contains($0) }
                if values.isEmpty { return nil }
                merged[key] = .array(values)
            case "minItems", "minLength", "minimum", "exclusiveMinimum":
                if isLess(other, value) { merged[key] = value }
            case "maxItems", "maxLength", "maximum", "exclusiveMaximum":
                if isLess(value, other) { merged[key] = value }
            case "pattern", "format":
                merged[key] = .array(list(other) + list(value).filter { !list(other).contains($0) })
            case "required":
                merged[key] = .array(list(other) + list(value).filter { !list(other).contains($0) })
            default: break
            }
        }
        mergeProperties(first, second, into: &merged)
        mergeItems(first, second, into: &merged)
        return merged
    }

    /// Both schemas.
    private static func both(_ first: JSONValue, _ second: JSONValue) -> JSONValue {
        if first == second || second == .bool(true) { return first }
        if first == .bool(true) { return second }
        if first == .bool(false) || second == .bool(false) { return .bool(false) }
        return .object(["allOf": .array([first, second])])
    }

    /// A property that only one names falls under what the other says of those it does not name.
    private static func mergeProperties(
        _ first: JSONObject, _ second: JSONObject, into merged: inout JSONObject
    ) {
        guard
            first["properties"] != nil || second["properties"] != nil || first["additionalProperties"] != nil
        else { return }
        let (mine, theirs) = (
            first["properties"]?.objectValue ?? [:], second["properties"]?.objectValue ?? [:]
        )
        let (myRest, theirRest) = (first["additionalProperties"], second["additionalProperties"])
        var properties = JSONObject()
        for (name, schema) in mine {
            properties[name] = both(schema, theirs[name] ?? theirRest ?? .bool(true))
        }
        for (name, schema) in theirs where mine[name] == nil {
            properties[name] = both(myRest ?? .bool(true), schema)
        }
        merged["properties"] = .object(properties)
        if let myRest, let theirRest { merged["additionalProperties"] = both(myRest, theirRest) }
    }

    private static func mergeItems(
        _ first: JSONObject, _ second: JSONObject, into merged: inout JSONObject
    ) {
        let (mine, theirs) = (first["prefixItems"]?.arrayValue ?? [], second["prefixItems"]?.arrayValue ?? [])
        let (myRest, theirRest) = (first["items"] ?? .bool(true), second["items"] ?? .bool(true))
        let count = max(mine.count, theirs.count)
        if count > 0 {
            merged["prefixItems"] = .array(
                (0..<count).map { index in
                    both(
                        index < mine.count ? mine[index] : myRest,
                        index < theirs.count ? theirs[index] : theirRest)
                })
        }
        if first["items"] != nil, second["items"] != nil { merged["items"] = both(myRest, theirRest) }
    }

    /// A whole number is a number.
    private static func types(_ first: JSONValue, _ second: JSONValue) -> [JSONValue] {
        let (mine, theirs) = (list(first), list(second))
        var types = mine.filter(theirs.contains)
        let (integer, number) = (JSONValue.string("integer"), JSONValue.string("number"))
        if !types.contains(number), !types.contains(integer),
            mine.contains(integer) && theirs.contains(number)
                || theirs.contains(integer) && mine.contains(number)
        {
            types.append(integer)
        }
        return types
    }

    static func list(_ value: JSONValue?) -> [JSONValue] {
        guard let value else { return [] }
        return value.arrayValue ?? [value]
    }

    private static func isLess(_ first: JSONValue, _ second: JSONValue) -> Bool {
        (first.numberValue?.doubleValue ?? 0) < (second.numberValue?.doubleValue ?? 0)
    }
}
