import Constraints
import Fusion
import GatehouseJSON

extension RequestField {
    /// `tools`, `tool_choice` and `parallel_tool_calls` of a body; nil where it has no tools.
    func tools() throws(HTTPError) -> ChatTools? {
        let list = self["tools"]
        var functions: [CallableFunction] = []
        var definitions: [JSONValue] = []
        if list.value != nil {
            let elements = try list.elements("an array of tools")
            guard elements.count <= 128 else { throw list.expected("at most 128 tools") }
            for element in elements {
                let function = try element.function()
                if functions.contains(where: { $0.name == function.name }) {
                    throw element["function"]["name"].expected("a name that no other function has")
                }
                functions.append(function)
                definitions.append(element.value ?? .null)
            }
        }
        let choice = try self["tool_choice"].toolChoice(functions.map(\.name))
        let allowsSeveral = try self["parallel_tool_calls"].bool() ?? true
        guard !functions.isEmpty else { return nil }
        return ChatTools(
            definitions: definitions, functions: functions, choice: choice ?? .auto,
            allowsSeveral: allowsSeveral)
    }

    private func function() throws(HTTPError) -> CallableFunction {
        guard try object()["type"].string() == "function" else { throw self["type"].expected("\"function\"") }
        let function = try self["function"].object()
        let parameters = try function["parameters"].object()
        return CallableFunction(
            name: try function["name"].functionName(), parameters: parameters.value ?? .object([:]),
            path: parameters.path)
    }

    private func functionName() throws(HTTPError) -> String {
        let name = try string() ?? ""
        let isName = name.utf8.allSatisfy { byte in
            Character(Unicode.Scalar(byte)).isLetter && byte < 0x80 || (0x30...0x39).contains(byte)
                || byte == UInt8(ascii: "_") || byte == UInt8(ascii: "-")
        }
        guard isName, (1...64).contains(name.utf8.count) else {
            throw expected("a name of 1 to 64 letters, digits, _ and -")
        }
        return name
    }

    private func toolChoice(_ names: [String]) throws(HTTPError) -> ChatTools.Choice? {
        switch value {
        case nil: return nil
        case .string("none")?: return ChatTools.Choice.none
        case .string("auto")?: return .auto
        case .string("required")?:
            guard !names.isEmpty else { throw expected("\"none\" or \"auto\" where there are no tools") }
            return .required
        case .object?:
            guard try self["type"].string() == "function" else {
                throw self["type"].expected("\"function\"")
            }
            let field = try self["function"].object()["name"]
            guard let name = try field.string(), names.contains(name) else {
                throw field.expected("the name of one of the tools")
            }
            return .function(name)
        default: throw expected("\"none\", \"auto\", \"required\", or a function of the tools")
        }
    }

    /// `tool_calls` of an assistant's message.
    func toolCalls() throws(HTTPError) -> [FunctionCall] {
        guard value != nil else { return [] }
        var calls: [FunctionCall] = []
        for element in try elements("an array of calls") {
            let kind = element["type"]
            guard try kind.string() ?? "function" == "function" else { throw kind.expected("\"function\"") }
            let function = try element["function"].object()
            guard let arguments = try function["arguments"].string() else {
                throw function["arguments"].expected("a string of JSON")
            }
            calls.append(
                FunctionCall(
                    id: try element["id"].nonEmptyString(), name: try function["name"].functionName(),
                    arguments: arguments))
        }
        return calls
    }

    /// `response_format`.
    func answerForm() throws(HTTPError) -> AnswerForm {
        guard value != nil else { return .text }
        switch try object()["type"].string() {
        case "text": return .text
        case "json_object": return .object
        case "json_schema":
            let format = try self["json_schema"].object()
            _ = try format["strict"].bool()
            let schema = format["schema"]
            guard let value = try schema.object().value else { throw schema.expected("a JSON Schema") }
            return .schema(value, path: schema.path)
        default: throw self["type"].expected("one of \"text\", \"json_object\", \"json_schema\"")
        }
    }
}
