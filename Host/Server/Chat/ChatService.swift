import Digest
import Engine
import Fusion
import Modalities
import PluginHost
import Text

/// The way of a chat request: media parts to their plugins, messages to a prompt, prompt to the engine, tokens to
/// text. Any thread.
public final class ChatService: Sendable {
    public let model: LanguageModel
    public let engine: Engine
    public let live: LiveRegistry
    private let fusion: Fusion

    /// What requests that arrive now are routed by.
    public var registry: Registry { live.current }
    public var supervisor: Supervisor { live.supervisor }

    public init(model: LanguageModel, engine: Engine, live: LiveRegistry) throws {
        self.model = model
        self.engine = engine
        self.live = live
        fusion = try Fusion(model)
    }

    /// With a registry that stays as it is.
    public convenience init(model: LanguageModel, engine: Engine, registry: Registry, supervisor: Supervisor)
        throws
    {
        let live = LiveRegistry(registry, supervisor: supervisor) { _, _, _ in }
        try self.init(model: model, engine: engine, live: live)
    }

    /// Encodes what needs encoding and starts the answer. Nothing of it is computed further than it is read; letting
    /// go of it, or cancelling the task that reads it, ends it.
    ///
    /// Throws ``RoutingError``, `PluginFailure`, `FusionError`, `TemplateError`, `EngineError`.
    public func answer(_ request: ChatRequest) async throws -> ChatAnswer {
        // One registry from start to end: a change meanwhile is for the next request.
        let router = Modalities.Router(live.current)
        try router.check(request.modalities)
        var origin = request.origin
        var reports: [ModalityReport] = []
        var mediaCount = 0
        var messages: [FusedMessage] = []
        for message in request.messages {
            var parts: [FusedPart] = []
            for part in message.parts {
                switch part {
                case .text(let text):
                    parts.append(.text(text))
                case .media(let media):
                    if origin.trafficPoint == nil {
                        origin.trafficPoint = TrafficPoint.of(
                            key: origin.bearerToken, first: request.messages.first)
                    }
                    let routing = try router.route(
                        mediaType: media.mediaType, bytes: media.bytes.count, options: request.modalities,
                        origin: origin)
                    for route in routing.routes {
                        let (encoded, report) = try await encode(media, number: mediaCount, route)
                        parts += encoded
                        reports.append(report)
                    }
                    mediaCount += 1
                }
            }
            messages.append(FusedMessage(role: message.role.rawValue, parts: parts))
        }
        let prompt = try fusion.prompt(messages)
        let stream = try engine.submit(
            GenerationRequest(
                prompt: prompt, sampling: request.sampling, maxNewTokens: request.maxTokens,
                endTokens: model.tokenizer.endOfGeneration, choices: request.choices,
                alternatives: request.alternatives, client: request.origin.bearerToken ?? ""))
        return ChatAnswer(
            modalities: reports, promptTokens: prompt.count, stream: stream, choices: request.choices,
            tokenizer: model.tokenizer, stop: request.stop)
    }

    /// What stands in the message for a media part that goes by `route`; nothing where it was dropped.
    private func encode(
        _ media: MediaPart, number: Int, _ route: Route
    ) async throws -> ([FusedPart], ModalityReport) {
        switch route {
        case .off(let plugin):
            return ([], ModalityReport(dropping: number, plugin: plugin?.id, version: nil))
        case .plugin(let plugin, let version, weight: 0):
            return ([], ModalityReport(dropping: number, plugin: plugin.id, version: version.version))
        case .plugin(let plugin, let version, let weight):
            let encoded = try await supervisor.encode(
                try EncodeInput([media]), plugin: plugin, version: version)
            let parts = try fuse(encoded, media, plugin, version)
            let report = ModalityReport(
                part: number, plugin: plugin.id, version: version.version, weight: weight ?? 1, gate: nil,
                tokens: try parts.reduce(0) { try $0 + tokenCount($1) },
                loadMilliseconds: encoded.loadMilliseconds, encodeMilliseconds: encoded.encodeMilliseconds,
                cached: false)
            return (parts, report)
        }
    }

    private func fuse(
        _ encoded: Supervisor.Encoded, _ media: MediaPart, _ plugin: RegisteredPlugin,
        _ version: RegisteredVersion
    ) throws -> [FusedPart] {
        try encoded.segments.enumerated().map { index, segment in
            switch segment.content {
            case .text(let text):
                return .text(fusion.text(text.text, in: plugin.prompt))
            case .rows(let rows):
                let digest = digest(of: media, plugin, version, segment: index)
                return .segment(
                    try fusion.segment(rows, for: encoded.outputs.decoder, plugin: plugin.id, digest: digest))
            case .soft:
                throw PluginFailure(
                    .unsupported,
                    "plugin \(plugin.id) makes soft tokens, which this version of the host does not place in a prompt"
                )
            }
        }
    }

    private func tokenCount(_ part: FusedPart) throws -> Int {
        switch part {
        case .text(let text): try fusion.tokenCount(text)
        case .segment(let segment): segment.count
        }
    }

    /// Names what determines the rows of a segment.
    private func digest(
        of media: MediaPart, _ plugin: RegisteredPlugin, _ version: RegisteredVersion, segment: Int
    ) -> String {
        var hash = SHA256()
        hash.update(media.bytes)
        for word in [
            media.mediaType, plugin.id, version.version.description, plugin.configuration, "\(segment)",
        ] {
            // Each with its length, so that two lists of words never read alike.
            hash.update(Array("\(word.utf8.count):\(word)".utf8))
        }
        return hash.finish()
    }
}

extension ModalityReport {
    /// A part that costs nothing: it was neither encoded nor placed.
    fileprivate init(dropping part: Int, plugin: String?, version: SemanticVersion?) {
        self.init(
            part: part, plugin: plugin, version: version, weight: 0, gate: nil, tokens: 0,
            loadMilliseconds: 0,
            encodeMilliseconds: 0, cached: false)
    }
}
