import GatehouseJSON

/// A function that a model may call.
public struct CallableFunction: Sendable {
    public var name: String
    /// The JSON Schema of its arguments.
    public var parameters: JSONValue
    /// Where the schema stands, for errors.
    public var path: String

    public init(name: String, parameters: JSONValue, path: String) {
        self.name = name
        self.parameters = parameters
        self.path = path
    }
}

/// How a model writes the call of a function: `opening`, the name, `middle`, the arguments as JSON, `closing`.
public struct CallFormat: Sendable, Equatable {
    public var opening: String
    public var middle: String
    public var closing: String
    /// What stands between calls; nil where an answer has one call at most.
    public var separator: String?
    /// Whether a call is the whole answer. Else text may stand around calls.
    public var isWholeAnswer: Bool
    /// The beginning of `opening` that text never has; empty: a name with `middle`.
    public var mark: String

    /// Of Hermes and Qwen, and of models whose template knows no tools.
    public static let tagged = CallFormat(
        opening: "<tool_call>\n{\"name\": \"", middle: "\", \"arguments\": ", closing: "}\n</tool_call>",
        separator: "\n", isWholeAnswer: false, mark: "<tool_call>")
    /// Of Llama 3: one JSON object.
    public static let object = CallFormat(
        opening: "{\"name\": \"", middle: "\", \"parameters\": ", closing: "}", separator: nil,
        isWholeAnswer: true, mark: "{\"name\": \"")
    /// Of GLM-4: the name in a line of its own.
    public static let line = CallFormat(
        opening: "", middle: "\n", closing: "", separator: nil, isWholeAnswer: true, mark: "")
}

extension Grammar {
    /// Answers that call functions with arguments that fit their schemas.
    ///
    /// - Parameters:
    ///   - isRequired: Whether the answer is nothing but calls. Else it may be text, with calls in it or without.
    ///   - allowsSeveral: Whether there may be more than one.
    ///   - answer: What an answer without calls has to fit, instead of being any text.
    ///   - opened: The tag that closes what the prompt has opened: the answer begins with any text up to it.
    /// - Throws: ``SchemaError`` where a schema is wrong, or has what is not supported.
    public init(
        calls functions: [CallableFunction], format: CallFormat, isRequired: Bool, allowsSeveral: Bool,
        answer: (schema: JSONValue, path: String)? = nil, closing opened: String? = nil
    ) throws(SchemaError) {
        var builder = GrammarBuilder()
        var arguments: [Int32] = []
        for function in functions {
            try SchemaCheck.check(function.parameters, at: function.path)
            // Arguments are an object, also where the schema leaves that open.
            let schema = JSONValue.object([
                "allOf": .array([function.parameters, .object(["type": .string("object")])])
            ])
            var compiler = SchemaCompiler(function.parameters, isClosed: true, builder: builder)
            arguments.append(try compiler.rule(for: schema, at: function.path))
            builder = compiler.builder
        }
        var answerRule: Int32?
        if let answer {
            try SchemaCheck.check(answer.schema, at: answer.path)
            var compiler = SchemaCompiler(answer.schema, isClosed: true, builder: builder)
            answerRule = try compiler.rule(for: answer.schema, at: answer.path)
            builder = compiler.builder
        }
        do throws(SchemaProblem) {
            let call = try builder.rule()
            let marks = format.mark.isEmpty ? functions.map { $0.name + format.middle } : [format.mark]
            let several = allowsSeveral ? format.separator : nil
            let root = try builder.rule()
            var start = builder.start(of: root)
            if let opened {
                let thought = try builder.text(without: [opened], onlyAtStart: false, from: start)
                let closed = try builder.literal(opened, from: thought)
                start = try builder.embed(.repeated(.text("\n"), min: 0, max: 2), from: closed)
            }
            if isRequired || answerRule != nil {
                if let answerRule, !isRequired {
                    builder.end(try builder.call(answerRule, from: start))
                }
                let after = try builder.call(call, from: start)
                builder.end(after)
                if let several {
                    builder.call(call, from: try builder.literal(several, from: after), to: after)
                }
            } else {
                let text = try builder.text(without: marks, onlyAtStart: format.isWholeAnswer, from: start)
                builder.end(text)
                // What must be the whole answer cannot follow any text.
                let after = try builder.call(call, from: format.isWholeAnswer ? start : text)
                builder.end(after)
                if several != nil {
                    let text = try builder.text(without: marks, onlyAtStart: false, from: after)
                    builder.end(text)
                    builder.call(call, from: text, to: after)
                }
            }
            for (function, rule) in zip(functions, arguments) {
                let begun = try builder.literal(
                    format.opening + function.name + format.middle, from: builder.start(of: call))
                let made = try builder.call(rule, from: begun)
                builder.end(try builder.literal(format.closing, from: made))
            }
            self = builder.grammar(root: root)
        } catch {
            throw SchemaError("tools", error)
        }
        for (function, rule) in zip(functions, arguments)
        where distances[Int(starts[Int(rule)])] >= Self.endless {
            throw SchemaError(function.path, SchemaError.nothingFits)
        }
        try check(at: answer?.path ?? "tools")
    }
}

extension GrammarBuilder {
    /// The state after any bytes in which none of the marks stands, or with none of which they begin.
    fileprivate mutating func text(
        without marks: [String], onlyAtStart: Bool, from start: Int32
    ) throws(SchemaProblem) -> Int32 {
        let anything = Expression.repeated(.bytes(0...255), min: 0, max: nil)
        let mark = Expression.choice(marks.map { .text($0) })
        let marked = Expression.sequence((onlyAtStart ? [] : [anything]) + [mark, anything])
        let text = try DeterministicAutomaton(anything).subtracting(try DeterministicAutomaton(marked))
        return try embed(text, from: start, marking: { $0.isFree = true })
    }
}
