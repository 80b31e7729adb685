import GatehouseJSON

/// A JSON file of a checkpoint: values by key, with errors that name file and key.
public struct ConfigurationFile: Sendable {
    public let path: String
    /// Stands before keys in messages: empty, or ends with a dot.
    private let prefix: String
    public let values: JSONValue

    public init(path: String) throws(TensorFileError) {
        let file = try MappedFile(path: path, kind: "configuration file")
        do {
            try self.init(path: path, values: JSONValue(parsing: file.bytes))
        } catch {
            throw TensorFileError(path: path, field: "file", expected: error.expected, found: error.found)
        }
    }

    public init(path: String, values: JSONValue, prefix: String = "") {
        self.path = path
        self.values = values
        self.prefix = prefix
    }

    /// The object under a key; nil where there is none.
    public func section(_ key: String) -> ConfigurationFile? {
        guard let section = values[key], section.objectValue != nil else { return nil }
        return ConfigurationFile(path: path, values: section, prefix: "\(prefix)\(key).")
    }

    public func has(_ key: String) -> Bool { values[key] != nil && values[key] != .null }

    /// A whole number of at least 1 and at most 2^24, so that products of a few stay in range.
    public func extent(_ key: String, default standard: Int? = nil) throws(TensorFileError) -> Int {
        guard has(key), let value = values[key] else {
            if let standard { return standard }
            throw error(key, "a whole number from 1 to \(1 << 24)", "nothing")
        }
        guard let number = value.numberValue?.integer, (1...1 << 24).contains(number) else {
            throw error(key, "a whole number from 1 to \(1 << 24)", value.summary)
        }
        return number
    }

    public func number(_ key: String, default standard: Double) throws(TensorFileError) -> Double {
        guard has(key), let value = values[key] else { return standard }
        guard let number = value.numberValue?.doubleValue, number.isFinite else {
            throw error(key, "a number", value.summary)
        }
        return number
    }

    public func flag(_ key: String, default standard: Bool) throws(TensorFileError) -> Bool {
        guard has(key), let value = values[key] else { return standard }
        guard let flag = value.boolValue else { throw error(key, "true or false", value.summary) }
        return flag
    }

    public func string(_ key: String, default standard: String) throws(TensorFileError) -> String {
        guard has(key), let value = values[key] else { return standard }
        guard let string = value.stringValue else { throw error(key, "a string", value.summary) }
        return string
    }

    public func error(_ key: String, _ expected: String, _ found: String) -> TensorFileError {
        TensorFileError(path: path, field: prefix + key, expected: expected, found: found)
    }

    /// What stands at a key, for messages.
    public func summary(_ key: String) -> String { values[key]?.summary ?? "nothing" }
}
