/// One thing wrong with a JSON document.
public struct JSONProblem: Error, Sendable, Equatable, CustomStringConvertible {
    /// `plugins[0].versions[1].library`; empty for the document.
    public let path: String
    public let expected: String
    public let found: String

    public init(path: String, expected: String, found: String) {
        self.path = path
        self.expected = expected
        self.found = found
    }

    public var description: String {
        "\(path.isEmpty ? "the document" : path): expected \(expected), found \(found)"
    }
}
