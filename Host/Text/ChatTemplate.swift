import Foundation

/// A model's chat template: Jinja source that writes messages the way the model was trained to read them.
///
/// It runs as Hugging Face transformers runs it: `trim_blocks` and `lstrip_blocks` on, Python's semantics, nothing
/// that changes a value. Macros, namespaces and loop controls are refused when it is read. A value; any number of
/// threads may render with it.
public struct ChatTemplate: Sendable {
    /// Characters of source that are read at most; published templates have some thousands.
    public static let longestSource = 250_000

    private let body: [Statement]

    /// - Throws: ``TemplateError`` with the line, of kind `syntax`, `unsupported` or `limit`.
    public init(source: String) throws(TemplateError) {
        guard source.unicodeScalars.count <= Self.longestSource else {
            throw TemplateError(
                kind: .limit, line: 1, message: "it is longer than \(Self.longestSource) characters")
        }
        body = try Parser.parse(source)
    }

    /// Renders a conversation.
    ///
    /// - Parameters:
    ///   - messages: One dict a message. Roles may be `.template` text; what came from outside has to be `.data`.
    ///   - tools: JSON schemas of functions, or nil for none.
    ///   - addGenerationPrompt: Whether to end with the beginning of the assistant's answer.
    ///   - variables: Further variables; `bos_token` and `eos_token` are usual, as `.template` text.
    ///   - now: What `strftime_now` tells, in local time.
    /// - Throws: ``TemplateError``; kind `raised` where the template refuses the messages.
    public func render(
        messages: [JinjaValue], tools: [JinjaValue]? = nil, addGenerationPrompt: Bool = true,
        variables: [String: JinjaValue] = [:], now: Date = Date()
    ) throws -> TracedText {
        var variables = variables
        variables["messages"] = .list(messages)
        variables["tools"] = tools.map { .list($0) } ?? .null
        variables["add_generation_prompt"] = .bool(addGenerationPrompt)
        return try render(variables: variables, now: now)
    }

    /// Renders with exactly these variables.
    public func render(variables: [String: JinjaValue], now: Date = Date()) throws -> TracedText {
        try Interpreter.render(body, variables: variables, now: now)
    }
}
