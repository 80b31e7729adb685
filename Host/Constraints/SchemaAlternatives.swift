import Foundation
import GatehouseJSON

/// Takes a schema apart into alternatives without `$ref`, `allOf`, `anyOf` and `oneOf` at their top.
struct SchemaAlternatives {
    let root: JSONValue
    /// Counts the schemas taken apart, as references may multiply them without end.
    private let work = Work()
    private static let mostWork = 20_000
    private static let most = 256
    private static let deepest = 50

    private final class Work {
        var count = 0
    }

    init(root: JSONValue) {
        self.root = root
    }

    /// What `$ref` leads to.
    func target(of reference: String, at path: String) throws(SchemaError) -> JSONValue {
        var value = root
        // A JSON pointer (RFC 6901) in a fragment.
        for part in reference.split(separator: "/", omittingEmptySubsequences: false).dropFirst() {
            let name = (part.removingPercentEncoding ?? String(part))
                .replacing("~1", with: "/").replacing("~0", with: "~")
            let next = value.arrayValue.flatMap { list in
                Int(name).flatMap { list.indices.contains($0) ? list[$0] : nil }
            }
            guard let found = next ?? value[name] else {
                throw SchemaError("\(path).$ref", "\(reference) is not in the schema")
            }
            value = found
        }
        // It may point to where no schema was looked for.
        try SchemaCheck.check(value, at: reference)
        return value
    }

    /// The alternatives of a schema; none where no value fits.
    func alternatives(
        of schema: JSONValue, at path: String, depth: Int = 0
    ) throws(SchemaError) -> [JSONObject] {
        work.count += 1
        guard work.count < Self.mostWork else { throw SchemaError(path, .tooComplex) }
        guard depth < Self.deepest else {
            throw SchemaError(path, SchemaError.leftRecursion)
        }
        guard case .object(let members) = schema else { return schema == .bool(false) ? [] : [[:]] }
        var own = JSONObject()
        for (key, value) in members where !SchemaCheck.annotations.contains(key) && key != "$id" {
            switch key {
            case "$ref", "allOf", "anyOf", "oneOf", "$defs", "definitions": break
            case "const":
                guard let merged = SchemaMerge.merge(own, ["enum": .array([value])]) else { return [] }
                own = merged
            case "enum":
                guard let merged = SchemaMerge.merge(own, ["enum": value]) else { return [] }
                own = merged
            default: own[key] = value
            }
        }
        var alternatives = [own]
        func require(_ others: [JSONObject]) throws(SchemaError) {
            guard alternatives.count * others.count <= Self.most else {
                throw SchemaError(path, "it has more than \(Self.most) combinations of alternatives")
            }
            alternatives = alternatives.flatMap { first in
                others.compactMap { SchemaMerge.merge(first, $0) }
            }
        }
        if let reference = members["$ref"]?.stringValue {
            try require(
                try self.alternatives(of: try target(of: reference, at: path), at: path, depth: depth + 1))
        }
        for part in members["allOf"]?.arrayValue ?? [] {
            try require(try self.alternatives(of: part, at: path, depth: depth + 1))
        }
        for key in ["anyOf", "oneOf"] {
            guard let branches = members[key]?.arrayValue else { continue }
            var all: [[JSONObject]] = []
            for branch in branches {
                all.append(try self.alternatives(of: branch, at: path, depth: depth + 1))
            }
            if key == "oneOf" { try checkDisjoint(all, at: "\(path).oneOf") }
            try require(all.flatMap(\.self))
        }
        return alternatives
    }

    /// Throws where a value might fit two branches.
    private func checkDisjoint(_ branches: [[JSONObject]], at path: String) throws(SchemaError) {
        for second in branches.indices {
            for first in 0..<second {
                for one in branches[first] {
                    for other in branches[second] where !areDisjoint(one, other, depth: 0) {
                        throw SchemaError(
                            path,
                            "a value might fit branches \(first) and \(second) both: tell them apart by type, "
                                + "or by a required property with a const, or say anyOf")
                    }
                }
            }
        }
    }

    /// Whether it is certain that no value fits both.
    private func areDisjoint(_ first: JSONObject, _ second: JSONObject, depth: Int) -> Bool {
        guard depth < 4 else { return false }
        guard let merged = SchemaMerge.merge(first, second) else { return true }
        if let values = merged["enum"]?.arrayValue {
            // What is left of them may be of none of the types.
            let types = SchemaMerge.list(merged["type"]).compactMap(\.stringValue)
            return !types.isEmpty && values.allSatisfy { value in !types.contains { value.isOf(type: $0) } }
        }
        guard let types = merged["type"].map(SchemaMerge.list) else { return false }
        return types.allSatisfy { type in
            switch type.stringValue {
            case "object": isNoObject(merged, depth: depth)
            case "integer", "number": isNoNumber(merged)
            default: false
            }
        }
    }

    private func isNoObject(_ merged: JSONObject, depth: Int) -> Bool {
        let rest = merged["additionalProperties"] ?? .bool(true)
        return SchemaMerge.list(merged["required"]).contains { name in
            guard let name = name.stringValue else { return false }
            let schema = merged["properties"]?[name] ?? rest
            if schema == .bool(false) { return true }
            guard let parts = schema["allOf"]?.arrayValue, parts.count == 2,
                let first = try? alternatives(of: parts[0], at: "", depth: 40),
                let second = try? alternatives(of: parts[1], at: "", depth: 40)
            else { return false }
            return first.allSatisfy { one in
                second.allSatisfy { areDisjoint(one, $0, depth: depth + 1) }
            }
        }
    }

    private func isNoNumber(_ merged: JSONObject) -> Bool {
        func value(_ key: String) -> Double? { merged[key]?.numberValue?.doubleValue }
        let low = value("minimum") ?? -.infinity
        let high = value("maximum") ?? .infinity
        let above = value("exclusiveMinimum") ?? -.infinity
        let below = value("exclusiveMaximum") ?? .infinity
        return low > high || above >= high && above > -.infinity || low >= below && below < .infinity
            || above >= below && above > -.infinity
    }
}

extension JSONValue {
    /// Whether the value is of a type of JSON Schema.
    func isOf(type: String) -> Bool {
        switch (self, type) {
        case (.null, "null"), (.bool, "boolean"), (.string, "string"), (.array, "array"), (.object, "object"),
            (.number, "number"):
            true
        case (.number(let number), "integer"): number.integer != nil || number.unsigned != nil
        default: false
        }
    }
}
