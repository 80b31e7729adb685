/// A JSON text as a value, for documents whose errors must name the exact place.
public enum JSONValue: Sendable, Equatable {
    case null
    case bool(Bool)
    case number(JSONNumber)
    case string(String)
    case array([JSONValue])
    case object(JSONObject)

    /// What to do where an object has a key twice.
    public enum RepeatedKeys: Sendable {
        /// The last value counts, as in most readers.
        case lastCounts
        case refused
    }

    /// Parses UTF-8. Throws ``JSONProblem`` with the line and the column (in bytes) of what is wrong.
    public init(
        parsing data: some Sequence<UInt8>, repeatedKeys: RepeatedKeys = .lastCounts
    ) throws(JSONProblem) {
        func parse(_ bytes: UnsafeBufferPointer<UInt8>) -> Result<JSONValue, JSONProblem> {
            Result { () throws(JSONParser.Failure) in
                try JSONParser.parse(bytes, repeatedKeys: repeatedKeys)
            }.mapError { $0.problem(in: bytes) }
        }
        let result =
            data.withContiguousStorageIfAvailable(parse) ?? Array(data).withUnsafeBufferPointer(parse)
        self = try result.get()
    }

    /// A number that is whole.
    public static func number(_ value: Int) -> JSONValue { .number(JSONNumber(value)) }

    /// A number that may have a fraction.
    public static func number(_ value: Double) -> JSONValue { .number(JSONNumber(value)) }

    /// What it is, for messages: `the number 3`, `an object`.
    public var summary: String {
        switch self {
        case .null: "null"
        case .bool(let value): "\(value)"
        case .number(let value): "the number \(value)"
        case .string(let value): "\"\(value.prefix(60))\""
        case .array(let values): "an array of \(values.count)"
        case .object: "an object"
        }
    }

    /// The member of an object; nil for other values.
    public subscript(key: String) -> JSONValue? {
        if case .object(let members) = self { members[key] } else { nil }
    }

    /// The text of a string; nil for other values.
    public var stringValue: String? {
        if case .string(let value) = self { value } else { nil }
    }

    /// The elements of an array; nil for other values.
    public var arrayValue: [JSONValue]? {
        if case .array(let values) = self { values } else { nil }
    }

    /// The members of an object; nil for other values.
    public var objectValue: JSONObject? {
        if case .object(let members) = self { members } else { nil }
    }

    /// A number; nil for other values.
    public var numberValue: JSONNumber? {
        if case .number(let value) = self { value } else { nil }
    }

    /// true or false; nil for other values.
    public var boolValue: Bool? {
        if case .bool(let value) = self { value } else { nil }
    }
}
