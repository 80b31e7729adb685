import Decoder

/// Times a model: reading prompts and writing tokens, without sampling, on the calling thread.
public struct Benchmark {
    /// Tokens per second over the repetitions.
    public struct Rate: Sendable, Equatable {
        public var mean: Double
        /// Of the sample; 0 for a single repetition.
        public var standardDeviation: Double

        init(_ samples: [Double]) {
            let mean = samples.reduce(0, +) / Double(samples.count)
            let squares = samples.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
            self.mean = mean
            standardDeviation = samples.count > 1 ? (squares / Double(samples.count - 1)).squareRoot() : 0
        }
    }

    private let model: DecoderModel
    /// Rows of a prompt in one step.
    private let chunk: Int

    public init(_ model: DecoderModel, chunk: Int = Engine.Options().stepRows) {
        precondition(chunk > 0)
        self.model = model
        self.chunk = chunk
    }

    /// Reads a prompt of `tokens` tokens, `repetitions` times after one that is not counted.
    public func prefill(tokens: Int, repetitions: Int) throws -> Rate {
        try checkRun(tokens: tokens, repetitions: repetitions)
        let pool = try KVPool(model, pages: KVPool.pages(for: tokens))
        let pages = Array(0..<UInt32(pool.pageCount))
        let prompt = randomTokens(tokens, seed: 0)
        var logits: [Float] = []
        return try measure(tokens: tokens, repetitions: repetitions) {
            for start in stride(from: 0, to: tokens, by: chunk) {
                let end = min(start + chunk, tokens)
                let rows = SequenceRows(
                    pages: pages, length: start, tokens: Array(prompt[start..<end]),
                    logits: end == tokens ? 1 : 0)
                try model.step([rows], pool: pool, logits: &logits)
            }
        }
    }

    /// Writes `tokens` tokens in each of `batch` sequences at once, starting from nothing, `repetitions` times after
    /// one that is not counted. The rate counts the tokens of all sequences.
    public func decode(tokens: Int, batch: Int, repetitions: Int) throws -> Rate {
        try checkRun(tokens: tokens, repetitions: repetitions)
        try expect((1...4096).contains(batch), "batch", "a number from 1 to 4096", "\(batch)")
        let pagesEach = KVPool.pages(for: tokens)
        let pool = try KVPool(model, pages: batch * pagesEach)
        let inputs = (0..<batch).map { randomTokens(tokens, seed: UInt64($0)) }
        var logits: [Float] = []
        return try measure(tokens: tokens * batch, repetitions: repetitions) {
            for position in 0..<tokens {
                let rows = (0..<batch).map { sequence in
                    let first = UInt32(sequence * pagesEach)
                    return SequenceRows(
                        pages: Array(first..<first + UInt32(pagesEach)), length: position,
                        tokens: [inputs[sequence][position]], logits: 1)
                }
                try model.step(rows, pool: pool, logits: &logits)
            }
        }
    }

    private func checkRun(tokens: Int, repetitions: Int) throws(EngineError) {
        let most = model.contextLength
        try expect((1...most).contains(tokens), "tokens", "a number from 1 to \(most)", "\(tokens)")
        try expect(repetitions > 0, "repetitions", "a number of at least 1", "\(repetitions)")
    }

    private func measure(tokens: Int, repetitions: Int, _ run: () throws -> Void) throws -> Rate {
        try run()
        let samples = try (0..<repetitions).map { _ in
            let time = try ContinuousClock().measure(run)
            return Double(tokens) / (time / .seconds(1))
        }
        return Rate(samples)
    }

    private func randomTokens(_ count: Int, seed: UInt64) -> [Int32] {
        (0..<count).map { position in
            let random = Sampler.uniform(seed: seed, choice: 0, position: position)
            return Int32(random * Double(model.vocabulary))
        }
    }
}
