import Decoder
import Engine
import Fusion
import TestSupport
import Testing
import Weights

@Suite(.serialized) struct EngineTests {
    /// A text of 64 tokens.
    private let ids: [Int32] = [
        504, 4626, 13685, 281, 260, 12610, 2120, 260, 3102, 284, 7313, 327, 34069, 4158, 288, 260, 3426,
        30, 533, 4921, 28, 645, 260, 5806, 34294, 28, 357, 15515, 260, 1642, 31693, 28, 284, 260, 5283,
        1485, 480, 11108, 288, 2061, 2118, 30, 5081, 1443, 929, 260, 1573, 5692, 7395, 314, 6370, 327,
        18924, 28, 284, 701, 3050, 411, 9741, 2489, 28, 527, 2933, 1083,
    ]

    private func engine(_ change: (inout Engine.Options) -> Void = { _ in }) throws -> Engine {
        var options = Engine.Options()
        options.context = 512
        change(&options)
        return try Engine(DefaultModel.open().decoder, options: options)
    }

    private func request(
        _ ids: some Sequence<Int32>, most: Int? = 12, sampling: Sampling = Sampling(temperature: 0),
        endTokens: Set<Int32> = []
    ) -> GenerationRequest {
        GenerationRequest(
            prompt: Prompt([.tokens(Array(ids))]), sampling: sampling, maxNewTokens: most,
            endTokens: endTokens)
    }

    private func collect(_ stream: GenerationStream) async throws -> Answer {
        try await Answer(stream)
    }

    @Test func greedyAnswersAreEqualAloneAndAmongOthers() async throws {
        let engine = try engine()
        let alone = try await collect(engine.submit(request(ids)))
        #expect(alone.ids.count == 12)
        #expect(
            alone.reason == .length && alone.usage == Usage(promptTokens: ids.count, completionTokens: 12))
        let others = try (1...4).map { try engine.submit(request(ids.dropFirst($0), most: 30)) }
        let among = try await collect(engine.submit(request(ids)))
        #expect(among.ids == alone.ids)
        for (index, stream) in others.enumerated() {
            #expect(try await collect(stream).ids.count == 30, "neighbour \(index)")
        }
        #expect(try await collect(engine.submit(request(ids))).ids == alone.ids)
        engine.stop()
    }

    @Test func aPromptHasALimitOfItsOwn() async throws {
        let engine = try engine { $0.promptLimit = 63 }
        defer { engine.stop() }
        #expect(throws: EngineError.promptTooLong(tokens: 64, limit: 63)) {
            _ = try engine.submit(request(ids))
        }
        #expect(try await collect(engine.submit(request(ids.dropLast()))).ids.count == 12)
        #expect(throws: EngineError.self) { _ = try self.engine { $0.promptLimit = 513 } }
    }

    /// Time is up before anything is written, and the engine goes on for others.
    @Test func anAnswerThatHasTakenItsTimeEndsAsAtItsLimit() async throws {
        let engine = try engine { $0.timeLimit = .nanoseconds(1) }
        defer { engine.stop() }
        for _ in 0..<2 {
            let answer = try await collect(engine.submit(request(ids + ids + ids, most: 200)))
            #expect(answer.reason == .length)
            #expect(answer.ids.count < 200)
            #expect(answer.usage?.completionTokens == answer.ids.count)
        }
        #expect(try await engine.isIdle())
    }

    @Test func seededAnswersAreRepeatable() async throws {
        let engine = try engine()
        let sampling = Sampling(temperature: 1, topP: 0.95, seed: 11)
        let first = try await collect(engine.submit(request(ids, sampling: sampling))).ids
        let neighbour = try engine.submit(request(ids, sampling: Sampling(seed: 12)))
        #expect(try await collect(engine.submit(request(ids, sampling: sampling))).ids == first)
        #expect(try await collect(neighbour).ids != first)
        engine.stop()
    }

    @Test func choicesShareTheirPromptAndDifferByTheirNumber() async throws {
        let engine = try engine { $0.keepsPrefixes = false }
        var three = request(ids + ids, sampling: Sampling(seed: 11))
        three.choices = 3
        let answer = try await Answer(engine.submit(three), choices: 3)
        #expect(answer.tokens.map(\.count) == [12, 12, 12])
        #expect(Set(answer.tokens.map { $0.map(\.id) }).count == 3)
        #expect(answer.reasons == [.length, .length, .length])
        #expect(answer.usage == Usage(promptTokens: 128, completionTokens: 36))
        var one = three
        one.choices = 1
        #expect(try await collect(engine.submit(one)).tokens[0] == answer.tokens[0])
        engine.stop()
    }

    @Test func theReadingOfALongPromptIsTold() async throws {
        let engine = try engine()
        let long = Array(repeatElement(ids, count: 7).joined())
        let read = try await Answer(engine.submit(request(long))).read
        #expect(!read.isEmpty && read == read.sorted() && Set(read).count == read.count)
        #expect(read.allSatisfy { 0 < $0 && $0 < long.count })
        #expect(try await Answer(engine.submit(request(ids))).read.isEmpty)
        engine.stop()
    }

    @Test func aChoiceEndsByItself() async throws {
        let engine = try engine()
        var two = request(ids, most: 60)
        two.choices = 2
        var events = try engine.submit(two).makeAsyncIterator()
        var counts = [0, 0]
        var reasons: [FinishReason?] = [nil, nil]
        while let event = try await events.next() {
            switch event {
            case .read: break
            case .token(_, let choice):
                counts[choice] += 1
                if counts[0] == 2 { events.end(choice: 0) }
            case .ended(let reason, let choice): reasons[choice] = reason
            case .finished(let usage): #expect(usage.completionTokens == counts[0] + counts[1])
            }
        }
        #expect(counts[0] < 60 && counts[1] == 60)
        #expect(reasons == [.stop, .length])
        engine.stop()
    }

    @Test func whatAnEarlierRequestComputedIsReported() async throws {
        let engine = try engine()
        let long = ids + ids + ids
        let first = try await collect(engine.submit(request(long)))
        #expect(first.usage?.cachedTokens == 0)
        let second = try await collect(engine.submit(request(long)))
        #expect(second.tokens == first.tokens)
        #expect(second.usage == Usage(promptTokens: 192, completionTokens: 12, cachedTokens: 128))
        #expect(try await engine.isIdle())
        #expect(engine.load.keptPages == 3)
        // The answer is part of the next turn's prompt, and its pages are too.
        let turn = try await collect(engine.submit(request(long, most: 100)))
        let next = try await collect(engine.submit(request(long + turn.ids + ids)))
        #expect(next.usage?.cachedTokens == 256)
        engine.stop()
    }

    @Test func guessesChangeNothingButTheNumberOfSteps() async throws {
        let plain = try engine()
        let guessing = try engine { $0.promptLookup = 8 }
        // A model left to itself repeats itself sooner or later.
        let expected = try await collect(plain.submit(request(ids, most: 150)))
        #expect(try await collect(guessing.submit(request(ids, most: 150))).tokens == expected.tokens)
        plain.stop()
        guessing.stop()
    }

    @Test func aPromptInChunksGivesTheSameTokens() async throws {
        var answers: [[Int32]] = []
        for chunk in [1, 7, 128] {
            let engine = try engine { $0.stepRows = chunk }
            answers.append(try await collect(engine.submit(request(ids))).ids)
            engine.stop()
        }
        #expect(answers[0].count == 12)
        #expect(answers[1] == answers[0] && answers[2] == answers[0])
    }

    @Test func aSegmentOfEmbeddingsReadsLikeItsTokens() async throws {
        let engine = try engine { $0.stepRows = 10 }
        let expected = try await collect(engine.submit(request(ids))).ids
        // Rows 15 … 36 as a segment, so that its ends fall inside chunks.
        let rows = try engine.model.embed(Array(ids[15..<37]))
        let segment = Segment(rows: rows, width: engine.model.hidden, digest: "test")
        var mixed = request(ids)
        mixed.prompt = Prompt([
            .tokens(Array(ids[..<15])), .segment(segment), .tokens(Array(ids[37...])),
        ])
        #expect(try await collect(engine.submit(mixed)).ids == expected)
        engine.stop()
    }

    @Test func anEndTokenStopsAndIsNotSent() async throws {
        let engine = try engine()
        let tokens = try await collect(engine.submit(request(ids))).ids
        let end = try #require(tokens.dropFirst(4).first { !tokens.prefix(4).contains($0) })
        let position = try #require(tokens.firstIndex(of: end))
        let ended = try await collect(engine.submit(request(ids, endTokens: [end])))
        #expect(ended.ids == Array(tokens[..<position]) && ended.reason == .stop)
        #expect(ended.usage?.completionTokens == position)
        engine.stop()
    }

    @Test func anAnswerEndsWithTheContext() async throws {
        let engine = try engine { $0.context = 70 }
        let answer = try await collect(engine.submit(request(ids, most: nil)))
        #expect(answer.ids.count == 6 && answer.reason == .length)
        #expect(answer.usage == Usage(promptTokens: 64, completionTokens: 6))
        let full = try await collect(engine.submit(request(ids + ids[..<6], most: 5)))
        #expect(full.ids.isEmpty && full.reason == .length)
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
        #expect(try await task.value.ids.count < 440)
        #expect(try await engine.isIdle())
        #expect(try await collect(engine.submit(request(ids))).ids.count == 12)
        engine.stop()
    }

    @Test func requestsWaitForPagesAndAllAreAnswered() async throws {
        let engine = try engine {
            $0.context = 128
            $0.poolTokens = 256
        }
        let expected = try await collect(engine.submit(request(ids))).ids
        let streams = try (0..<6).map { _ in try engine.submit(request(ids)) }
        for stream in streams { #expect(try await collect(stream).ids == expected) }
        #expect(try await engine.isIdle())
        engine.stop()
    }

    @Test func anAnswerThatGaveItsPagesBackIsTheSame() async throws {
        let alone = try engine()
        let expected = try await collect(alone.submit(request(ids, most: 70)))
        alone.stop()
        // Room for both prompts and a page for each answer, of which either needs two.
        let engine = try engine { $0.poolTokens = 320 }
        let streams = try (0..<2).map { _ in try engine.submit(request(ids, most: 70)) }
        for stream in streams { #expect(try await collect(stream).tokens == expected.tokens) }
        #expect(engine.load.preemptions > 0)
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
            Sampling(topP: 1.1), Sampling(minP: -0.1), Sampling(minP: .nan), Sampling(repetitionPenalty: 0),
            Sampling(presencePenalty: .infinity), Sampling(frequencyPenalty: .nan),
            Sampling(logitBias: [-1: 1]), Sampling(logitBias: [Int32.max: 1]), Sampling(logitBias: [1: .nan]),
        ] {
            #expect(throws: EngineError.self) { try engine.submit(request(ids, sampling: sampling)) }
        }
        #expect(throws: EngineError.self) { try engine.submit(request(ids, most: -1)) }
        for (choices, alternatives) in [(0, 0), (129, 0), (1, -1), (1, engine.model.vocabulary + 1)] {
            var bad = request(ids)
            bad.choices = choices
            bad.alternatives = alternatives
            #expect(throws: EngineError.self) { try engine.submit(bad) }
        }

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
        for weight: Float in [-0.5, 1.5, .nan] {
            let error = try refused(Segment(rows: zeros, width: width, weight: weight, digest: ""))
            #expect(try #require(error).description.contains("weight"))
        }
        let outside = Segment(
            rows: zeros, width: width, grid: Grid(t: 1, h: 2, w: 2),
            positions: [GridPosition(t: 0, h: 2, w: 0)], digest: "")
        #expect(try #require(try refused(outside)).description.contains("row 0 lies at 0, 2, 0"))
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
        let most = try DefaultModel.open().decoder.contextLength
        let error = #expect(throws: EngineError.self) { try engine { $0.context = most + 1 } }
        #expect(try #require(error).description.contains("context: expected a number from 1 to \(most)"))
        #expect(throws: EngineError.self) { try engine { $0.poolTokens = 0 } }
        #expect(throws: EngineError.self) { try engine { $0.stepRows = 0 } }
    }

    @Test func benchmarksGiveARateForEachTest() throws {
        let benchmark = Benchmark(try DefaultModel.open().decoder)
        let prefill = try benchmark.prefill(tokens: 200, repetitions: 2)
        let decode = try benchmark.decode(tokens: 3, batch: 2, depth: 70, repetitions: 1)
        #expect(prefill.mean > 0 && prefill.standardDeviation >= 0)
        #expect(decode.mean > 0 && decode.standardDeviation == 0)
        #expect(decode.residentBytes > 0)
        #expect(throws: EngineError.self) { try benchmark.prefill(tokens: 0, repetitions: 1) }
        #expect(throws: EngineError.self) { try benchmark.prefill(tokens: 2, depth: 8191, repetitions: 1) }
        #expect(throws: EngineError.self) { try benchmark.decode(tokens: 1, batch: 0, repetitions: 1) }
        #expect(throws: EngineError.self) {
            try benchmark.decode(tokens: 1, batch: 1, depth: -1, repetitions: 1)
        }
    }

    @Test func aDecodeStepReadsEveryWeightAndWhatItsSequencesHold() throws {
        let model = try DefaultModel.open().decoder
        let benchmark = Benchmark(model)
        let file = try GGUFFile(path: DefaultModel.path())
        #expect(model.stepWeightBytes == file.tensors.reduce(0) { $0 + $1.byteCount })
        // 30 layers, 3 heads of 64 numbers, keys and values, float16.
        let row = 30 * 3 * 64 * 2 * 2
        let bytes = benchmark.bytesRead(tokens: 1, batch: 4, depth: 99)
        #expect(bytes == Double(model.stepWeightBytes + 4 * 100 * row))
    }
}
