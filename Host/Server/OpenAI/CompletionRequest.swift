import Engine
import GatehouseJSON
import Modalities
import PluginHost
import Text

/// The body of `POST /v1/chat/completions`.
public struct CompletionRequest: Sendable {
    /// The model's name as the client gave it.
    public var model: String?
    public var chat: ChatRequest
    public var stream: Bool
    /// Whether a stream ends with a chunk that carries the usage.
    public var includeUsage: Bool

    /// Checks every field that it knows. Unknown fields are ignored, as clients send fields of other servers; a known
    /// one that would change the answer and is not supported yet is refused.
    public init(parsing body: [UInt8]) throws(HTTPError) {
        let root = try RequestField(body: body)
        try Self.refuseUnsupported(root)
        model = try root["model"].string()
        stream = try root["stream"].bool() ?? false
        includeUsage = try root["stream_options"].object()["include_usage"].bool() ?? false
        let newName = try root["max_completion_tokens"].integer(1...(1 << 31))
        let oldName = try root["max_tokens"].integer(1...(1 << 31))
        chat = ChatRequest(
            messages: try root["messages"].messages(), sampling: try Self.sampling(root),
            choices: try root["n"].integer(1...128) ?? 1, alternatives: try Self.alternatives(root),
            maxTokens: newName ?? oldName,
            stop: try root["stop"].stopStrings(),
            modalities: try root["gatehouse"].object(only: ["modalities"])["modalities"].modalityOptions(),
            form: try root["response_format"].answerForm(), tools: try root.tools())
        try readReasoning(root)
    }

    /// Variables of the template, and whether reasoning is told apart; both fields are taken at the top and inside
    /// `chat_template_kwargs`, as clients send them.
    private mutating func readReasoning(_ root: RequestField) throws(HTTPError) {
        let variables = try root["chat_template_kwargs"].object()
        let reserved = ["messages", "tools", "add_generation_prompt", "bos_token", "eos_token"]
        if case .object(let members)? = variables.value {
            for (name, value) in members where name != "return_reasoning" {
                if reserved.contains(name) {
                    throw variables[name].expected("no variable of the server's own")
                }
                chat.templateVariables[name] = JinjaValue(value)
            }
        }
        if let thinks = try root["enable_thinking"].bool() {
            chat.templateVariables["enable_thinking"] = .bool(thinks)
        }
        let inside = try variables["return_reasoning"].bool()
        // Where something reads the answer, thoughts are no part of it.
        chat.splitsReasoning = try root["return_reasoning"].bool() ?? inside ?? false || chat.isConstrained
    }

    static func sampling(_ root: RequestField) throws(HTTPError) -> Sampling {
        let seed = try root["seed"].integer(-(1 << 53)...(1 << 53))
        return Sampling(
            temperature: Float(try root["temperature"].number(0...2) ?? 1),
            topK: try root["top_k"].integer(0...(1 << 31)) ?? 0,
            topP: Float(try root["top_p"].number(Double(Float.leastNormalMagnitude)...1) ?? 1),
            minP: Float(try root["min_p"].number(0...1) ?? 0),
            repetitionPenalty: Float(
                try root["repetition_penalty"].number(Double(Float.leastNormalMagnitude)...10) ?? 1),
            presencePenalty: Float(try root["presence_penalty"].number(-2...2) ?? 0),
            frequencyPenalty: Float(try root["frequency_penalty"].number(-2...2) ?? 0),
            logitBias: try root["logit_bias"].logitBias(),
            seed: seed.map { UInt64(bitPattern: Int64($0)) })
    }

    /// Most likely tokens to report beside each one; nil where none is to be reported.
    private static func alternatives(_ root: RequestField) throws(HTTPError) -> Int? {
        let count = try root["top_logprobs"].integer(0...20)
        if try root["logprobs"].bool() ?? false { return count ?? 0 }
        guard count ?? 0 == 0 else {
            throw root["top_logprobs"].expected("nothing, unless \"logprobs\" is true")
        }
        return nil
    }

    /// Fields of OpenAI's API whose neutral value is fine and whose every other value would be ignored here.
    private static func refuseUnsupported(_ root: RequestField) throws(HTTPError) {
        let neutral: [String: [JSONValue]] = [
            "functions": [.array([])],
            "modalities": [.array([.string("text")])],
        ]
        for (name, values) in neutral.sorted(by: { $0.key < $1.key }) {
            guard let value = root[name].value, value != .null, !values.contains(value) else { continue }
            let supported = values.map(\.text).joined(separator: " or ")
            throw HTTPError(
                status: 400,
                message: "\(name): this version supports \(supported) only, found \(value.summary)",
                param: name, code: "unsupported_parameter")
        }
    }
}

extension RequestField {
    fileprivate func logitBias() throws(HTTPError) -> [Int32: Float] {
        guard let value else { return [:] }
        guard case .object(let members) = value, members.count <= 1024 else {
            throw expected("an object of at most 1024 token ids")
        }
        var bias: [Int32: Float] = [:]
        for id in members.keys.sorted() {
            guard let token = Int32(id), token >= 0 else {
                throw expected("token ids as names, not \"\(id.prefix(40))\"")
            }
            bias[token] = Float(try self[id].number(-100...100) ?? 0)
        }
        return bias
    }

    func stopStrings() throws(HTTPError) -> [String] {
        switch value {
        case nil: return []
        case .string?: return [try nonEmptyString()]
        default: break
        }
        var stops: [String] = []
        for element in try elements("a string or an array of strings") {
            stops.append(try element.nonEmptyString())
        }
        guard stops.count <= 16 else { throw expected("at most 16 strings") }
        return stops
    }

    fileprivate func messages() throws(HTTPError) -> [ChatMessage] {
        let elements = try elements("an array of messages")
        if elements.isEmpty { throw expected("at least one message") }
        var messages: [ChatMessage] = []
        for element in elements { messages.append(try element.message()) }
        return messages
    }

    private func message() throws(HTTPError) -> ChatMessage {
        guard case .object = value else { throw expected("a message object") }
        let name = try self["role"].string() ?? ""
        // OpenAI's newer word for the same thing.
        guard let role = ChatMessage.Role(rawValue: name == "developer" ? "system" : name) else {
            let known = ChatMessage.Role.allCases.map { "\"\($0.rawValue)\"" }.joined(separator: ", ")
            throw self["role"].expected("one of \(known), \"developer\"")
        }
        // A history that leaves it out would tell the model of another conversation.
        if let value = self["function_call"].value {
            throw HTTPError(
                status: 400,
                message: "\(self["function_call"].path): expected tool_calls instead, found \(value.summary)",
                param: self["function_call"].path, code: "unsupported_parameter")
        }
        let calls = role == .assistant ? try self["tool_calls"].toolCalls() : []
        let callID = role == .tool ? try self["tool_call_id"].nonEmptyString() : nil
        let content = self["content"]
        switch content.value {
        case .string(let text)?:
            return ChatMessage(role, [.text(text)], calls: calls, callID: callID)
        case nil where role == .assistant:
            return ChatMessage(role, [.text("")], calls: calls)
        default:
            var parts: [ChatPart] = []
            for element in try content.elements("a string or an array of parts") {
                parts.append(try element.part())
            }
            return ChatMessage(role, parts, calls: calls, callID: callID)
        }
    }

    private func part() throws(HTTPError) -> ChatPart {
        guard case .object = value else { throw expected("a content part") }
        switch try self["type"].string() {
        case "text":
            guard let text = try self["text"].string() else { throw self["text"].expected("a string") }
            return .text(text)
        case "image_url":
            return .media(try self["image_url"].object()["url"].dataURL())
        case "file":
            return .media(try self["file"].object()["file_data"].dataURL())
        case "input_audio":
            return .media(try self["input_audio"].object().audio())
        default:
            throw self["type"].expected("one of \"text\", \"image_url\", \"input_audio\", \"file\"")
        }
    }

    private func dataURL() throws(HTTPError) -> MediaPart {
        guard let text = try string() else { throw expected("a data: URL") }
        let url: DataURL
        do throws(DataURL.Problem) {
            url = try DataURL(text)
        } catch {
            throw expected(error.expected)
        }
        return try media(url.bytes, declared: url.mediaType)
    }

    private func audio() throws(HTTPError) -> MediaPart {
        let data = self["data"]
        guard let text = try data.string(), let bytes = DataURL.decode(base64: text.utf8) else {
            throw data.expected("valid base64")
        }
        guard let format = try self["format"].string(), !format.isEmpty else {
            throw self["format"].expected("a format such as \"wav\"")
        }
        return try data.media(bytes, declared: MediaType.audio(format: format))
    }

    /// A known signature decides the media type, else what the client says.
    private func media(_ bytes: [UInt8], declared: String) throws(HTTPError) -> MediaPart {
        guard !bytes.isEmpty else {
            throw HTTPError(
                status: 400, message: "\(path): the data is empty", param: path, code: "invalid_value")
        }
        return MediaPart(mediaType: MediaType.sniffed(bytes) ?? declared, bytes: bytes)
    }

    fileprivate func modalityOptions() throws(HTTPError) -> [String: ModalityOption] {
        guard let value else { return [:] }
        guard case .object(let members) = value else { throw expected("an object of plugin ids") }
        var options: [String: ModalityOption] = [:]
        for id in members.keys.sorted() { options[id] = try self[id].modalityOption() }
        return options
    }

    private func modalityOption() throws(HTTPError) -> ModalityOption {
        switch value {
        case .string("off")?: return .off
        case .string("auto")?: return .auto
        case .object?:
            _ = try object(only: ["version", "weight"])
            let version = try self["version"].string().map { (text) throws(HTTPError) -> SemanticVersion in
                guard let version = SemanticVersion(text) else {
                    throw self["version"].expected("a semantic version")
                }
                return version
            }
            let weight = try self["weight"].number(0...1)
            return .chosen(version: version, weight: weight.map { Float($0) })
        default:
            throw expected("\"off\", \"auto\", or {\"version\", \"weight\"}")
        }
    }
}
