import Decoder
import Engine
import Foundation
import Fusion
import Modalities
import PluginHost
import Synchronization

/// Measures what running answers lose while an encoder works beside them, and what the encoder loses to them.
struct StreamsBesideEncoder: Sendable {
    /// Medians over the rounds, each of which has both halves.
    struct Result: Sendable {
        /// Tokens per second of all streams together.
        let alone: Double
        let beside: Double
        /// What was left of the rate beside the encoder, of each round, smallest first.
        let kept: [Double]
        /// Milliseconds.
        let encodeAlone: Double
        let encodeBeside: Double
    }

    let engine: Engine
    let supervisor: Supervisor
    let plugin: RegisteredPlugin

    /// Time of one half of a round.
    private static let half = Duration.seconds(3)
    private static let promptTokens = 32

    /// Writes in `streams` answers at once; every other half of a round, the plugin encodes without a pause.
    func measure(streams: Int, rounds: Int) async throws -> Result {
        try await supervisor.load(plugin, plugin.defaultVersion)
        var encodeAlone: [Double] = []
        for _ in 0..<rounds { encodeAlone.append(try await encode()) }

        let written = TokenCount()
        let running = (0..<streams).map { stream in
            Task { [engine] in
                while !Task.isCancelled {
                    for try await event in try engine.submit(request(stream)) {
                        if case .token = event { written.add() }
                    }
                }
            }
        }
        defer { running.forEach { $0.cancel() } }
        func rate() async throws -> Double {
            let before = written.value
            let time = try await ContinuousClock().measure { try await Task.sleep(for: Self.half) }
            return Double(written.value - before) / (time / .seconds(1))
        }
        // Prompts are read before the first round.
        _ = try await rate()
        var rates: [(alone: Double, beside: Double)] = []
        var encodeBeside: [Double] = []
        for _ in 0..<rounds {
            let alone = try await rate()
            let encoder = Task {
                var times: [Double] = []
                while !Task.isCancelled { times.append(try await encode()) }
                return times
            }
            let beside = try await rate()
            // The encode in progress is let finish, so that it does not reach into the next half.
            encoder.cancel()
            encodeBeside += try await encoder.value
            rates.append((alone, beside))
        }
        return Result(
            alone: median(rates.map(\.alone)), beside: median(rates.map(\.beside)),
            kept: rates.map { $0.beside / $0.alone }.sorted(), encodeAlone: median(encodeAlone),
            encodeBeside: median(encodeBeside))
    }

    /// Milliseconds of one encode. A cancelled task does not end it.
    private func encode() async throws -> Double {
        let input = try EncodeInput([MediaPart(mediaType: plugin.mediaTypes[0], bytes: [])])
        return try await Task {
            try await supervisor.encode(input, plugin: plugin, version: plugin.defaultVersion)
                .encodeMilliseconds
        }.value
    }

    private func request(_ stream: Int) -> GenerationRequest {
        let ids = (0..<Self.promptTokens).map { position in
            Int32((position * 7919 + stream * 104_729) % engine.model.vocabulary)
        }
        // No token ends it; the context does, and then it starts anew.
        return GenerationRequest(
            prompt: Prompt([.tokens(ids)]), sampling: Sampling(temperature: 0), endTokens: [])
    }

    private func median(_ values: [Double]) -> Double {
        let sorted = values.sorted()
        return sorted.isEmpty ? .nan : sorted[sorted.count / 2]
    }
}

/// Tokens that all streams wrote. Any thread.
private final class TokenCount: Sendable {
    private let count = Atomic(0)

    var value: Int { count.load(ordering: .relaxed) }
    func add() { count.add(1, ordering: .relaxed) }
}
