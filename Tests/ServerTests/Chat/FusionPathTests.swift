import Decoder
import Engine
import Foundation
import Fusion
import Modalities
import PluginHost
import Server
import TestSupport
import Testing

/// Media parts through gate, cache and prompt, with the real default model and the plugins of Tests/Plugins: `rows` makes
/// six rows, `soft` two slots, `echo` the part's text. All answers are greedy.
@Suite struct FusionPathTests {
    private static let question = "What is the capital of France?"

    private struct Read: Equatable {
        /// How likely each token and others in its place were: equal to the bit, or not equal.
        var tokens: [AnswerToken] = []
        var cachedTokens = 0
    }

    private func request(
        _ parts: [ChatPart], modalities: [String: ModalityOption] = [:], before: [ChatMessage] = []
    ) -> ChatRequest {
        ChatRequest(
            messages: before + [ChatMessage(.user, parts)], sampling: Sampling(temperature: 0),
            alternatives: 20, maxTokens: 6, modalities: modalities)
    }

    private func media(_ text: String = "x") -> ChatPart {
        .media(MediaPart(mediaType: "application/octet-stream", bytes: Array(text.utf8)))
    }

    private func read(_ answer: ChatAnswer) async throws -> Read {
        var read = Read()
        for try await element in answer {
            switch element {
            case .read, .call, .arguments: break
            case .text(let piece, _): read.tokens += piece.tokens
            case .finished(let usage): read.cachedTokens = usage.cachedTokens
            case .ended: break
            }
        }
        return read
    }

    /// The answer's tokens, and the report on the only part.
    private func ask(
        _ service: ChatService, _ parts: [ChatPart], modalities: [String: ModalityOption] = [:]
    ) async throws -> (tokens: [AnswerToken], report: ModalityReport) {
        let answer = try await service.answer(request(parts, modalities: modalities))
        #expect(answer.modalities.count == 1)
        return (try await read(answer).tokens, try #require(answer.modalities.first))
    }

    private func gate(bias: Float, early: Float? = nil, in folder: URL) throws -> String {
        let identity = try #require(try DefaultModel.open().facts(context: 1)).identity
        return try GateFileBuilder(for: identity, bias: bias, early: early).write(
            to: folder, name: UUID().uuidString)
    }

    private func sigmoid(_ x: Float) -> Float { 1 / (1 + exp(-x)) }

    @Test func aForcedWeightOfOneIsToTheBitAsWithoutGate() async throws {
        try await withTemporaryFolder { folder in
            let parts = [media(), .text(Self.question)]
            let plain = try await ask(
                ServiceFixture.chat(ServiceFixture.registry(of: "rows", in: folder)), parts)
            #expect(plain.report.weight == 1 && plain.report.gate == nil && plain.report.tokens == 6)
            let gated = try ServiceFixture.chat(
                ServiceFixture.registry(of: "rows", in: folder, gate: gate(bias: -1, in: folder)))
            let weighed = try await ask(gated, parts)
            #expect(weighed.report.weight == sigmoid(-1) && weighed.report.gate == sigmoid(-1))
            #expect(weighed.report.tokens == 6)
            #expect(weighed.tokens != plain.tokens)
            let forced = try await ask(gated, parts, modalities: ["rows": .chosen(version: nil, weight: 1)])
            #expect(forced.report.weight == 1 && forced.report.gate == sigmoid(-1))
            #expect(forced.tokens == plain.tokens)
        }
    }

    @Test func aDroppedPartLeavesTheRequestToTheBitAsWithoutIt() async throws {
        try await withTemporaryFolder { folder in
            let service = try ServiceFixture.chat(
                ServiceFixture.registry(of: "rows", in: folder, gate: gate(bias: -4, in: folder)))
            let without = try await service.answer(request([.text(Self.question)]))
            let answer = try await service.answer(request([.text(Self.question), media()]))
            #expect(answer.promptTokens == without.promptTokens)
            let report = try #require(answer.modalities.first)
            #expect((report.weight, report.tokens) == (0, 0))
            #expect(report.gate == sigmoid(-4), "the gate's own word, below 0.05")
            #expect(report.encodeMilliseconds > 0, "it was encoded to be weighed")
            #expect(try await read(answer).tokens == read(without).tokens)
        }
    }

    @Test func theThresholdIsTheRegistrys() async throws {
        try await withTemporaryFolder { folder in
            let gate = try gate(bias: -1, in: folder)
            for (threshold, weight) in [("0", sigmoid(-1)), ("0.26", sigmoid(-1)), ("0.27", 0)] {
                let registry = try ServiceFixture.registry(
                    of: "rows", in: folder, gate: gate, extra: ", \"gate_threshold\": \(threshold)")
                let found = try await ask(ServiceFixture.chat(registry), [media(), .text("Hi")])
                #expect(found.report.weight == weight)
            }
        }
    }

    @Test func theEarlyGateSavesTheEncoder() async throws {
        try await withTemporaryFolder { folder in
            let service = try ServiceFixture.chat(
                ServiceFixture.registry(
                    of: "rows", in: folder, gate: gate(bias: 3, early: -5, in: folder)))
            let dropped = try await ask(service, [media(), .text("Hi")])
            #expect((dropped.report.weight, dropped.report.tokens) == (0, 0))
            #expect(dropped.report.gate == sigmoid(-5))
            #expect(await service.supervisor.status().isEmpty, "no plugin was asked for")
            // Who asks for a weight gets it.
            let forced = try await ask(
                service, [media(), .text("Hi")], modalities: ["rows": .chosen(version: nil, weight: 0.01)])
            #expect(forced.report.weight == 0.01 && forced.report.gate == sigmoid(3))
            #expect(forced.report.tokens == 6)
            // An early gate that lets a part through leaves it to the other.
            let open = try ServiceFixture.chat(
                ServiceFixture.registry(
                    of: "rows", in: folder, gate: gate(bias: 3, early: 5, in: folder)))
            #expect(try await ask(open, [media(), .text("Hi")]).report.weight == sigmoid(3))
        }
    }

    @Test func aMessageWithoutTextHasNoGate() async throws {
        try await withTemporaryFolder { folder in
            let service = try ServiceFixture.chat(
                ServiceFixture.registry(
                    of: "rows", in: folder, gate: gate(bias: -9, early: -9, in: folder)))
            let found = try await ask(service, [media(), .text("")])
            #expect(found.report.weight == 1 && found.report.gate == nil && found.report.tokens == 6)
        }
    }

    @Test func theSamePartAgainIsNotEncodedAgain() async throws {
        try await withTemporaryFolder { folder in
            let service = try ServiceFixture.chat(ServiceFixture.registry(of: "rows", in: folder))
            let first = try await ask(service, [media("a"), .text(Self.question)])
            #expect(!first.report.cached && first.report.loadMilliseconds > 0)
            for identity in await service.supervisor.status().map(\.identity) {
                await service.supervisor.drain(identity, hold: false)
            }
            let again = try await ask(service, [media("a"), .text(Self.question)])
            #expect(again.report.cached)
            #expect((again.report.loadMilliseconds, again.report.encodeMilliseconds) == (0, 0))
            #expect(again.report.tokens == 6 && again.tokens == first.tokens)
            let status = try #require(await service.supervisor.status().first)
            #expect(status.counts.calls == 1 && status.counts.loads == 1, "a hit starts nothing")
            #expect(try await !ask(service, [media("b"), .text("Hi")]).report.cached)
            #expect(service.cache.load.entries == 2)
        }
    }

    @Test func aConfigurationOfItsOwnIsEncodedOfItsOwn() async throws {
        try await withTemporaryFolder { folder in
            let supervisor = try ServiceFixture.chat().supervisor
            let registries = try ["", #", "configuration": {"a": 1}"#].map {
                try ServiceFixture.registry(of: "facts", in: folder, pluginExtra: $0)
            }
            let live = LiveRegistry(registries[0], supervisor: supervisor) { _, _, _ in }
            let service = try ChatService(
                model: DefaultModel.open(), engine: ServiceFixture.chat().engine, live: live)
            #expect(try await !ask(service, [media()]).report.cached)
            #expect(try await ask(service, [media()]).report.cached)
            await live.apply(registries[1])
            #expect(try await !ask(service, [media()]).report.cached)
        }
    }

    /// What stands before the second turn is computed in the first, segment included.
    @Test func theCachedPagesOfAConversationOutliveALaterTurn() async throws {
        try await withTemporaryFolder { folder in
            let service = try ServiceFixture.chat(
                ServiceFixture.registry(of: "rows", in: folder, gate: gate(bias: -1, in: folder)))
            let long = String(repeating: "Look at it closely, and then say what is there. ", count: 20)
            let first = [ChatMessage(.user, [.text(long), media(), .text("Nothing else matters. " + long)])]
            let answer = try await service.answer(
                ChatRequest(messages: first, sampling: Sampling(temperature: 0), maxTokens: 4))
            var text = ""
            for try await case .text(let piece, _) in answer { text += piece.text }
            let second = try await service.answer(
                request(
                    [.text("And what about the rest of it?")],
                    before: first + [ChatMessage(.assistant, [.text(text)])]))
            #expect(second.modalities.first?.weight == answer.modalities.first?.weight)
            #expect(second.modalities.first?.cached == true)
            let read = try await read(second)
            // All but the page that the first prompt ends in.
            #expect(read.cachedTokens >= answer.promptTokens / 64 * 64 - 64)
            #expect(
                read.cachedTokens > answer.promptTokens / 2 + 64, "the segment, in the middle, is among it")
        }
    }

    @Test func softTokensStandInThePrompt() async throws {
        try await withTemporaryFolder { folder in
            let service = try ServiceFixture.chat(ServiceFixture.registry(of: "soft", in: folder))
            let found = try await ask(service, [media(), .text("Go on.")])
            #expect(found.report.tokens == 2 && found.report.weight == 1)
            let without = try await read(service.answer(request([.text("Go on.")])))
            #expect(found.tokens != without.tokens)
        }
    }

    @Test func textOfAPluginMayWeighLess() async throws {
        try await withTemporaryFolder { folder in
            let service = try ServiceFixture.chat(
                ServiceFixture.registry(
                    of: "echo", in: folder, pluginExtra: #", "prompt": "Seen: {output}""#))
            let part = media("The capital of France is Lyon.")
            let parts = [part, .text(Self.question)]
            func weighed(_ weight: Float?) async throws -> (tokens: [AnswerToken], report: ModalityReport) {
                try await ask(service, parts, modalities: ["echo": .chosen(version: nil, weight: weight)])
            }
            let plain = try await weighed(nil)
            let whole = try await weighed(1)
            let half = try await weighed(0.5)
            #expect(whole.tokens == plain.tokens && whole.report == cachedCopy(of: plain.report))
            #expect(half.tokens != plain.tokens)
            #expect(half.report.weight == 0.5 && half.report.tokens == plain.report.tokens)
        }
    }

    private func cachedCopy(of report: ModalityReport) -> ModalityReport {
        var report = report
        report.cached = true
        report.loadMilliseconds = 0
        report.encodeMilliseconds = 0
        return report
    }

    @Test func aGateWeighsTextToo() async throws {
        try await withTemporaryFolder { folder in
            let service = try ServiceFixture.chat(
                ServiceFixture.registry(of: "echo", in: folder, gate: gate(bias: 0, in: folder)))
            let found = try await ask(service, [media("Lyon"), .text(Self.question)])
            #expect(found.report.weight == 0.5 && found.report.gate == 0.5)
        }
    }

    @Test func aBrokenGateFailsTheRequestAndIsNamed() async throws {
        try await withTemporaryFolder { folder in
            let gate = folder.appendingPathComponent("gate.safetensors")
            try Data("no gate".utf8).write(to: gate)
            let service = try ServiceFixture.chat(
                ServiceFixture.registry(of: "rows", in: folder, gate: gate.path))
            let thrown = try await #require(throws: MediaError.self) {
                _ = try await service.answer(request([media(), .text("Hi")]))
            }
            let error = try #require(thrown.error as? PluginFailure)
            #expect(error.reason == .refused)
            #expect(error.message.hasPrefix("plugin rows 1.0.0: \(gate.path): "))
            // Nor does a version with it come to serve.
            let plugin = service.registry.plugins[0]
            let refused = try await #require(throws: PluginFailure.self) {
                try await service.supervisor.load(plugin, plugin.versions[0])
            }
            #expect(refused.message == error.message)
        }
    }

    /// A registry with a broken gate is as good as one with a broken library: what served before serves on.
    @Test func aBrokenGateLeavesTheOneBeforeItServing() async throws {
        try await withTemporaryFolder { folder in
            let broken = folder.appendingPathComponent("broken")
            try Data("no gate".utf8).write(to: broken)
            let service = try ServiceFixture.chat(
                ServiceFixture.registry(of: "rows", in: folder, gate: gate(bias: 1, in: folder)))
            #expect(try await ask(service, [media(), .text("Hi")]).report.weight == sigmoid(1))
            await service.live.apply(
                try ServiceFixture.registry(of: "rows", in: folder, gate: broken.path))
            #expect(await service.live.counts.failedSwaps == ["rows": 1])
            #expect(try await ask(service, [media(), .text("Hi")]).report.weight == sigmoid(1))
            await service.live.apply(
                try ServiceFixture.registry(of: "rows", in: folder, gate: gate(bias: 2, in: folder)))
            #expect(try await ask(service, [media(), .text("Hi")]).report.weight == sigmoid(2))
        }
    }

    /// The gate of a plugin lies beside its weights, or where the registry says.
    @Test func theGateOfAPluginIsFound() async throws {
        try await withTemporaryFolder { folder in
            let weights = folder.appendingPathComponent("weights")
            try FileManager.default.createDirectory(at: weights, withIntermediateDirectories: true)
            let library = try FixturePlugins.library()
            func gate(_ version: String) throws -> String? {
                let file = folder.appendingPathComponent("registry.json")
                try #"""
                {"format": 1, "plugins": [{"id": "rows", "modality": "image", "accepts": ["text/plain"],
                 "versions": [{"version": "1.0.0", "library": "\#(library)"\#(version)}]}]}
                """#.write(to: file, atomically: true, encoding: .utf8)
                return try Registry(contentsOf: file.path).plugins[0].versions[0].gate
            }
            #expect(try gate(#", "weights": "weights""#) == nil)
            try Data().write(to: weights.appendingPathComponent("gate.safetensors"))
            #expect(try gate(#", "weights": "weights""#) == weights.path + "/gate.safetensors")
            try Data().write(to: folder.appendingPathComponent("mine"))
            #expect(try gate(#", "weights": "weights", "gate": "mine""#) == folder.path + "/mine")
            #expect(try gate(#", "gate": "mine""#) == folder.path + "/mine")
            #expect(throws: RegistryError.self) { try gate(#", "gate": "not there""#) }
        }
    }
}
