import GatehouseJSON

/// Looks through a whole schema for what is not supported, so that errors name the exact place.
struct SchemaCheck {
    /// Say something about the schema, and nothing of its values.
    static let annotations: Set<String> = [
        "title", "description", "default", "example", "examples", "$schema", "$comment", "deprecated",
        "readOnly", "writeOnly", "discriminator",
    ]
    static let definitions = ["$defs", "definitions"]
    static let typeNames = ["null", "boolean", "integer", "number", "string", "array", "object"]
    private static let mostLevels = 100

    static func check(_ schema: JSONValue, at path: String) throws(SchemaError) {
        try check(schema, at: path, level: 0)
    }

    private static func check(
        _ schema: JSONValue, at path: String, level: Int
    ) throws(SchemaError) {
        guard level < mostLevels else {
            throw SchemaError(path, "schemas lie in each other more than \(mostLevels) deep")
        }
        if case .bool = schema { return }
        guard case .object(let members) = schema else {
            throw SchemaError(path, "expected a schema (an object, true or false), found \(schema.summary)")
        }
        for (key, value) in members {
            try check(key, value, at: "\(path).\(key)", level: level)
        }
    }

    private static func check(
        _ keyword: String, _ value: JSONValue, at path: String, level: Int
    ) throws(SchemaError) {
        func expected(_ what: String) -> SchemaError {
            SchemaError(path, "expected \(what), found \(value.summary)")
        }
        switch keyword {
        case "type":
            let names = value.arrayValue ?? [value]
            guard !names.isEmpty,
                names.allSatisfy({ $0.stringValue.map(typeNames.contains) ?? false })
            else { throw expected("one or several of \(typeNames.joined(separator: ", "))") }
        case "enum":
            guard let values = value.arrayValue, !values.isEmpty else {
                throw expected("an array of a value or more")
            }
        case "const": break
        case "properties", "$defs", "definitions":
            guard let schemas = value.objectValue else { throw expected("an object of schemas") }
            for (name, schema) in schemas { try check(schema, at: "\(path).\(name)", level: level + 1) }
        case "required":
            guard let names = value.arrayValue, names.allSatisfy({ $0.stringValue != nil }) else {
                throw expected("an array of strings")
            }
        case "additionalProperties", "items":
            try check(value, at: path, level: level + 1)
        case "prefixItems", "anyOf", "oneOf", "allOf":
            guard let schemas = value.arrayValue, !schemas.isEmpty else {
                throw expected("an array of a schema or more")
            }
            for (index, schema) in schemas.enumerated() {
                try check(schema, at: "\(path)[\(index)]", level: level + 1)
            }
        case "minItems", "maxItems", "minLength", "maxLength":
            guard let count = value.numberValue?.integer, count >= 0 else {
                throw expected("a whole number of at least 0")
            }
        case "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum":
            guard value.numberValue != nil else { throw expected("a number") }
        case "pattern":
            guard let pattern = value.stringValue else { throw expected("a string") }
            do {
                _ = try RegularExpression.search(pattern, encode: JSONLanguage.character)
            } catch {
                throw SchemaError(path, error)
            }
        case "format":
            guard let name = value.stringValue else { throw expected("a string") }
            guard StringFormat(rawValue: name) != nil else {
                let known = StringFormat.allCases.map(\.rawValue).joined(separator: ", ")
                throw expected("one of the supported formats \(known)")
            }
        case "$ref":
            guard let reference = value.stringValue else { throw expected("a string") }
            guard reference == "#" || reference.hasPrefix("#/") else {
                throw expected("a reference within the schema, such as #/$defs/name")
            }
        case "$id":
            guard level == 0 else { throw SchemaError(path, "$id is supported at the top of a schema only") }
        default:
            guard annotations.contains(keyword) else {
                throw SchemaError(path, "the keyword \(keyword) is not supported")
            }
        }
    }
}
