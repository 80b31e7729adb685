import Fusion
import Modalities
import PluginHost

/// The way of a chat request up to the engine: media parts to their plugins, messages to a prompt. Any thread.
public struct PromptBuilder: Sendable {
    let live: LiveRegistry
    /// What encoders made of the media parts of earlier requests.
    let cache: EncodedCache
    let fusion: Fusion

    /// Told from any thread how far the encoding of a media part has come, 0 … 1; parts are counted from 0.
    public typealias Progress = @Sendable (_ part: Int, _ fraction: Double) -> Void

    /// - Parameters:
    ///   - context: Positions that a prompt may take.
    ///   - cacheBytes: Bytes that may be kept of what encoders made; 0 keeps nothing.
    public init(
        _ model: LanguageModel, context: Int, live: LiveRegistry,
        cacheBytes: Int = ChatService.defaultCacheBytes
    ) throws {
        self.live = live
        cache = EncodedCache(capacity: cacheBytes)
        fusion = try Fusion(model, context: context)
    }

    /// Has the media parts of a request encoded and weighed, and renders the prompt; beside it a report on every part.
    ///
    /// Throws ``MediaError``, ``RoutingError``, `FusionError`, `TemplateError`.
    public func prompt(
        _ request: ChatRequest, progress: Progress? = nil
    ) async throws -> (prompt: Prompt, reports: [ModalityReport]) {
        // One registry from start to end: a change meanwhile is for the next request.
        let registry = live.current
        let router = Modalities.Router(registry)
        try router.check(request.modalities)
        var origin = request.origin
        var reports: [ModalityReport] = []
        var mediaCount = 0
        var messages: [FusedMessage] = []
        let encoder = MediaEncoder(
            fusion: fusion, supervisor: live.supervisor, cache: cache,
            threshold: Float(registry.gateThreshold), progress: progress)
        for (messageIndex, message) in request.messages.enumerated() {
            var parts: [FusedPart] = []
            var text = MessageText(message)
            for (partIndex, part) in message.parts.enumerated() {
                switch part {
                case .text(let words):
                    parts.append(.text(words))
                case .media(let media):
                    if origin.trafficPoint == nil {
                        origin.trafficPoint = TrafficPoint.of(
                            key: origin.bearerToken, first: request.messages.first)
                    }
                    do {
                        let routing = try router.route(
                            mediaType: media.mediaType, bytes: media.bytes.count, options: request.modalities,
                            origin: origin)
                        for route in routing.routes {
                            let output = try await encoder.encode(
                                media, number: mediaCount, by: route, beside: &text)
                            parts += output.parts
                            reports += output.reports
                        }
                    } catch {
                        throw MediaError(message: messageIndex, part: partIndex, error: error)
                    }
                    mediaCount += 1
                }
            }
            messages.append(
                FusedMessage(
                    role: message.role.rawValue, parts: parts, calls: message.calls, callID: message.callID))
        }
        // A model that may call none is told of none.
        let tools = request.tools.map { $0.choice == .none ? [] : $0.definitions } ?? []
        let prompt = try fusion.prompt(messages, tools: tools, variables: request.templateVariables)
        return (prompt, reports)
    }
}
