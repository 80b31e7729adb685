import Decoder

/// Why the engine refused a request or ended it.
public enum EngineError: Error, Equatable, Sendable, CustomStringConvertible {
    case emptyPrompt
    case contextExceeded(promptTokens: Int, context: Int)
    case promptTooLong(tokens: Int, limit: Int)
    /// The pool can never hold the request, even alone.
    case poolTooSmall(tokens: Int, poolTokens: Int)
    case segmentWidth(expected: Int, found: Int)
    case segmentNotFinite
    /// A row of a segment lies outside of its grid, or the grid has no or too great an extent.
    case segmentPosition(String)
    /// A number of the request or the options is out of range.
    case badValue(field: String, expected: String, found: String)
    /// The shortest answer that the constraint allows has more tokens than may be written.
    case answerTooLong(tokens: Int, limit: Int)
    /// The model's vocabulary cannot write any answer that the constraint allows.
    case noAnswer
    case queueFull(limit: Int)
    case notFinite(position: Int)
    case stopped

    public var description: String {
        switch self {
        case .emptyPrompt:
            "the prompt is empty: it needs at least one token"
        case .contextExceeded(let promptTokens, let context):
            "the prompt takes \(promptTokens) tokens, but the context holds \(context): shorten the prompt"
        case .promptTooLong(let tokens, let limit):
            "the prompt takes \(tokens) tokens, but this server reads \(limit) at most: shorten the prompt"
        case .poolTooSmall(let tokens, let poolTokens):
            "the request may take \(tokens) tokens, but all pages together hold \(poolTokens): ask for fewer tokens"
        case .segmentWidth(let expected, let found):
            "the rows of a segment are \(found) wide, but the decoder's are \(expected)"
        case .segmentNotFinite:
            "the rows of a segment hold a value that is not finite"
        case .segmentPosition(let problem):
            "the positions of a segment: \(problem)"
        case .badValue(let field, let expected, let found):
            "\(field): expected \(expected), found \(found)"
        case .answerTooLong(let tokens, let limit):
            "the shortest answer of the form asked for may take \(tokens) tokens, but only \(limit) may be written"
        case .noAnswer:
            "the model has no tokens for an answer of the form asked for"
        case .queueFull(let limit):
            "\(limit) requests are waiting already: try again later"
        case .notFinite(let position):
            "the model computed no finite logits at position \(position)"
        case .stopped:
            "the engine was stopped"
        }
    }
}
