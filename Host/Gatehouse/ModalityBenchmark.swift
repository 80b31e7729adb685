import Engine
import Foundation
import Fusion
import Modalities
import PluginHost
import Server

/// Measures what modalities cost a request: none there, on demand, and always on.
struct ModalityBenchmark {
    /// One way to serve the request.
    struct Result {
        let name: String
        /// From the request to the first token, in milliseconds.
        let first: Timing
        /// To the last.
        let whole: Timing
        /// How many times as long as the first one, measured right before it in each round; 1 for the first itself.
        let ratio: Double
        /// Bytes of the host and its workers together after the last round.
        let memory: Int
        /// Tokens of the prompt.
        let promptTokens: Int
    }

    let model: LanguageModel
    /// Which keeps no prefixes, so that every round does the same work.
    let engine: Engine
    let registry: Registry
    let threads: Int
    let rounds: Int
    /// Tokens to write.
    let written: Int
    let question: String
    /// The part that goes with the question where one does.
    let part: MediaPart
    /// What a set-up without a choice feeds to each encoder: those of the registry.
    let blanks: [(plugin: RegisteredPlugin, part: MediaPart)]
    let log: PluginLog

    /// A blank file for each plugin that takes part and for which one is known.
    static func blanks(for registry: Registry) -> [(plugin: RegisteredPlugin, part: MediaPart)] {
        registry.plugins.filter(\.takesPart).compactMap { plugin in
            BlankMedia.part(of: plugin.mediaTypes).map { (plugin, $0) }
        }
    }

    /// All of them, each told of as it is done. The first one is the measure of the others.
    func run(_ tell: (Result) throws -> Void) async throws {
        let without = try service(.empty, cacheBytes: 0)
        try tell(try await measure("text, no encoder ever loaded", without, [], beside: nil))

        let demand = try service(registry, cacheBytes: 0)
        try tell(try await measure("text, encoders on demand, none loaded", demand, [], beside: without))
        try await loadAll(demand)
        try tell(try await measure("text, encoders on demand, all loaded", demand, [], beside: without))
        try tell(
            try await measure("text, monolithic: all loaded, run on blank input", demand, [], beside: without)
            {
                for (plugin, part) in blanks {
                    _ = try await demand.supervisor.encode(
                        try EncodeInput([part]), plugin: plugin, version: plugin.defaultVersion)
                }
            })
        await unloadAll(demand)
        try tell(
            try await measure(
                "with a part, on demand, cold", demand, [part], beside: without,
                before: { await unloadAll(demand) }))
        try tell(try await measure("with a part, on demand, warm", demand, [part], beside: without))
        await demand.supervisor.stop()

        let keeping = try service(registry, cacheBytes: ChatService.defaultCacheBytes)
        _ = try await ask(keeping, [part])
        await unloadAll(keeping)
        try tell(
            try await measure("with the same part again, kept by the host", keeping, [part], beside: without))
        await keeping.supervisor.stop()
    }

    private func service(_ registry: Registry, cacheBytes: Int) throws -> ChatService {
        try ChatService(
            model: model, engine: engine, registry: registry, threads: threads, cacheBytes: cacheBytes,
            log: log)
    }

    private func loadAll(_ service: ChatService) async throws {
        for (plugin, _) in blanks { try await service.supervisor.load(plugin, plugin.defaultVersion) }
    }

    /// Ends every worker and waits until they have gone.
    private func unloadAll(_ service: ChatService) async {
        for status in await service.supervisor.status() {
            await service.supervisor.drain(status.identity, hold: false)
        }
        while await service.supervisor.status().contains(where: { !$0.processIDs.isEmpty }) {
            try? await Task.sleep(for: .milliseconds(2))
        }
    }

    /// - Parameters:
    ///   - base: Asked for text alone before each round, so that both meet the machine in the same state.
    ///   - before: Done before each round, and not counted.
    ///   - with: Done at the start of each round, and counted.
    private func measure(
        _ name: String, _ service: ChatService, _ parts: [MediaPart], beside base: ChatService?,
        before: () async throws -> Void = {},
        with work: () async throws -> Void = {}
    ) async throws -> Result {
        var (first, whole, ratios): ([Double], [Double], [Double]) = ([], [], [])
        var promptTokens = 0
        for round in 0...rounds {
            var text: Double?
            if let base { text = try await Timing.milliseconds { _ = try await ask(base, []) } }
            try await before()
            let started = ContinuousClock.now
            try await work()
            let answered = try await ask(service, parts)
            promptTokens = answered.promptTokens
            // The first round warms up what is to be warm.
            if round == 0 { continue }
            first.append((answered.first - started) / .milliseconds(1))
            let time = (ContinuousClock.now - started) / .milliseconds(1)
            whole.append(time)
            ratios.append(time / (text ?? time))
        }
        var memory = ProcessMemory.proportional(of: getpid()) ?? 0
        for process in await service.supervisor.status().flatMap(\.processIDs) where process != getpid() {
            memory += ProcessMemory.proportional(of: process) ?? 0
        }
        return Result(
            name: name, first: Timing(first), whole: Timing(whole), ratio: Timing(ratios).median,
            memory: memory, promptTokens: promptTokens
        )
    }

    private func ask(
        _ service: ChatService, _ parts: [MediaPart]
    ) async throws -> (promptTokens: Int, first: ContinuousClock.Instant) {
        let answer = try await service.answer(
            ChatRequest(
                messages: [ChatMessage(.user, parts.map { .media($0) } + [.text(question)])],
                sampling: Sampling(temperature: 0), maxTokens: written))
        var first: ContinuousClock.Instant?
        for try await element in answer where first == nil {
            if case .read = element { continue }
            first = .now
        }
        return (answer.promptTokens, first ?? .now)
    }
}
