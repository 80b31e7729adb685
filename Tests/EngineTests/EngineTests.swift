import Decoder
import Engine
import Fusion
import Testing

@Suite(.serialized) struct EngineTests {
    private let ids: [Int32]

    init() throws {
        ids = try LogitsReference().ids
    }

    private func engine(_ change: (inout Engine.Options) -> Void = { _ in }) throws -> Engine {
        var options = Engine.Options()
        options.context = 512
        change(&options)
        return try Engine(DefaultModel.fast(), options: options)
    }

    private func request(
        _ ids: some Sequence<Int32>, most: Int? = 12, sampling: Sampling = Sampling(temperature: 0),
        endTokens: Set<Int32> = []
    ) -> GenerationRequest {
        GenerationRequest(
            prompt: Prompt([.tokens(Array(ids))]), sampling: sampling, maxNewTokens: most,
            endTokens: endTokens)
    }

    /// The tokens of a stream, why it finished and what it used.
    private func collect(_ stream: GenerationStream) async throws -> ([Int32], FinishReason?, Usage?) {
        var tokens: [Int32] = []
        for try await event in stream {
            switch event {
            case .token(let token): tokens.append(token)
            case .finished(let reason, let usage): return (tokens, reason, usage)
            }
        }
        return (tokens, nil, nil)
    }

    /// Waits, for at most a minute, until nothing runs and every page is free.
    private func isIdle(_ engine: Engine) async throws -> Bool {
        for _ in 0..<6000 {
            let load = engine.load
            if load.freePages == load.pages, load.running == 0, load.waiting == 0 { return true }
            try await Task.sleep(for: .milliseconds(10))
        }
        return false
    }

    @Test func greedyAnswersAreEqualAloneAndAmongOthers() async throws {
        let engine = try engine()
        let alone = try await collect(engine.submit(request(ids)))
        #expect(alone.0.count == 12)
        #expect(alone.1 == .length && alone.2 == Usage(promptTokens: ids.count, completionTokens: 12))
        let others = try (1...4).map { try engine.submit(request(ids.dropFirst($0), most: 30)) }
        let among = try await collect(engine.submit(request(ids)))
        #expect(among.0 == alone.0)
        for (index, stream) in others.enumerated() {
            #expect(try await collect(stream).0.count == 30, "neighbour \(index)")
        }
        #expect(try await collect(engine.submit(request(ids))).0 == alone.0)
        engine.stop()
    }

    @Test func seededAnswersAreRepeatable() async throws {
        let engine = try engine()
        let sampling = Sampling(temperature: 1, topP: 0.95, seed: 11)
        let first = try await collect(engine.submit(request(ids, sampling: sampling))).0
        let neighbour = try engine.submit(request(ids, sampling: Sampling(seed: 12)))
        #expect(try await collect(engine.submit(request(ids, sampling: sampling))).0 == first)
        #expect(try await collect(neighbour).0 != first)
        var choice = request(ids, sampling: sampling)
        choice.choice = 1
        #expect(try await collect(engine.submit(choice)).0 != first)
        engine.stop()
    }

    @Test func aPromptInChunksGivesTheSameTokens() async throws {
        var answers: [[Int32]] = []
        for chunk in [1, 7, 128] {
            let engine = try engine { $0.chunk = chunk }
            answers.append(try await collect(engine.submit(request(ids))).0)
            engine.stop()
        }
        #expect(answers[0].count == 12)
        #expect(answers[1] == answers[0] && answers[2] == answers[0])
    }

    @Test func aSegmentOfEmbeddingsReadsLikeItsTokens() async throws {
        let engine = try engine { $0.chunk = 10 }
        let expected = try await collect(engine.submit(request(ids))).0
        // Rows 15 … 36 as a segment, so that its ends fall inside chunks.
        let rows = try engine.model.embed(Array(ids[15..<37]))
        let segment = Segment(rows: rows, width: engine.model.hidden, digest: "test")
        var mixed = request(ids)
        mixed.prompt = Prompt([
            .tokens(Array(ids[..<15])), .segment(segment), .tokens(Array(ids[37...])),
        ])
        #expect(try await collect(engine.submit(mixed)).0 == expected)
        engine.stop()
    }

    @Test func anEndTokenStopsAndIsNotSent() async throws {
        let engine = try engine()
        let tokens = try await collect(engine.submit(request(ids))).0
        let end = try #require(tokens.dropFirst(4).first { !tokens.prefix(4).contains($0) })
        let position = try #require(tokens.firstIndex(of: end))
        let (ended, reason, usage) = try await collect(engine.submit(request(ids, endTokens: [end])))
        #expect(ended == Array(tokens[..<position]) && reason == .stop)
        #expect(usage?.completionTokens == position)
        engine.stop()
    }

    @Test func anAnswerEndsWithTheContext() async throws {
        let engine = try engine { $0.context = 70 }
        let (tokens, reason, usage) = try await collect(engine.submit(request(ids, most: nil)))
        #expect(tokens.count == 6 && reason == .length)
        #expect(usage == Usage(promptTokens: 64, completionTokens: 6))
        let full = try await collect(engine.submit(request(ids + ids[..<6], most: 5)))
        #expect(full.0.isEmpty && full.1 == .length)
        #expect(throws: EngineError.contextExceeded(promptTokens: 71, context: 70)) {
            try engine.submit(request(ids + ids[..<7]))
        }
        engine.stop()
    }

    @Test func cancelledRequestsFreeTheirPages() async throws {
        let engine = try engine()
        let task = Task { try await collect(engine.submit(request(ids, most: 440))) }
        // One that nobody reads, one that its reader leaves after the third token, one that is cancelled.
        do { _ = try engine.submit(request(ids, most: 440)) }
        var seen = 0
        for try await _ in try engine.submit(request(ids, most: 440)) {
            seen += 1
            if seen == 3 { break }
        }
        task.cancel()
        #expect(try await task.value.0.count < 440)
        #expect(try await isIdle(engine))
        #expect(try await collect(engine.submit(request(ids))).0.count == 12)
        engine.stop()
    }

    @Test func requestsWaitForPagesAndAllAreAnswered() async throws {
        let engine = try engine {
            $0.context = 128
            $0.poolTokens = 256
        }
        let expected = try await collect(engine.submit(request(ids))).0
        let streams = try (0..<6).map { _ in try engine.submit(request(ids)) }
        for stream in streams { #expect(try await collect(stream).0 == expected) }
        #expect(try await isIdle(engine))
        engine.stop()
    }

    @Test func whatTheEngineCannotRunIsRefusedAtOnce() throws {
        let engine = try engine { $0.poolTokens = 128 }
        #expect(throws: EngineError.emptyPrompt) { try engine.submit(request([])) }
        #expect(throws: EngineError.poolTooSmall(tokens: 164, poolTokens: 128)) {
            try engine.submit(request(ids, most: 100))
        }
        #expect(throws: DecoderError.self) { try engine.submit(request([Int32.max])) }
        #expect(throws: DecoderError.self) { try engine.submit(request([-1])) }
        for sampling in [
            Sampling(temperature: -1), Sampling(temperature: .nan), Sampling(topK: -1), Sampling(topP: 0),
            Sampling(topP: 1.1), Sampling(minP: -0.1), Sampling(minP: .nan),
        ] {
            #expect(throws: EngineError.self) { try engine.submit(request(ids, sampling: sampling)) }
        }
        #expect(throws: EngineError.self) { try engine.submit(request(ids, most: -1)) }

        func refused(_ segment: Segment) throws -> EngineError? {
            var bad = request(ids)
            bad.prompt.pieces.append(.segment(segment))
            return #expect(throws: EngineError.self) { try engine.submit(bad) }
        }
        let width = engine.model.hidden
        let zeros = [Float](repeating: 0, count: width)
        #expect(
            try refused(Segment(rows: [1, 2], width: 2, digest: ""))
                == .segmentWidth(expected: width, found: 2))
        #expect(
            try refused(Segment(rows: zeros, width: width, weight: 0.5, digest: "")) == .segmentWeight(0.5))
        #expect(
            try refused(Segment(rows: zeros.map { _ in .nan }, width: width, digest: "")) == .segmentNotFinite
        )
        engine.stop()
    }

    @Test func theQueueIsBounded() throws {
        let engine = try engine {
            $0.mostRunning = 1
            $0.mostWaiting = 2
        }
        var streams: [GenerationStream] = []
        let error = #expect(throws: EngineError.self) {
            for _ in 0..<10 { streams.append(try engine.submit(request(ids, most: 400))) }
        }
        #expect(error == .queueFull(limit: 2))
        #expect(streams.count >= 2)
        engine.stop()
    }

    @Test func stoppingEndsEverythingWithAnError() async throws {
        let engine = try engine { $0.mostRunning = 2 }
        let streams = try (0..<4).map { _ in try engine.submit(request(ids, most: 400)) }
        engine.stop()
        for stream in streams {
            await #expect(throws: EngineError.stopped) { _ = try await collect(stream) }
        }
        #expect(throws: EngineError.stopped) { try engine.submit(request(ids)) }
        engine.stop()
    }

    @Test func optionsOutOfRangeAreNamed() throws {
        let most = try DefaultModel.fast().contextLength
        let error = #expect(throws: EngineError.self) { try engine { $0.context = most + 1 } }
        #expect(try #require(error).description.contains("context: expected a number from 1 to \(most)"))
        #expect(throws: EngineError.self) { try engine { $0.poolTokens = 0 } }
        #expect(throws: EngineError.self) { try engine { $0.chunk = 0 } }
    }

    @Test func benchmarksGiveARateForEachTest() throws {
        let benchmark = Benchmark(try DefaultModel.fast())
        let prefill = try benchmark.prefill(tokens: 200, repetitions: 2)
        let decode = try benchmark.decode(tokens: 3, batch: 2, repetitions: 1)
        #expect(prefill.mean > 0 && prefill.standardDeviation >= 0)
        #expect(decode.mean > 0 && decode.standardDeviation == 0)
        #expect(throws: EngineError.self) { try benchmark.prefill(tokens: 0, repetitions: 1) }
        #expect(throws: EngineError.self) { try benchmark.decode(tokens: 1, batch: 0, repetitions: 1) }
    }
}
