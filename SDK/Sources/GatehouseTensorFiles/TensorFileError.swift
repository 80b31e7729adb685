/// Why a file of tensors was refused: what of it was wrong, what was expected and what was found.
public struct TensorFileError: Error, Equatable, Sendable, CustomStringConvertible {
    public var path: String
    /// The tensor, field or part of the file that is wrong.
    public var field: String
    public var expected: String
    public var found: String

    public init(path: String, field: String, expected: String, found: String) {
        self.path = path
        self.field = field
        self.expected = expected
        self.found = found
    }

    public var description: String {
        "\(path): \(field): expected \(expected), found \(found)"
    }
}
