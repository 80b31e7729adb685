import Decoder
import Engine
import Fusion
import TestSupport
import Testing

/// An answer is the same, bit for bit, whatever the engine does meanwhile. The logits are compared as the logarithms of
/// all tokens' probabilities.
@Suite struct ExactnessTests {
    private static let context = 1024
    private static let models = Result {
        try [1, 2].map { try DecoderModel.tinyLlama(context: context, threads: $0) }
    }

    private func engine(
        _ model: DecoderModel, _ change: (inout Engine.Options) -> Void = { _ in }
    ) throws -> Engine {
        var options = Engine.Options()
        change(&options)
        return try Engine(model, options: options)
    }

    private func tokens(_ count: Int, seed: UInt64) -> [Int32] {
        var generator = SplitMix64(state: seed)
        return (0..<count).map { _ in Int32.random(in: 0..<40, using: &generator) }
    }

    /// A request that reports how likely every token of the vocabulary was.
    private func request(_ pieces: [Piece], most: Int, sampling: Sampling) -> GenerationRequest {
        GenerationRequest(
            prompt: Prompt(pieces), sampling: sampling, maxNewTokens: most, endTokens: [], alternatives: 40)
    }

    /// Requests of many kinds, some of which begin alike, with media parts among them.
    private func requests(_ model: DecoderModel, seed: UInt64) throws -> [GenerationRequest] {
        var generator = SplitMix64(state: seed)
        func random(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &generator) }
        let samplings = [
            Sampling(temperature: 0), Sampling(seed: 3), Sampling(temperature: 0.7, topP: 0.9, seed: 4),
            Sampling(temperature: 0, repetitionPenalty: 1.3),
            Sampling(presencePenalty: 0.5, frequencyPenalty: 0.5, logitBias: [3: 2, 5: -100], seed: 5),
        ]
        return try (0..<8).map { _ in
            var pieces: [Piece] = [
                .tokens(Array(tokens(300, seed: UInt64(random(0...1))).prefix(random(1...300))))
            ]
            if random(0...1) == 0 {
                let segment = random(0...2)
                let rows = try model.embed(tokens(20 + 50 * segment, seed: UInt64(segment)))
                pieces.append(
                    .segment(
                        Segment(
                            rows: rows, width: model.hidden, weight: [1, 0.25, 1e-30][random(0...2)],
                            digest: "segment \(segment)")))
                pieces.append(.tokens(tokens(random(1...40), seed: UInt64(random(0...1)))))
            }
            return request(pieces, most: random(1...60), sampling: samplings[random(0...4)])
        }
    }

    /// Each request alone, its prompt in one step, nothing kept or guessed.
    private func alone(_ requests: [GenerationRequest], _ model: DecoderModel) async throws
        -> [[[WrittenToken]]]
    {
        let engine = try engine(model) {
            $0.stepRows = 2048
            $0.keepsPrefixes = false
        }
        defer { engine.stop() }
        var answers: [[[WrittenToken]]] = []
        for request in requests { answers.append(try await Answer(engine.submit(request)).tokens) }
        return answers
    }

    @Test func theEngineGivesTheLogitsOfTheModelAlone() async throws {
        let model = try Self.models.get()[0]
        let prompt = tokens(150, seed: 1)
        let answer = try await alone(
            [request([.tokens(prompt)], most: 30, sampling: Sampling(seed: 1))], model)
        let written = answer[0][0].map(\.id)
        let logits = try model.logits(prompt + written)
        var likelihoods = TokenLikelihoods()
        for (index, token) in answer[0][0].enumerated() {
            let start = (prompt.count - 1 + index) * model.vocabulary
            let expected = logits[start..<start + model.vocabulary].withUnsafeBufferPointer {
                likelihoods.compute($0, token: token.id, count: 40)
            }
            #expect(token.logprob == expected.token.logprob && token.alternatives == expected.most)
        }
    }

    @Test(arguments: 0..<24)
    func answersDependOnNothingButTheirRequest(seed: UInt64) async throws {
        let models = try Self.models.get()
        var generator = SplitMix64(state: seed)
        let requests = try requests(models[0], seed: seed)
        let expected = try await alone(requests, models[0])
        // The longest takes 470 rows: eight pages.
        let engine = try engine(models[Int(seed % 2)]) {
            $0.stepRows = [1, 3, 17, 64, 128][Int.random(in: 0...4, using: &generator)]
            $0.poolTokens = [512, 700, 1500, 20_000][Int.random(in: 0...3, using: &generator)]
            $0.mostRunning = Int.random(in: 1...8, using: &generator)
            $0.keepsPrefixes = Int.random(in: 0...3, using: &generator) > 0
            $0.promptLookup = Int.random(in: 0...1, using: &generator) * 5
        }
        // The second time, what the first left behind is there.
        for round in 1...2 {
            let streams = try requests.map { try engine.submit($0) }
            for (index, stream) in streams.enumerated() {
                let answer = try await Answer(stream)
                #expect(answer.tokens == expected[index], "round \(round), request \(index)")
            }
            #expect(try await engine.isIdle())
        }
        engine.stop()
    }

    @Test func requestsThatGaveTheirPagesBackGoOnExactly() async throws {
        let model = try Self.models.get()[0]
        let requests = (0..<6).map { seed in
            request(
                [.tokens(tokens(60, seed: UInt64(seed)))], most: 200, sampling: Sampling(seed: UInt64(seed)))
        }
        let expected = try await alone(requests, model)
        let engine = try engine(model) { $0.poolTokens = 640 }
        let streams = try requests.map { try engine.submit($0) }
        for (index, stream) in streams.enumerated() {
            #expect(try await Answer(stream).tokens == expected[index])
        }
        #expect(engine.load.preemptions > 0)
        engine.stop()
    }

    @Test func aSegmentOfEmbeddingsReadsLikeItsTokensAndAWeightChangesWhatFollows() async throws {
        let model = try Self.models.get()[0]
        let ids = tokens(200, seed: 2)
        func pieces(weight: Float) throws -> [Piece] {
            let rows = try model.embed(Array(ids[50..<120]))
            return [
                .tokens(Array(ids[..<50])),
                .segment(Segment(rows: rows, width: model.hidden, weight: weight, digest: "rows")),
                .tokens(Array(ids[120...])),
            ]
        }
        let sampling = Sampling(temperature: 0)
        let answers = try await alone(
            [
                request([.tokens(ids)], most: 5, sampling: sampling),
                request(pieces(weight: 1), most: 5, sampling: sampling),
                request(pieces(weight: 0.5), most: 5, sampling: sampling),
                request(pieces(weight: 0), most: 5, sampling: sampling),
            ], model)
        #expect(answers[1] == answers[0])
        #expect(answers[2] != answers[0] && answers[3] != answers[2])
        #expect(answers[3][0].allSatisfy { $0.logprob?.isFinite == true })
    }

    @Test func guessesSaveSteps() async throws {
        let model = try Self.models.get()[0]
        // Greedy, a model this small soon repeats itself.
        let greedy = request([.tokens(tokens(20, seed: 1))], most: 300, sampling: Sampling(temperature: 0))
        let expected = try await alone([greedy], model)
        let engine = try engine(model) { $0.promptLookup = 8 }
        #expect(try await Answer(engine.submit(greedy)).tokens == expected[0])
        #expect(engine.load.steps < 200)
        engine.stop()
    }
}
