import Decoder
import Engine
import Foundation
import Fusion
import TestSupport
import Testing
import Weights

/// An answer is the same, bit for bit, whatever the engine does meanwhile. The logits are compared as the logarithms of
/// all tokens' probabilities.
@Suite struct ExactnessTests {
    /// A llama with one thread and with two, and a glm4v, whose positions have three axes.
    private static let models = Result {
        let checkpoint = URL(fileURLWithPath: #filePath)
            .appendingPathComponent("../../Fixtures/Checkpoints/glm4v").standardized.path
        return [
            try DecoderModel.tinyLlama(context: 512, threads: 1),
            try DecoderModel.tinyLlama(context: 512, threads: 2),
            try DecoderModel(ModelSource(path: checkpoint), options: .init(threads: 2)),
        ]
    }

    private func engine(
        _ model: DecoderModel, _ change: (inout Engine.Options) -> Void = { _ in }
    ) throws -> Engine {
        var options = Engine.Options()
        change(&options)
        return try Engine(model, options: options)
    }

    private func tokens(_ count: Int, seed: UInt64, below vocabulary: Int = 40) -> [Int32] {
        var generator = SplitMix64(state: seed)
        return (0..<count).map { _ in Int32.random(in: 0..<Int32(vocabulary), using: &generator) }
    }

    /// A request that reports how likely every token of the vocabulary was.
    private func request(
        _ pieces: [Piece], most: Int, sampling: Sampling, vocabulary: Int = 40
    ) -> GenerationRequest {
        GenerationRequest(
            prompt: Prompt(pieces), sampling: sampling, maxNewTokens: most, endTokens: [],
            alternatives: vocabulary)
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
        func text(_ count: Int) -> [Int32] {
            let tokens = tokens(200, seed: UInt64(random(0...1)), below: model.vocabulary)
            return Array(tokens.prefix(count))
        }
        return try (0..<8).map { _ in
            var pieces: [Piece] = [.tokens(text(random(1...200)))]
            if random(0...1) == 0 {
                let (height, width) = (random(1...2), random(5...50))
                let rows = try model.embed(Array(text(height * width)))
                let places = (0..<height * width).map {
                    GridPosition(t: 0, h: Int32($0 / width), w: Int32($0 % width))
                }
                pieces.append(
                    .segment(
                        Segment(
                            rows: rows, width: model.hidden, weight: [1, 0.25, 1e-30][random(0...2)],
                            grid: Grid(t: 1, h: Int32(height), w: Int32(width)), positions: places,
                            digest: "\(rows.hashValue)")))
                pieces.append(.tokens(text(random(1...40))))
            }
            return request(
                pieces, most: random(1...60), sampling: samplings[random(0...4)],
                vocabulary: model.vocabulary)
        }
    }

    /// Each request alone, its prompt in one step, nothing kept or guessed.
    private func alone(
        _ requests: [GenerationRequest], _ model: DecoderModel
    ) async throws -> [[[WrittenToken]]] {
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
        // What one thread computes alone, two compute among others.
        let (first, second) = seed % 3 == 2 ? (models[2], models[2]) : (models[0], models[Int(seed % 3)])
        let requests = try requests(first, seed: seed)
        let expected = try await alone(requests, first)
        // The longest takes 400 rows: seven pages.
        let engine = try engine(second) {
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

    /// Of a grid whose rows lie on its diagonal every row has the place of a token.
    @Test(arguments: [0, 2], [false, true])
    func aSegmentOfEmbeddingsReadsLikeItsTokensAndAWeightChangesWhatFollows(
        model index: Int, hasGrid: Bool
    ) async throws {
        let model = try Self.models.get()[index]
        let ids = tokens(200, seed: 2)
        let rows = try model.embed(Array(ids[50..<120]))
        func pieces(weight: Float) throws -> [Piece] {
            let segment = Segment(
                rows: rows, width: model.hidden, weight: weight,
                grid: hasGrid ? Grid(t: 70, h: 70, w: 70) : nil,
                positions: hasGrid ? (0..<70).map { GridPosition(t: $0, h: $0, w: $0) } : [], digest: "rows")
            return [.tokens(Array(ids[..<50])), .segment(segment), .tokens(Array(ids[120...]))]
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

    /// The engine's positions and spans are those that the model is to be given.
    @Test func aGridReachesTheModelWithItsPlacesAndItsWeight() async throws {
        let model = try Self.models.get()[2]
        let ids = tokens(20, seed: 3)
        let rows = try model.embed(Array(ids[4..<10]))
        let places = (0..<6).map { GridPosition(t: 0, h: Int32($0 / 3), w: Int32($0 % 3)) }
        let segment = Segment(
            rows: rows, width: model.hidden, weight: 0.5, grid: Grid(t: 1, h: 2, w: 3), positions: places,
            digest: "rows")
        let pieces: [Piece] = [.tokens(Array(ids[..<4])), .segment(segment), .tokens(Array(ids[10...]))]
        let answer = try await alone(
            [request(pieces, most: 1, sampling: Sampling(temperature: 0), vocabulary: model.vocabulary)],
            model)
        // Text at 0 to 3, the grid from 4 on, at most 6, so text goes on from 7.
        let positions: [Int32] =
            (0..<4).flatMap { [$0, $0, $0] } + [4, 4, 4, 4, 4, 5, 4, 4, 6, 4, 5, 4, 4, 5, 5, 4, 5, 6]
            + (7..<17).flatMap { [$0, $0, $0] }
        var logits: [Float] = []
        try model.step(
            [
                SequenceRows(
                    pages: [0], length: 0, tokens: ids, positions: positions,
                    gates: [GatedSpan(rows: 4..<10, logWeight: log(0.5))], logits: 1)
            ], pool: KVPool(model, pages: 1), logits: &logits)
        var likelihoods = TokenLikelihoods()
        let token = try #require(answer[0][0].first)
        let expected = logits.withUnsafeBufferPointer {
            likelihoods.compute($0, token: token.id, count: model.vocabulary)
        }
        #expect(token.logprob == expected.token.logprob && token.alternatives == expected.most)
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
