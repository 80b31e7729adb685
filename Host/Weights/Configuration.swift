import GatehouseJSON
import GatehouseTensorFiles

/// An object of a JSON file such as `config.json`, read by key.
///
/// The typed readers return nil where the key is absent or null and throw where its value is of another kind.
public struct Configuration: Sendable {
    /// The file.
    public let path: String
    /// Where in the file: `text_config.rope_scaling`; empty for all of it.
    public let place: String
    /// The members, in the file's order.
    public let members: JSONObject

    /// Reads a file.
    public init(path: String) throws(TensorFileError) {
        let file = try MappedFile(path: path, kind: "JSON file")
        let document: JSONValue
        do {
            document = try JSONValue(parsing: file.bytes)
        } catch {
            throw TensorFileError(path: path, field: "file", expected: error.expected, found: error.found)
        }
        guard case .object(let members) = document else {
            throw TensorFileError(
                path: path, field: "file", expected: "a JSON object", found: document.summary)
        }
        self.init(path: path, place: "", members: members)
    }

    private init(path: String, place: String, members: JSONObject) {
        self.path = path
        self.place = place
        self.members = members
    }

    /// The value of a key; nil where it is absent or null.
    public subscript(key: String) -> JSONValue? {
        let value = members[key]
        return value == .null ? nil : value
    }

    /// An object in this one.
    public func object(_ key: String) throws(TensorFileError) -> Configuration? {
        guard let value = self[key] else { return nil }
        guard case .object(let members) = value else { throw mismatch(key, "an object", value) }
        return Configuration(path: path, place: field(key), members: members)
    }

    public func string(_ key: String) throws(TensorFileError) -> String? {
        guard let value = self[key] else { return nil }
        guard case .string(let text) = value else { throw mismatch(key, "a string", value) }
        return text
    }

    /// A whole number, `3.0` included.
    public func integer(_ key: String) throws(TensorFileError) -> Int? {
        guard let value = self[key] else { return nil }
        guard let integer = value.numberValue?.integer else { throw mismatch(key, "a whole number", value) }
        return integer
    }

    public func float(_ key: String) throws(TensorFileError) -> Double? {
        guard let value = self[key] else { return nil }
        guard let number = value.numberValue else { throw mismatch(key, "a number", value) }
        return number.doubleValue
    }

    public func bool(_ key: String) throws(TensorFileError) -> Bool? {
        guard let value = self[key] else { return nil }
        guard case .bool(let flag) = value else { throw mismatch(key, "true or false", value) }
        return flag
    }

    public func strings(_ key: String) throws(TensorFileError) -> [String]? {
        try elements(key, "strings", \.stringValue)
    }

    public func integers(_ key: String) throws(TensorFileError) -> [Int]? {
        try elements(key, "whole numbers", \.numberValue?.integer)
    }

    public func floats(_ key: String) throws(TensorFileError) -> [Double]? {
        try elements(key, "numbers", \.numberValue?.doubleValue)
    }

    /// Integers that stand alone or in an array, as `eos_token_id` does.
    public func oneOrMoreIntegers(_ key: String) throws(TensorFileError) -> [Int]? {
        if case .array = self[key] { try integers(key) } else { try integer(key).map { [$0] } }
    }

    /// A value that has to be there: `try configuration.require("hidden_size", configuration.integer)`.
    public func require<Value>(
        _ key: String, _ read: (String) throws(TensorFileError) -> Value?
    ) throws(TensorFileError) -> Value {
        guard let value = try read(key) else {
            throw error(key, expected: "a value", found: members[key] == nil ? "no such key" : "null")
        }
        return value
    }

    /// The error that the value of `key` is wrong.
    public func error(_ key: String, expected: String, found: String) -> TensorFileError {
        TensorFileError(path: path, field: field(key), expected: expected, found: found)
    }

    private func field(_ key: String) -> String { place.isEmpty ? key : "\(place).\(key)" }

    private func mismatch(_ key: String, _ expected: String, _ found: JSONValue) -> TensorFileError {
        error(key, expected: expected, found: found.summary)
    }

    private func elements<Element>(
        _ key: String, _ what: String, _ read: (JSONValue) -> Element?
    ) throws(TensorFileError) -> [Element]? {
        guard let value = self[key] else { return nil }
        guard case .array(let values) = value else { throw mismatch(key, "an array of \(what)", value) }
        var elements: [Element] = []
        for (index, value) in values.enumerated() {
            guard let element = read(value) else { throw mismatch("\(key)[\(index)]", what, value) }
            elements.append(element)
        }
        return elements
    }
}
