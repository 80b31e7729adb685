import GatehouseJSON
import Modalities
import PluginHost

/// The doors for sound alone: files at `POST /v1/audio/transcriptions`, and live at `GET /v1/realtime`. No decoder has a part in
/// them.
public struct TranscriptionService: Sendable {
    private let live: LiveRegistry
    private let models: OpenAIService.ModelNames
    private let access: AccessControl
    private let limits: RequestLimits

    public init(
        _ live: LiveRegistry, models: OpenAIService.ModelNames, access: AccessControl = AccessControl(nil),
        limits: RequestLimits = RequestLimits()
    ) {
        self.live = live
        self.models = models
        self.access = access
        self.limits = limits
    }

    public func addRoutes(to router: inout HTTPRouter) {
        router.on("POST", "/v1/audio/transcriptions", asking: "file", answering: transcribe)
        router.on("GET", "/v1/realtime", answering: listen)
    }

    private func listen(_ request: HTTPRequest) throws(HTTPError) -> HTTPResponse {
        let model = try models.resolve(request.query.first { $0.name == "model" }?.value)
        let client = try access.admit(request)
        return WebSocket.response(to: request, speaking: "realtime") { socket in
            // One of its key's requests until the conversation ends.
            defer { withExtendedLifetime(client) {} }
            var session = RealtimeSession(
                socket, live: live, origin: RequestOrigin(request, from: client, model: model))
            return try await session.run()
        }
    }

    private func transcribe(_ http: HTTPRequest) async throws -> HTTPResponse {
        let request = try TranscriptionRequest(parsing: http.body, contentType: http.headers["Content-Type"])
        try limits.check(bytes: request.sound.bytes.count, at: "file")
        let model = try models.resolve(request.model)
        let client = try access.admit(http)
        var origin = RequestOrigin(http, from: client, model: model)
        origin.trafficPoint = TrafficPoint.of(
            key: origin.bearerToken, first: ChatMessage(.user, [.media(request.sound)]))
        guard
            let (plugin, version) = try Router(live.current).listener(
                mediaType: request.sound.mediaType, bytes: request.sound.bytes.count, origin: origin)
        else {
            throw HTTPError(
                status: 400, message: "file: a rule of the registry switches \(request.sound.mediaType) off",
                param: "file", code: "unsupported_media_type")
        }
        if request.stream { return stream(request.sound, plugin, version, client) }
        let transcript = try await transcript(
            try EncodeInput([request.sound]), plugin, version)
        if request.format.needsTimes, transcript.words.isEmpty, !transcript.text.isEmpty {
            throw HTTPError(
                status: 400,
                message:
                    "response_format: \(request.format.rawValue) needs times, and plugin \(plugin.id) gives none",
                param: "response_format", code: "no_timestamps")
        }
        let text = transcript.written(
            as: request.format, language: request.language, withWords: request.withWords,
            withSegments: request.withSegments)
        var response = HTTPResponse(
            headers: ["Content-Type": request.format.contentType], body: .bytes(Array(text.utf8)))
        response.headers.append(client.headers)
        return response
    }

    private func transcript(
        _ input: EncodeInput, _ plugin: RegisteredPlugin, _ version: RegisteredVersion
    ) async throws -> Transcript {
        let encoded = try await live.supervisor.encode(input, plugin: plugin, version: version)
        guard let transcript = Transcript(encoded.segments) else {
            throw HTTPError(
                status: 400, message: "file: plugin \(plugin.id) makes rows for the decoder, and no text",
                param: "file", code: "no_transcript")
        }
        return transcript
    }

    /// OpenAI's `transcript.text.delta` for each segment that the plugin ends, and `transcript.text.done`.
    private func stream(
        _ sound: MediaPart, _ plugin: RegisteredPlugin, _ version: RegisteredVersion,
        _ client: AccessControl.Client
    ) -> HTTPResponse {
        ServerSentEvents.answer(to: client, asking: "file") { events in
            let (texts, told) = AsyncStream<String>.makeStream()
            var input = try EncodeInput([sound])
            input.text = { told.yield($0) }
            let call = input
            try await withThrowingTaskGroup(of: Transcript?.self) { group in
                group.addTask {
                    defer { told.finish() }
                    return try await transcript(call, plugin, version)
                }
                group.addTask {
                    var sent = ""
                    for await text in texts {
                        let gap = sent.last?.isWhitespace == false && text.first?.isWhitespace == false
                        let delta = (gap ? " " : "") + text
                        sent += delta
                        try await events.send(
                            JSONValue.object([
                                "type": .string("transcript.text.delta"), "delta": .string(delta),
                            ]).text)
                    }
                    return nil
                }
                var whole: Transcript?
                for try await transcript in group { whole = transcript ?? whole }
                try await events.send(
                    JSONValue.object([
                        "type": .string("transcript.text.done"), "text": .string(whole?.text ?? ""),
                    ]).text)
            }
        }
    }
}

extension HTTPError {
    /// The same, of a request that asks in the field `param` in the place of messages, where there is one.
    init(describing error: any Error, of param: String?) {
        self.init(describing: error)
        guard let param else { return }
        if self.param == "messages" { self.param = param }
        if let failure = error as? PluginFailure {
            switch failure.reason {
            case .badConfiguration:
                self = HTTPError(
                    status: 400, message: failure.message, param: "configuration", code: "invalid_value")
            case .unsupported:
                self = HTTPError(
                    status: 400, message: failure.message, param: param, code: "unsupported_media_type")
            default: break
            }
        }
    }
}
