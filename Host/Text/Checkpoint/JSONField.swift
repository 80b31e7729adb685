import GatehouseJSON

/// A place in a JSON document, read with errors that name it: one that is wrong ends the reading.
struct JSONField {
    /// nil where the document has nothing here.
    let value: JSONValue?
    let path: String

    init(_ value: JSONValue?, path: String = "") {
        self.value = value
        self.path = path
    }

    subscript(key: String) -> JSONField {
        JSONField(value?[key], path: path.isEmpty ? key : "\(path).\(key)")
    }

    /// Whether nothing, or null, is here.
    var isNull: Bool { value == nil || value == .null }

    func expected(_ what: String) -> JSONProblem {
        JSONProblem(path: path, expected: what, found: value?.summary ?? "nothing")
    }

    func wrong(expected: String, found: String) -> JSONProblem {
        JSONProblem(path: path, expected: expected, found: found)
    }

    func object() throws(JSONProblem) -> JSONObject {
        guard case .object(let members) = value else { throw expected("an object") }
        return members
    }

    func elements() throws(JSONProblem) -> [JSONField] {
        guard case .array(let values) = value else { throw expected("an array") }
        return values.enumerated().map { JSONField($1, path: "\(path)[\($0)]") }
    }

    func string() throws(JSONProblem) -> String {
        guard case .string(let text) = value else { throw expected("text") }
        return text
    }

    /// - Parameter standard: What nothing and null stand for.
    func bool(default standard: Bool) throws(JSONProblem) -> Bool {
        if isNull { return standard }
        guard case .bool(let value) = value else { throw expected("true or false") }
        return value
    }

    /// The number of a token.
    func tokenID() throws(JSONProblem) -> TokenID {
        guard case .number(let number) = value, let id = number.integer, (0...Self.largestID).contains(id)
        else {
            throw expected("the number of a token, 0 to \(Self.largestID)")
        }
        return TokenID(id)
    }

    /// Ids beyond are refused before anything is made of that size: published vocabularies end below 2^18.
    private static let largestID = 1 << 21
}
