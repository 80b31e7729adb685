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
    /// What encoders made of the media parts of earlier requests.
    public let cache: EncodedCache
    private let fusion: Fusion

    /// Bytes that are kept of what encoders made.
    public static let defaultCacheBytes = 256 << 20

    /// What requests that arrive now are routed by.
    public var registry: Registry { live.current }
    public var supervisor: Supervisor { live.supervisor }

    /// - Parameter cacheBytes: Bytes that may be kept of what encoders made; 0 keeps nothing.
    public init(
        model: LanguageModel, engine: Engine, live: LiveRegistry, cacheBytes: Int = defaultCacheBytes
    ) throws {
        self.model = model
        self.engine = engine
        self.live = live
        cache = EncodedCache(capacity: cacheBytes)
        fusion = try Fusion(model, context: engine.context)
    }

    /// With a supervisor of its own, whose workers are of the executable beside this one.
    ///
    /// - Parameter threads: Of each encoder.
    public convenience init(
        model: LanguageModel, engine: Engine, registry: Registry, threads: Int,
        cacheBytes: Int = defaultCacheBytes, log: @escaping PluginLog
    ) throws {
        let supervisor = Supervisor(
            workerExecutable: Supervisor.workerBesideThisExecutable, threads: threads,
            decoder: try model.facts(context: engine.context), checkGate: { _ = try GateFile(path: $0) },
            log: log)
        try self.init(
            model: model, engine: engine, live: LiveRegistry(registry, supervisor: supervisor, log: log),
            cacheBytes: cacheBytes)
    }

    /// Encodes what needs encoding and starts the answer. Nothing of it is computed further than it is read; letting
    /// go of it, or cancelling the task that reads it, ends it.
    ///
    /// Throws ``RoutingError``, `PluginFailure`, `FusionError`, `TemplateError`, `EngineError`.
    public func answer(_ request: ChatRequest) async throws -> ChatAnswer {
        // One registry from start to end: a change meanwhile is for the next request.
        let registry = live.current
        let router = Modalities.Router(registry)
        try router.check(request.modalities)
        var origin = request.origin
        var reports: [ModalityReport] = []
        var mediaCount = 0
        var messages: [FusedMessage] = []
        let encoder = MediaEncoder(
            fusion: fusion, supervisor: supervisor, cache: cache, threshold: Float(registry.gateThreshold))
        for message in request.messages {
            var parts: [FusedPart] = []
            var text = MessageText(message)
            for part in message.parts {
                switch part {
                case .text(let words):
                    parts.append(.text(words))
                case .media(let media):
                    if origin.trafficPoint == nil {
                        origin.trafficPoint = TrafficPoint.of(
                            key: origin.bearerToken, first: request.messages.first)
                    }
                    let routing = try router.route(
                        mediaType: media.mediaType, bytes: media.bytes.count, options: request.modalities,
                        origin: origin)
                    for route in routing.routes {
                        let output = try await encoder.encode(
                            media, number: mediaCount, by: route, beside: &text)
                        parts += output.parts
                        reports += output.reports
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
}
