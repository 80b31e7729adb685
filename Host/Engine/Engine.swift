import Decoder
import Foundation
import Fusion
import Synchronization

/// Runs any number of generations at once on one model: a pool of pages and the thread that runs the steps.
///
/// Any thread may call it. Letting go of it ends its generations as ``stop()`` does, without waiting.
public final class Engine: Sendable {
    public struct Options: Sendable {
        /// Tokens that a prompt and its answer may take; nil: what the model was trained for.
        public var context: Int?
        /// Tokens that a prompt may take; nil: as many as the context holds.
        public var promptLimit: Int?
        /// Time from the first step of an answer, after which no more of it is written than its constraint needs; nil for
        /// no limit.
        public var timeLimit: Duration?
        /// Tokens that all running requests together may take; nil: sixteen full contexts, or what a quarter of the
        /// machine's memory holds of them, and at least one.
        public var poolTokens: Int?
        /// Rows of a step, which bound how long running streams wait for a prompt: a row for each of them, and what
        /// is left, but a quarter at least, for prompts.
        public var stepRows = 128
        /// Most choices running at once.
        public var mostRunning = 32
        /// Where so many choices wait to run, ``Engine/submit(_:)`` refuses more.
        public var mostWaiting = 256
        /// Whether pages are kept for later requests that begin alike.
        public var keepsPrefixes = true
        /// Most tokens guessed in one step of a greedy answer from what stands before (``PromptLookup``); 0 for none.
        /// Guesses change how fast tokens come, and nothing else.
        public var promptLookup = 0

        public init() {}
    }

    public let model: DecoderModel
    /// Tokens that a prompt and its answer may take.
    public let context: Int
    /// Tokens that a prompt may take.
    public var promptLimit: Int { options.promptLimit ?? context }
    private let options: Options
    private let inbox: Inbox
    private let pageCount: Int
    /// Of the next request, where requests are to share no pages.
    private let nextSalt = Atomic<UInt64>(1)

    /// Makes the pool and starts the thread.
    /// - Throws: ``EngineError`` for an option out of range, ``DecoderError`` where the pool cannot be had.
    public init(_ model: DecoderModel, options: Options = Options()) throws {
        func check(_ field: String, _ value: Int, most: Int) throws(EngineError) {
            try expect((1...most).contains(value), field, "a number from 1 to \(most)", "\(value)")
        }
        let context = options.context ?? model.contextLength
        try check("context", context, most: model.contextLength)
        if let limit = options.promptLimit { try check("prompt limit", limit, most: context) }
        let poolTokens = options.poolTokens ?? Self.poolTokens(model, context: context)
        try check("pool tokens", poolTokens, most: Int(Int32.max))
        try check("rows of a step", options.stepRows, most: 1 << 16)
        try check("most running requests", options.mostRunning, most: 1 << 12)
        try check("most waiting requests", options.mostWaiting, most: 1 << 20)
        try expect(
            (0...64).contains(options.promptLookup), "prompt lookup", "a number from 0 to 64",
            "\(options.promptLookup)")

        let pool = try KVPool(model, pages: KVPool.pages(for: poolTokens))
        self.model = model
        self.context = context
        self.options = options
        pageCount = pool.pageCount
        let inbox = Inbox(
            load: EngineLoad(
                waiting: 0, running: 0, freePages: pool.pageCount, keptPages: 0, pages: pool.pageCount,
                preemptions: 0, steps: 0))
        self.inbox = inbox
        let thread = Thread {
            let scheduler = Scheduler(
                pageCount: pool.pageCount, stepRows: options.stepRows, mostRunning: options.mostRunning,
                keepsPages: options.keepsPrefixes)
            EngineLoop(
                model: model, pool: pool, inbox: inbox, scheduler: scheduler, guesses: options.promptLookup,
                timeLimit: options.timeLimit
            ).run()
        }
        thread.name = "engine"
        thread.stackSize = 8 << 20
        thread.start()
    }

    deinit {
        inbox.requestStop()
    }

    /// Starts a generation. The stream ends with ``GenerationEvent/finished(_:)`` or an error.
    ///
    /// - Throws: ``EngineError`` or ``DecoderError`` where the request cannot be run; nothing was started then.
    public func submit(_ request: GenerationRequest) throws -> GenerationStream {
        try request.check(vocabulary: model.vocabulary)
        try checkPrompt(tokens: request.prompt.count)
        let rows = try PromptRows(request.prompt, for: model)
        let most = min(request.maxNewTokens ?? context, context - rows.count)
        guard KVPool.pages(for: rows.count + most) <= pageCount else {
            throw EngineError.poolTooSmall(
                tokens: rows.count + most, poolTokens: pageCount * KVPool.pageTokens)
        }

        let constraint = try request.constraint.map { constraint in
            guard let start = constraint.start(), let fewest = start.fewestTokens else {
                throw EngineError.noAnswer
            }
            guard fewest <= most else { throw EngineError.answerTooLong(tokens: fewest, limit: most) }
            return start
        }

        let salt = options.keepsPrefixes ? 0 : nextSalt.wrappingAdd(1, ordering: .relaxed).oldValue
        let (events, continuation) = AsyncThrowingStream<GenerationEvent, any Error>.makeStream()
        let job = GenerationJob(
            request, rows: rows, chain: rows.keys(salt: salt), most: most, constraint: constraint,
            continuation: continuation)
        if most > 0 {
            try inbox.add(job, limit: options.mostWaiting)
        } else {
            for choice in 0..<request.choices { job.send(.ended(.length, choice: choice)) }
            job.finish(Usage(promptTokens: rows.count, completionTokens: 0))
        }
        return GenerationStream(events: events, job: job)
    }

    /// Throws ``EngineError`` where a prompt of that many tokens is too long.
    public func checkPrompt(tokens: Int) throws(EngineError) {
        guard tokens <= context else { throw .contextExceeded(promptTokens: tokens, context: context) }
        guard tokens <= promptLimit else { throw .promptTooLong(tokens: tokens, limit: promptLimit) }
    }

    private static func poolTokens(_ model: DecoderModel, context: Int) -> Int {
        let memory = Int(ProcessInfo.processInfo.physicalMemory / 4)
        let affordable = memory / max(1, model.pageBytes) * KVPool.pageTokens
        return max(context, min(16 * context, affordable, Int(Int32.max)))
    }

    /// What the engine is doing.
    public var load: EngineLoad { inbox.currentLoad }

    /// Ends every generation with ``EngineError/stopped`` and waits for the step that is running. Not for use in a
    /// task, which it would block.
    public func stop() {
        inbox.requestStop()
        inbox.waitForEnd()
    }
}
