/// A place in a JSON document. Reading goes on after a problem, so that all of them are reported at once.
public struct JSONCursor {
    /// Collects problems of every cursor of a document.
    public final class Problems {
        public private(set) var all: [JSONProblem] = []

        public init() {}

        func add(_ problem: JSONProblem) { all.append(problem) }
    }

    /// nil where the document has nothing here.
    public let value: JSONValue?
    public let path: String
    private let problems: Problems

    public init(_ value: JSONValue, problems: Problems) {
        self.init(value, path: "", problems: problems)
    }

    private init(_ value: JSONValue?, path: String, problems: Problems) {
        self.value = value
        self.path = path
        self.problems = problems
    }

    public subscript(key: String) -> JSONCursor {
        JSONCursor(value?[key], path: path.isEmpty ? key : "\(path).\(key)", problems: problems)
    }

    /// Records that something else was expected here.
    public func expected(_ expected: String) {
        problems.add(JSONProblem(path: path, expected: expected, found: value?.summary ?? "nothing"))
    }

    /// Records that what is here is not good: `found` says why.
    public func reject(expected: String, found: String) {
        problems.add(JSONProblem(path: path, expected: expected, found: found))
    }

    /// Checks that this is an object without other keys than `known`.
    public func object(known: [String]) {
        guard case .object(let members) = value else { return expected("an object") }
        for key in members.keys.sorted() where !known.contains(key) {
            self[key].reject(
                expected: "one of \(known.joined(separator: ", "))", found: "the unknown field \(key)")
        }
    }

    /// The elements of an array, or none after recording a problem.
    public func array(_ what: String) -> [JSONCursor] {
        guard case .array(let values) = value else {
            expected(what)
            return []
        }
        return values.enumerated().map { JSONCursor($1, path: "\(path)[\($0)]", problems: problems) }
    }

    /// The members of an object by name, sorted, or none where nothing is here or after recording a problem.
    public func members(_ what: String) -> [(name: String, value: JSONCursor)] {
        guard let value else { return [] }
        guard case .object(let members) = value else {
            expected(what)
            return []
        }
        return members.keys.sorted().map { ($0, self[$0]) }
    }

    /// A non-empty string, or `fallback` where nothing is here, or nil after recording a problem.
    public func string(_ what: String, default fallback: String? = nil) -> String? {
        if value == nil, let fallback { return fallback }
        guard case .string(let text) = value, !text.isEmpty else {
            expected(what)
            return nil
        }
        return text
    }

    /// A string of `choices`, whose first is taken where nothing is here.
    public func choice<Choice: RawRepresentable & CaseIterable>(
        default fallback: Choice
    ) -> Choice where Choice.RawValue == String {
        guard let value else { return fallback }
        if case .string(let text) = value, let choice = Choice(rawValue: text) { return choice }
        expected("one of " + Choice.allCases.map { "\"\($0.rawValue)\"" }.joined(separator: ", "))
        return fallback
    }

    /// true or false, or nil where nothing is here or after recording a problem.
    public func boolean() -> Bool? {
        guard let value else { return nil }
        if value.boolValue == nil { expected("true or false") }
        return value.boolValue
    }

    /// A number in `range`, or nil where nothing is here or after recording a problem.
    public func number(_ what: String, in range: ClosedRange<Double>) -> Double? {
        guard let value else { return nil }
        guard case .number(let number) = value, range.contains(number.doubleValue) else {
            expected(what)
            return nil
        }
        return number.doubleValue
    }

    /// A whole number in `range`, or nil where nothing is here or after recording a problem.
    public func integer(_ what: String, in range: ClosedRange<Int>) -> Int? {
        guard let value else { return nil }
        guard case .number(let number) = value, let integer = number.integer, range.contains(integer)
        else {
            expected(what)
            return nil
        }
        return integer
    }

    /// A number in `range`; `fallback` where nothing is here or after recording a problem; nil where null stands.
    public func limit(_ what: String, in range: ClosedRange<Double>, default fallback: Double) -> Double? {
        value == .null ? nil : number(what, in: range) ?? fallback
    }
}
