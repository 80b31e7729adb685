import GatehouseJSON
import Modalities

/// A place in a request's JSON. Reading throws the error that the client sees, which names the place; what is not there
/// reads as nil, except where an array is needed.
struct RequestField {
    /// nil where the body has nothing, or null, here.
    let value: JSONValue?
    /// `messages[0].content`, as in OpenAI's `param`; empty for the body.
    let path: String

    init(_ value: JSONValue?, _ path: String) {
        self.value = value == .null ? nil : value
        self.path = path
    }

    subscript(key: String) -> RequestField {
        RequestField(value?[key], path.isEmpty ? key : "\(path).\(key)")
    }

    /// The error that something else was expected here.
    func expected(_ what: String) -> HTTPError {
        HTTPError(
            status: 400, message: "\(path): expected \(what), found \(value?.summary ?? "nothing")",
            param: path, code: "invalid_value")
    }

    /// Itself where an object or nothing is here. Our own objects name the keys that they know.
    func object(only known: [String]? = nil) throws(HTTPError) -> RequestField {
        guard let value else { return self }
        guard case .object(let members) = value else { throw expected("an object") }
        if let known, let key = members.keys.sorted().first(where: { !known.contains($0) }) {
            throw self[key].expected("no other field than \(known.joined(separator: " and "))")
        }
        return self
    }

    func string() throws(HTTPError) -> String? {
        guard let value else { return nil }
        guard case .string(let text) = value else { throw expected("a string") }
        return text
    }

    func nonEmptyString() throws(HTTPError) -> String {
        guard let text = try string(), !text.isEmpty else {
            throw expected("a string of a character or more")
        }
        return text
    }

    func bool() throws(HTTPError) -> Bool? {
        guard let value else { return nil }
        guard case .bool(let bool) = value else { throw expected("true or false") }
        return bool
    }

    func number(_ range: ClosedRange<Double>) throws(HTTPError) -> Double? {
        guard let value else { return nil }
        guard let number = value.numberValue?.doubleValue, range.contains(number) else {
            let low =
                range.lowerBound == Double(Float.leastNormalMagnitude)
                ? "above 0" : "from \(range.lowerBound)"
            throw expected("a number \(low) to \(range.upperBound)")
        }
        return number
    }

    func integer(_ range: ClosedRange<Int>) throws(HTTPError) -> Int? {
        guard let value else { return nil }
        guard let integer = value.numberValue?.integer, range.contains(integer) else {
            throw expected("a whole number from \(range.lowerBound) to \(range.upperBound)")
        }
        return integer
    }

    func elements(_ what: String) throws(HTTPError) -> [RequestField] {
        guard case .array(let values) = value else { throw expected(what) }
        return values.enumerated().map { RequestField($1, "\(path)[\($0)]") }
    }
}
