/// Why there is no automaton for a schema, where the place is not known yet.
enum SchemaProblem: Error {
    case tooComplex
    /// A regular expression has something that is not supported.
    case pattern(String)
}

/// Why a schema cannot be held to: one line that names the place.
public struct SchemaError: Error, Equatable, CustomStringConvertible {
    /// `schema.properties.name.pattern`.
    public let path: String
    /// What is wrong with it.
    public let problem: String

    public var description: String { "\(path): \(problem)" }

    static let leftRecursion = "it refers to itself without anything in between"
    static let nothingFits = "no value of finite length fits it"

    init(_ path: String, _ problem: String) {
        self.path = path
        self.problem = problem
    }

    init(_ path: String, _ problem: SchemaProblem) {
        switch problem {
        case .tooComplex:
            self.init(path, "its automaton is too large: bounds and patterns have to be smaller")
        case .pattern(let found): self.init(path, "\(found) is not supported in a pattern")
        }
    }
}
