/// Why a chat template was refused, or stopped while it was rendered.
public struct TemplateError: Error, Equatable, CustomStringConvertible {
    public enum Kind: Sendable, Equatable {
        /// The source is not Jinja.
        case syntax
        /// It is Jinja, of a kind that this interpreter does not run.
        case unsupported
        /// An expression has no value: wrong types, an attribute of something undefined.
        case evaluation
        /// The template itself called `raise_exception`.
        case raised
        /// It took more steps or wrote more text than a chat template needs.
        case limit
    }

    public var kind: Kind
    /// Line of the template, from 1.
    public var line: Int
    public var message: String

    public var description: String {
        switch kind {
        case .syntax: "chat template, line \(line): \(message)"
        case .unsupported: "chat template, line \(line): \(message) is not supported"
        case .evaluation: "chat template, line \(line): \(message)"
        case .raised: "the chat template refused the messages: \(message)"
        case .limit: "chat template, line \(line): stopped: \(message)"
        }
    }
}
