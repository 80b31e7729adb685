import Constraints
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
    private let prompts: PromptBuilder
    private let constraints: AnswerConstraints

    /// Bytes that are kept of what encoders made.
    public static let defaultCacheBytes = 256 << 20

    /// What requests that arrive now are routed by.
    public var registry: Registry { live.current }
    public var supervisor: Supervisor { live.supervisor }
    /// What encoders made of the media parts of earlier requests.
    public var cache: EncodedCache { prompts.cache }

    /// - Parameter cacheBytes: Bytes that may be kept of what encoders made; 0 keeps nothing.
    public init(
        model: LanguageModel, engine: Engine, live: LiveRegistry, cacheBytes: Int = defaultCacheBytes
    ) throws {
        self.model = model
        self.engine = engine
        self.live = live
        prompts = try PromptBuilder(model, context: engine.context, live: live, cacheBytes: cacheBytes)
        constraints = AnswerConstraints(model, format: prompts.fusion.callFormat)
    }

    /// With a supervisor of its own, whose workers are of the executable beside this one.
    ///
    /// - Parameter threads: Of each encoder.
    public convenience init(
        model: LanguageModel, engine: Engine, registry: Registry, threads: Int,
        cacheBytes: Int = defaultCacheBytes, log: @escaping PluginLog
    ) throws {
        let live = LiveRegistry(
            registry,
            supervisor: try Supervisor(for: model, context: engine.context, threads: threads, log: log),
            log: log)
        try self.init(
            model: model, engine: engine, live: live, cacheBytes: cacheBytes)
    }

    /// Encodes what needs encoding and starts the answer. Nothing of it is computed further than it is read; letting
    /// go of it, or cancelling the task that reads it, ends it.
    ///
    /// Throws ``MediaError``, ``RoutingError``, `SchemaError`, `FusionError`, `TemplateError`, `EngineError`.
    public func answer(
        _ request: ChatRequest, progress: PromptBuilder.Progress? = nil
    ) async throws -> ChatAnswer {
        // First, as a schema that cannot be held to is not worth any encoding.
        var constraint = try constraints.constraint(for: request)
        let (prompt, reports) = try await prompts.prompt(request, progress: progress)
        let isOpen = model.opensReasoning(prompt)
        if constraint != nil, isOpen {
            constraint = try constraints.constraint(for: request, thinksFirst: true)
        }
        let stream = try engine.submit(
            GenerationRequest(
                prompt: prompt, sampling: request.sampling, maxNewTokens: request.maxTokens,
                endTokens: model.tokenizer.endOfGeneration, choices: request.choices,
                alternatives: request.alternatives, constraint: constraint, client: request.origin.client))
        return ChatAnswer(
            modalities: reports, promptTokens: prompt.count, stream: stream, choices: request.choices,
            writer: AnswerWriter(
                model.tokenizer, stop: request.stop,
                reasoning: request.splitsReasoning ? ReasoningSplitter(model.reasoning, isOpen: isOpen) : nil),
            calls: request.tools.flatMap { tools in
                let names = tools.callable.map(\.name)
                return names.isEmpty ? nil : CallReader(prompts.fusion.callFormat, names: names)
            })
    }
}

extension Supervisor {
    /// Of encoders for `model`, whose workers are of the executable beside this one.
    ///
    /// - Parameters:
    ///   - context: Positions of the model's context.
    ///   - threads: Of each encoder.
    public init(for model: LanguageModel, context: Int, threads: Int, log: @escaping PluginLog) throws {
        self.init(
            workerExecutable: Supervisor.workerBesideThisExecutable, threads: threads,
            decoder: try model.facts(context: context), checkGate: { _ = try GateFile(path: $0) },
            checkOutputs: { try model.check($1, of: $0) }, log: log)
    }
}
