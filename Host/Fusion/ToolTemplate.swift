import Constraints
import GatehouseJSON
import Text

/// A call of a function, as it stands in a conversation.
public struct FunctionCall: Sendable, Equatable {
    public var id: String
    public var name: String
    /// JSON, as the model wrote it.
    public var arguments: String

    public init(id: String, name: String, arguments: String) {
        self.id = id
        self.name = name
        self.arguments = arguments
    }
}

/// What a model's template does with tools.
package struct ToolTemplate: Sendable {
    /// How the model writes calls.
    package let format: CallFormat
    /// Whether the template lists the tools. Else a system text does.
    package let listsTools: Bool
    /// Whether it writes the calls of earlier answers.
    package let writesCalls: Bool

    private static let name = "gatehouse_probe"

    /// Tries with a function of its own what the template makes of it.
    package init(_ template: ChatTemplate?, variables: [String: JinjaValue]) {
        let function = JSONValue.object([
            "type": .string("function"),
            "function": .object([
                "name": .string(Self.name), "description": .string(""),
                "parameters": .object(["type": .string("object"), "properties": .object([:])]),
            ]),
        ])
        func render(_ messages: [JinjaValue]) -> String {
            let rendered = try? template?.render(
                messages: messages, tools: [JinjaValue(function)], variables: variables)
            return rendered?.string ?? ""
        }
        let question = JinjaValue.dict(["role": .template("user"), "content": .data("?")])
        let call = FunctionCall(id: "call", name: Self.name, arguments: "{\"k\": \"v\"}")
        let answer = JinjaValue.dict([
            "role": .template("assistant"), "content": .data(""), "tool_calls": .list([Self.value(of: call)]),
        ])
        let result = JinjaValue.dict([
            "role": .template("tool"), "content": .data("r"), "name": .data(Self.name),
            "tool_call_id": .data("call"),
        ])
        let listed = render([question]).contains(Self.name)
        let called = render([question, answer])
        let observed = render([question, answer, result])

        let known: CallFormat? =
            if called.contains(CallFormat.tagged.opening + Self.name + CallFormat.tagged.middle) {
                .tagged
            } else if called.contains(CallFormat.object.opening + Self.name + CallFormat.object.middle) {
                .object
            } else if observed.contains("<|observation|>") {
                .line
            } else {
                nil
            }
        listsTools = listed && known != nil
        format = listsTools ? known ?? .tagged : .tagged
        writesCalls = called.contains("\"k\"")
    }

    /// A call as templates take it.
    static func value(of call: FunctionCall) -> JinjaValue {
        // Templates write arguments as JSON; what is none is written as the text that it is.
        let arguments =
            (try? JSONValue(parsing: call.arguments.utf8)).map { JinjaValue($0) } ?? .data(call.arguments)
        return .dict([
            "id": .data(call.id), "type": .template("function"),
            "function": .dict(["name": .data(call.name), "arguments": arguments]),
        ])
    }

    /// The messages as the template can take them: tools in a system text, calls and results as text where it knows
    /// none of them.
    func prepare(_ messages: [FusedMessage], tools: [JSONValue]) -> [FusedMessage] {
        var prepared: [FusedMessage] = []
        for message in messages {
            var message = message
            if !writesCalls, !message.calls.isEmpty {
                let calls = message.calls.map {
                    format.opening + $0.name + format.middle + $0.arguments + format.closing
                }
                message.parts.removeAll { if case .text("") = $0 { true } else { false } }
                message.parts.append(.text(calls.joined(separator: format.separator ?? "\n")))
                message.calls = []
            }
            if !listsTools, message.role == "tool" {
                message.role = "user"
                message.parts = [.text("<tool_response>")] + message.parts + [.text("</tool_response>")]
                // Results of one answer's calls are one turn.
                if let last = prepared.last, last.role == "user", last.callID != nil {
                    prepared[prepared.count - 1].parts += message.parts
                    continue
                }
            }
            prepared.append(message)
        }
        guard !listsTools, !tools.isEmpty else { return prepared }
        let text = FusedPart.text(Self.instructions(tools))
        if let first = prepared.first, first.role == "system" {
            prepared[0].parts.append(text)
        } else {
            prepared.insert(FusedMessage(role: "system", parts: [text]), at: 0)
        }
        return prepared
    }

    /// What tells a model of tools whose template does not.
    private static func instructions(_ tools: [JSONValue]) -> String {
        """
        You can call functions. Each line here describes one, with a JSON Schema of its arguments:
        \(tools.map(\.text).joined(separator: "\n"))
        To call a function, answer with its name and arguments in this form:
        <tool_call>
        {"name": "NAME", "arguments": {"ARGUMENT": VALUE}}
        </tool_call>
        Its result comes back between <tool_response> and </tool_response>.
        """
    }
}
