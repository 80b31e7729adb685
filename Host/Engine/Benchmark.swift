import CKernels
import Decoder
import Glibc
import PluginHost

/// Times a model: reading prompts and writing tokens, without sampling, on the calling thread.
public struct Benchmark {
    /// What a test gave.
    public struct Measurement: Sendable, Equatable {
        /// Tokens per second, of the repetitions.
        public var mean: Double
        /// Of the repetitions as a sample; 0 for a single one.
        public var standardDeviation: Double
        /// Of the process at the end of the test, whose pages are still there.
        public var residentBytes: Int

        init(_ samples: [Double]) {
            let mean = samples.reduce(0, +) / Double(samples.count)
            let squares = samples.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
            self.mean = mean
            standardDeviation = samples.count > 1 ? (squares / Double(samples.count - 1)).squareRoot() : 0
            residentBytes = ProcessMemory.resident(getpid()) ?? 0
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

    /// Reads a prompt of `tokens` tokens that follow `depth` others, `repetitions` times after one that is not counted.
    public func prefill(tokens: Int, depth: Int = 0, repetitions: Int) throws -> Measurement {
        try checkRun(tokens: tokens, depth: depth, repetitions: repetitions)
        let run = try Run(model, sequences: 1, tokens: depth + tokens)
        try run.read(0..<depth, of: 0, chunk: chunk)
        return try measure(tokens: tokens, repetitions: repetitions) {
            try run.read(depth..<depth + tokens, of: 0, chunk: chunk)
        }
    }

    /// Writes `tokens` tokens in each of `batch` sequences at once, each of which holds `depth` others already,
    /// `repetitions` times after one that is not counted. The rate counts the tokens of all sequences.
    public func decode(tokens: Int, batch: Int, depth: Int = 0, repetitions: Int) throws -> Measurement {
        try checkRun(tokens: tokens, depth: depth, repetitions: repetitions)
        try expect((1...4096).contains(batch), "batch", "a number from 1 to 4096", "\(batch)")
        let run = try Run(model, sequences: batch, tokens: depth + tokens)
        for sequence in 0..<batch { try run.read(0..<depth, of: sequence, chunk: chunk) }
        return try measure(tokens: tokens * batch, repetitions: repetitions) {
            for position in depth..<depth + tokens { try run.write(position) }
        }
    }

    /// Bytes that a step of ``decode(tokens:batch:depth:repetitions:)`` has to read, in the mean over its steps: every
    /// weight once, and the keys and values of each sequence up to the token that is written.
    public func bytesRead(tokens: Int, batch: Int, depth: Int = 0) -> Double {
        let row = Double(model.pageBytes) / Double(KVPool.pageTokens)
        return Double(model.stepWeightBytes) + Double(batch) * row * (Double(depth) + Double(tokens + 1) / 2)
    }

    /// Bytes per second at which `threads` threads together read memory that no cache holds: the best of eight passes
    /// (`gh_read_bandwidth` says how). Takes about a second, and `gh_uncached_bytes` of memory while it does.
    public static func readBandwidth(threads: Int) throws(DecoderError) -> Double {
        try limit("measuring the read bandwidth") {
            gh_read_bandwidth(UInt32(clamping: threads), gh_uncached_bytes(), 8, $0)
        }
    }

    /// Operations per second that `threads` threads together reach in registers, a multiplication and an addition being
    /// two, in float32 and of eight bits (`gh_peak_arithmetic` says how). Takes some milliseconds.
    public static func peakArithmetic(threads: Int) throws(DecoderError) -> (float32: Double, int8: Double) {
        func peak(_ arithmetic: gh_arithmetic) throws(DecoderError) -> Double {
            try limit("measuring the peak of arithmetic") {
                gh_peak_arithmetic(UInt32(clamping: threads), arithmetic, 8, $0)
            }
        }
        return (try peak(GH_ARITHMETIC_F32), try peak(GH_ARITHMETIC_I8))
    }

    private static func limit(
        _ what: String, _ measure: (UnsafeMutablePointer<Double>) -> gh_status
    ) throws(DecoderError) -> Double {
        var result = 0.0
        try DecoderError.check(measure(&result), what)
        return result
    }

    private func checkRun(tokens: Int, depth: Int, repetitions: Int) throws(EngineError) {
        let most = model.contextLength
        try expect((0..<most).contains(depth), "depth", "a number from 0 to \(most - 1)", "\(depth)")
        try expect(
            (1...most - depth).contains(tokens), "tokens", "a number from 1 to \(most - depth)", "\(tokens)")
        try expect(repetitions > 0, "repetitions", "a number of at least 1", "\(repetitions)")
    }

    private func measure(tokens: Int, repetitions: Int, _ run: () throws -> Void) throws -> Measurement {
        try run()
        let samples = try (0..<repetitions).map { _ in
            let time = try ContinuousClock().measure(run)
            return Double(tokens) / (time / .seconds(1))
        }
        return Measurement(samples)
    }
}

/// Sequences of random tokens, and the pages for them.
private final class Run {
    private let pool: KVPool
    private let inputs: [[Int32]]
    private let pages: [[UInt32]]
    private var logits: [Float] = []

    init(_ model: DecoderModel, sequences: Int, tokens: Int) throws {
        let pagesEach = KVPool.pages(for: tokens)
        pool = try KVPool(model, pages: sequences * pagesEach)
        inputs = (0..<sequences).map { sequence in
            (0..<tokens).map { position in
                let random = Sampler.uniform(seed: UInt64(sequence), choice: 0, position: position)
                return Int32(random * Double(model.vocabulary))
            }
        }
        pages = (0..<sequences).map { sequence in
            (0..<pagesEach).map { UInt32(sequence * pagesEach + $0) }
        }
    }

    /// Reads some of a sequence's tokens, `chunk` in a step; the last one has logits.
    func read(_ positions: Range<Int>, of sequence: Int, chunk: Int) throws {
        for start in stride(from: positions.lowerBound, to: positions.upperBound, by: chunk) {
            let end = min(start + chunk, positions.upperBound)
            let rows = SequenceRows(
                pages: pages[sequence], length: start, tokens: Array(inputs[sequence][start..<end]),
                logits: end == positions.upperBound ? 1 : 0)
            try pool.model.step([rows], pool: pool, logits: &logits)
        }
    }

    /// Writes the token at `position` of every sequence, in one step.
    func write(_ position: Int) throws {
        let rows = zip(pages, inputs).map { pages, inputs in
            SequenceRows(pages: pages, length: position, tokens: [inputs[position]], logits: 1)
        }
        try pool.model.step(rows, pool: pool, logits: &logits)
    }
}
