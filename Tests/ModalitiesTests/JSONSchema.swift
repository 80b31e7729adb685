import Foundation
import GatehouseJSON
import Modalities

/// Judges documents by those keywords of JSON Schema, draft 2020-12, that registry.schema.json uses.
struct JSONSchema {
    /// Keywords that say nothing about validity.
    private static let annotations: Set = ["$schema", "$defs", "title", "description", "default", "then"]

    private let root: JSONValue

    init(_ root: JSONValue) {
        self.root = root
    }

    /// Throws where the schema itself uses a keyword that is not judged here.
    func accepts(_ value: JSONValue) throws -> Bool { try accepts(value, root) }

    private func accepts(_ value: JSONValue, _ schema: JSONValue) throws -> Bool {
        if case .bool(let verdict) = schema { return verdict }
        guard case .object(let keywords) = schema else {
            throw Fixtures.Failure(description: "no schema: \(schema.text)")
        }
        for (keyword, argument) in keywords where !Self.annotations.contains(keyword) {
            guard try holds(keyword, argument, keywords, value) else { return false }
        }
        return true
    }

    private func holds(
        _ keyword: String, _ argument: JSONValue, _ schema: JSONObject, _ value: JSONValue
    ) throws -> Bool {
        switch (keyword, argument, value) {
        case ("$ref", .string(let reference), _):
            let target = try reference.split(separator: "/").dropFirst().reduce(root) { place, name in
                guard let next = place[String(name)] else {
                    throw Fixtures.Failure(description: "no \(reference) in the schema")
                }
                return next
            }
            return try accepts(value, target)
        case ("anyOf", .array(let schemas), _): return try schemas.contains { try accepts(value, $0) }
        case ("if", _, _):
            guard try accepts(value, argument), let then = schema["then"] else { return true }
            return try accepts(value, then)
        case ("const", _, _): return value == argument
        case ("enum", .array(let values), _): return values.contains(value)
        case ("type", .string(let name), _): return Self.isA(name, value)
        case ("type", .array(let names), _):
            return names.contains { name in name.stringValue.map { Self.isA($0, value) } ?? false }
        case ("minimum", .number(let bound), .number(let number)):
            return number.doubleValue >= bound.doubleValue
        case ("maximum", .number(let bound), .number(let number)):
            return number.doubleValue <= bound.doubleValue
        case ("minLength", .number(let bound), .string(let text)):
            return Double(text.unicodeScalars.count) >= bound.doubleValue
        case ("pattern", .string(let pattern), .string(let text)):
            let range = NSRange(text.startIndex..., in: text)
            return try NSRegularExpression(pattern: pattern).firstMatch(in: text, range: range) != nil
        case ("minItems", .number(let bound), .array(let values)):
            return Double(values.count) >= bound.doubleValue
        case ("items", _, .array(let values)): return try values.allSatisfy { try accepts($0, argument) }
        case ("required", .array(let names), .object(let members)):
            return names.allSatisfy { name in name.stringValue.map { members[$0] != nil } ?? false }
        case ("properties", .object(let schemas), .object(let members)):
            return try schemas.allSatisfy { name, schema in
                try members[name].map { try accepts($0, schema) } ?? true
            }
        case ("additionalProperties", _, .object(let members)):
            return try members.allSatisfy { name, member in
                try schema["properties"]?[name] != nil || accepts(member, argument)
            }
        case ("minimum", _, _), ("maximum", _, _), ("minLength", _, _), ("pattern", _, _), ("minItems", _, _),
            ("items", _, _), ("required", _, _), ("properties", _, _), ("additionalProperties", _, _):
            return true  // The keyword is about values of another type.
        default:
            throw Fixtures.Failure(description: "the keyword \(keyword) is not judged here")
        }
    }

    private static func isA(_ type: String, _ value: JSONValue) -> Bool {
        switch (type, value) {
        case ("null", .null), ("boolean", .bool), ("number", .number), ("string", .string), ("array", .array),
            ("object", .object):
            true
        case ("integer", .number(let number)): number.integer != nil
        default: false
        }
    }
}
