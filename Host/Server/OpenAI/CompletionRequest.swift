import Engine
import Foundation
import Modalities
import PluginHost

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
        let document: JSONValue
        do {
            document = try JSONValue(parsing: Data(body))
        } catch {
            throw HTTPError(status: 400, message: "The body is not JSON: \(error)", code: "invalid_json")
        }
        guard case .object = document else {
            throw HTTPError(
                status: 400, message: "The body: expected a JSON object, found \(document.summary)",
                code: "invalid_json")
        }
        let root = Field(document, "")
        try Self.refuseUnsupported(root)
        model = try root["model"].string()
        stream = try root["stream"].bool() ?? false
        includeUsage = try root["stream_options"]["include_usage"].bool() ?? false
        let newName = try root["max_completion_tokens"].integer(1...(1 << 31))
        let oldName = try root["max_tokens"].integer(1...(1 << 31))
        chat = ChatRequest(
            messages: try root["messages"].messages(), sampling: try Self.sampling(root),
            maxTokens: newName ?? oldName,
            stop: try root["stop"].stopStrings(),
            modalities: try root["gatehouse"]["modalities"].modalityOptions())
    }

    private static func sampling(_ root: Field) throws(HTTPError) -> Sampling {
        let seed = try root["seed"].integer(-(1 << 53)...(1 << 53))
        return Sampling(
            temperature: Float(try root["temperature"].number(0...2) ?? 1),
            topK: try root["top_k"].integer(0...(1 << 31)) ?? 0,
            topP: Float(try root["top_p"].number(Double(Float.leastNormalMagnitude)...1) ?? 1),
            minP: Float(try root["min_p"].number(0...1) ?? 0),
            seed: seed.map { UInt64(bitPattern: Int64($0)) })
    }

    /// Fields of OpenAI's API whose neutral value is fine and whose every other value would be ignored here.
    private static func refuseUnsupported(_ root: Field) throws(HTTPError) {
        let neutral: [String: [JSONValue]] = [
            "n": [.number(1)], "logprobs": [.bool(false)], "top_logprobs": [.number(0)],
            "presence_penalty": [.number(0)], "frequency_penalty": [.number(0)], "logit_bias": [.object([:])],
            "tools": [.array([])], "tool_choice": [.string("none"), .string("auto")],
            "functions": [.array([])],
            "response_format": [.object(["type": .string("text")])],
            "modalities": [.array([.string("text")])],
        ]
        for (name, values) in neutral.sorted(by: { $0.key < $1.key }) {
            guard let value = root[name].value, value != .null, !values.contains(value) else { continue }
            throw HTTPError(
                status: 400,
                message: "\(name): this version supports \(values[0].text) only, found \(value.summary)",
                param: name, code: "unsupported_parameter")
        }
    }
}

/// A place in the body. Reading throws the error that the client sees.
private struct Field {
    /// nil where the body has nothing, or null, here.
    let value: JSONValue?
    let path: String

    init(_ value: JSONValue?, _ path: String) {
        self.value = value == .null ? nil : value
        self.path = path
    }

    subscript(key: String) -> Field {
        Field(value?[key], path.isEmpty ? key : "\(path).\(key)")
    }

    func expected(_ what: String) -> HTTPError {
        HTTPError(
            status: 400, message: "\(path): expected \(what), found \(value?.summary ?? "nothing")",
            param: path,
            code: "invalid_value")
    }

    func string() throws(HTTPError) -> String? {
        guard let value else { return nil }
        guard case .string(let text) = value else { throw expected("a string") }
        return text
    }

    func bool() throws(HTTPError) -> Bool? {
        guard let value else { return nil }
        guard case .bool(let bool) = value else { throw expected("true or false") }
        return bool
    }

    func number(_ range: ClosedRange<Double>) throws(HTTPError) -> Double? {
        guard let value else { return nil }
        guard case .number(let number) = value, range.contains(number) else {
            let low =
                range.lowerBound == Double(Float.leastNormalMagnitude)
                ? "above 0" : "from \(range.lowerBound)"
            throw expected("a number \(low) to \(range.upperBound)")
        }
        return number
    }

    func integer(_ range: ClosedRange<Int>) throws(HTTPError) -> Int? {
        guard let value else { return nil }
        guard case .number(let number) = value, let integer = Int(exactly: number), range.contains(integer)
        else {
            throw expected("a whole number from \(range.lowerBound) to \(range.upperBound)")
        }
        return integer
    }

    func elements(_ what: String) throws(HTTPError) -> [Field] {
        guard case .array(let values) = value else { throw expected(what) }
        return values.enumerated().map { Field($1, "\(path)[\($0)]") }
    }

    func stopStrings() throws(HTTPError) -> [String] {
        switch value {
        case nil: return []
        case .string(let text)? where !text.isEmpty: return [text]
        default: break
        }
        var stops: [String] = []
        for element in try elements("a string or an array of strings") {
            guard let text = try element.string(), !text.isEmpty else {
                throw element.expected("a string of a character or more")
            }
            stops.append(text)
        }
        guard stops.count <= 16 else { throw expected("at most 16 strings") }
        return stops
    }

    func messages() throws(HTTPError) -> [ChatMessage] {
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
        let content = self["content"]
        switch content.value {
        case .string(let text)?:
            return ChatMessage(role, [.text(text)])
        case nil where role == .assistant:
            return ChatMessage(role, [.text("")])
        default:
            var parts: [ChatPart] = []
            for element in try content.elements("a string or an array of parts") {
                parts.append(try element.part())
            }
            return ChatMessage(role, parts)
        }
    }

    private func part() throws(HTTPError) -> ChatPart {
        guard case .object = value else { throw expected("a content part") }
        switch try self["type"].string() {
        case "text":
            guard let text = try self["text"].string() else { throw self["text"].expected("a string") }
            return .text(text)
        case "image_url":
            return .media(try self["image_url"]["url"].dataURL())
        case "file":
            return .media(try self["file"]["file_data"].dataURL())
        case "input_audio":
            let audio = self["input_audio"]
            guard let data = try audio["data"].string() else { throw audio["data"].expected("base64 data") }
            let format = try audio["format"].string()
            return .media(
                try audio["data"].media(base64: data, declared: format.map(MediaType.audio(format:))))
        default:
            throw self["type"].expected("one of \"text\", \"image_url\", \"input_audio\", \"file\"")
        }
    }

    /// RFC 2397.
    private func dataURL() throws(HTTPError) -> MediaPart {
        guard let url = try string() else { throw expected("a data: URL") }
        guard url.prefix(5).lowercased() == "data:", let comma = url.firstIndex(of: ",") else {
            throw HTTPError(
                status: 400,
                message: "\(path): expected a data: URL with the bytes in it, found \"\(url.prefix(60))\"",
                param: path, code: "invalid_value")
        }
        let header = url[url.index(url.startIndex, offsetBy: 5)..<comma]
        let data = url[url.index(after: comma)...]
        let declared = MediaType.normalised(String(header))
        if header.lowercased().hasSuffix(";base64") {
            return try media(base64: String(data), declared: declared)
        }
        guard let text = data.removingPercentEncoding else { throw expected("percent-encoded data") }
        return try media([UInt8](text.utf8), declared: declared ?? "text/plain")
    }

    private func media(base64: String, declared: String?) throws(HTTPError) -> MediaPart {
        guard let data = Data(base64Encoded: base64) else {
            throw HTTPError(
                status: 400, message: "\(path): the data is not valid base64", param: path,
                code: "invalid_value")
        }
        return try media([UInt8](data), declared: declared)
    }

    /// A known signature decides the media type, else what the client says.
    private func media(_ bytes: [UInt8], declared: String?) throws(HTTPError) -> MediaPart {
        if bytes.isEmpty {
            throw HTTPError(
                status: 400, message: "\(path): the data is empty", param: path, code: "invalid_value")
        }
        guard let type = MediaType.sniffed(bytes) ?? declared else {
            throw HTTPError(
                status: 400, message: "\(path): neither the data nor the URL tells a media type", param: path,
                code: "invalid_value")
        }
        return MediaPart(mediaType: type, bytes: bytes)
    }

    func modalityOptions() throws(HTTPError) -> [String: ModalityOption] {
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
        case .object(let members)?:
            for key in members.keys.sorted() where !["version", "weight"].contains(key) {
                throw self[key].expected("version or weight")
            }
            let version = try self["version"].string().map { (text) throws(HTTPError) -> SemanticVersion in
                guard let version = SemanticVersion(text) else {
                    throw self["version"].expected("a semantic version")
                }
                return version
            }
            let weight = try self["weight"].number(0...1)
            guard weight == nil || weight == 0 || weight == 1 else {
                throw self["weight"].expected("0 or 1: this version weighs no part in between")
            }
            return .chosen(version: version, weight: weight.map { Float($0) })
        default:
            throw expected("\"off\", \"auto\", or {\"version\", \"weight\"}")
        }
    }
}
