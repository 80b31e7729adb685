import Constraints
import Fusion
import GatehouseJSON
import TestSupport
import Testing
import Text

/// How models are told of tools.
@Suite struct ToolTests {
    /// Lists tools and writes calls as models of Hermes' and Qwen's kind read them.
    static let tagged = """
        {% if tools %}Tools:{% for tool in tools %}
        {{ tool | tojson }}{% endfor %}
        {% endif %}{% for message in messages %}[{{ message.role }}] {{ message.content }}\
        {% for call in message.tool_calls or [] %}<tool_call>
        {"name": "{{ call.function.name }}", "arguments": {{ call.function.arguments | tojson }}}
        </tool_call>{% endfor %}
        {% endfor %}
        """
    static let object = """
        {% if tools %}{{ tools | tojson }}{% endif %}{% for message in messages %}[{{ message.role }}] \
        {% if message.tool_calls %}{"name": "{{ message.tool_calls[0].function.name }}", "parameters": \
        {{ message.tool_calls[0].function.arguments | tojson }}}{% else %}{{ message.content }}{% endif %}{% endfor %}
        """
    static let line = """
        {% if tools %}{% for tool in tools %}## {{ tool.function.name }}{% endfor %}{% endif %}\
        {% for message in messages %}<|{{ 'observation' if message.role == 'tool' else message.role }}|>\
        {{ message.content }}{% endfor %}
        """
    static let none = "{% for message in messages %}[{{ message.role }}] {{ message.content }}{% endfor %}"
    /// Lists tools for calls of a form that is not known.
    static let strange = "{{ tools | tojson }}" + none

    @Test(arguments: [
        (tagged, CallFormat.tagged, true, true), (object, .object, true, true), (line, .line, true, false),
        (none, .tagged, false, false), (strange, .tagged, false, false),
    ])
    func theFormatIsTheTemplates(source: String, format: CallFormat, lists: Bool, writes: Bool) throws {
        let tools = ToolTemplate(try ChatTemplate(source: source), variables: [:])
        #expect(tools.format == format)
        #expect(tools.listsTools == lists && tools.writesCalls == writes)
    }

    /// The default model's template knows nothing of tools.
    @Test func aModelWithoutToolsIsToldInASystemText() throws {
        let model = try DefaultModel.open()
        let fusion = try Fusion(model)
        let tool = JSONValue.object([
            "type": .string("function"), "function": .object(["name": .string("clock")]),
        ])
        func text(_ messages: [FusedMessage], tools: [JSONValue]) throws -> String {
            let ids = try fusion.prompt(messages, tools: tools).pieces.flatMap { piece -> [Int32] in
                if case .tokens(let ids) = piece { ids } else { [] }
            }
            return ids.map {
                model.tokenizer.piece(of: $0) == "<|im_end|>" ? "|" : model.tokenizer.decode([$0])
            }
            .joined()
        }
        let user = FusedMessage(role: "user", parts: [.text("What time is it?")])
        let call = FunctionCall(id: "1", name: "clock", arguments: "{\"zone\": \"UTC\"}")
        let messages = [
            FusedMessage(role: "system", parts: [.text("Be brief.")]), user,
            FusedMessage(role: "assistant", parts: [.text("")], calls: [call, call]),
            FusedMessage(role: "tool", parts: [.text("12:00")], callID: "1"),
            FusedMessage(role: "tool", parts: [.text("12:01")], callID: "1"),
        ]
        let told = try text(messages, tools: [tool])
        #expect(told.hasPrefix("system\nBe brief.\nYou can call functions."))
        #expect(told.contains(tool.text))
        #expect(
            told.contains(
                "<tool_call>\n{\"name\": \"clock\", \"arguments\": {\"zone\": \"UTC\"}}\n</tool_call>\n<tool_call>"
            ))
        #expect(
            told.contains(
                "user\n<tool_response>\n12:00\n</tool_response>\n<tool_response>\n12:01\n</tool_response>|"))
        #expect(try text([user], tools: [tool]).hasPrefix("system\nYou can call functions."))
        #expect(!(try text([user], tools: [])).contains("function"))
    }
}
