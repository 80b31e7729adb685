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
    /// Pictures that ``fetchLinks(by:)`` has yet to put into ``chat``.
    private(set) var links: [MediaLink]

    /// Checks every field that it knows. Unknown fields are ignored, as clients send fields of other servers; a known
    /// one that would change the answer and is not supported yet is refused. `Docs/API.md` lists them.
    ///
    /// - Parameter takesLinks: Whether pictures may be at addresses.
    public init(
        parsing body: [UInt8], limits: RequestLimits = RequestLimits(), takesLinks: Bool = false
    ) throws(HTTPError) {
        let root = try RequestField(body: body)
        try Self.refuseUnsupported(root)
        try root.checkBystanders()
        model = try root["model"].string()
        stream = try root["stream"].bool() ?? false
        includeUsage = try root.includesUsage()
        let newName = try root["max_completion_tokens"].integer(1...(1 << 31))
        let oldName = try root["max_tokens"].integer(1...(1 << 31))
        var reader = PartReader(limits: limits, takesLinks: takesLinks)
        let messages = try root["messages"].messages(&reader)
        links = reader.links
        chat = ChatRequest(
            messages: messages, sampling: try Self.sampling(root),
            choices: try root["n"].integer(1...limits.choices) ?? 1,
            alternatives: try Self.alternatives(root),
            maxTokens: newName ?? oldName,
            stop: try root["stop"].stopStrings(),
            modalities: try root["gatehouse"].object(only: ["modalities"])["modalities"].modalityOptions(),
            form: try root["response_format"].answerForm(), tools: try root.tools())
        try readReasoning(root)
    }

    /// Fetches the pictures that are at addresses and puts them in their places.
    mutating func fetchLinks(by fetcher: MediaFetcher, limits: RequestLimits) async throws {
        let links = links
        let fetched = try await withThrowingTaskGroup(of: (MediaLink, MediaPart).self) { group in
            for link in links {
                group.addTask { (link, try await fetcher.fetch(link, most: limits.partBytes)) }
            }
            var fetched: [(MediaLink, MediaPart)] = []
            for try await one in group { fetched.append(one) }
            return fetched
        }
        for (link, media) in fetched { chat.messages[link.message].parts[link.part] = .media(media) }
        self.links = []
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
        if let effort = try root["reasoning_effort"].string() {
            chat.templateVariables["reasoning_effort"] = JinjaValue(.string(effort))
            if effort == "none" { chat.templateVariables["enable_thinking"] = .bool(false) }
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
            "audio": [],
            "function_call": [.string("none"), .string("auto")],
            "functions": [.array([])],
            "modalities": [.array([.string("text")])],
            "web_search_options": [],
        ]
        for (name, values) in neutral.sorted(by: { $0.key < $1.key }) {
            guard let value = root[name].value, value != .null, !values.contains(value) else { continue }
            let supported =
                values.isEmpty ? "nothing" : values.map(\.text).joined(separator: " or ")
            throw HTTPError(
                status: 400,
                message:
                    "\(name): expected \(supported), as this server does no more, found \(value.summary)",
                param: name, code: "unsupported_parameter")
        }
    }
}

extension RequestField {
    /// Whether a stream is to end with the usage.
    func includesUsage() throws(HTTPError) -> Bool {
        let options = try self["stream_options"].object()
        // Padding against those who measure encrypted streams; there is none here.
        _ = try options["include_obfuscation"].bool()
        return try options["include_usage"].bool() ?? false
    }

    fileprivate func logitBias() throws(HTTPError) -> [Int32: Float] {
        guard let value else { return [:] }
        guard case .object(let members) = value, members.count <= 1024 else {
            throw expected("an object of at most 1024 token ids")
        }
        var bias: [Int32: Float] = [:]
        for id in members.keys.sorted() {
            guard id.utf8.count <= 9, id.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
                let token = Int32(id)
            else {
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

    fileprivate func messages(_ reader: inout PartReader) throws(HTTPError) -> [ChatMessage] {
        let elements = try elements("an array of messages")
        if elements.isEmpty { throw expected("at least one message") }
        var messages: [ChatMessage] = []
        for element in elements { messages.append(try element.message(messages.count, &reader)) }
        return messages
    }

    private func message(_ number: Int, _ reader: inout PartReader) throws(HTTPError) -> ChatMessage {
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
                parts.append(try reader.part(element, message: number, number: parts.count))
            }
            return ChatMessage(role, parts, calls: calls, callID: callID)
        }
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
