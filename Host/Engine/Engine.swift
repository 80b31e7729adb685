import Decoder
import Foundation
import Fusion

/// Runs any number of generations at once on one model: a pool of pages and the thread that runs the steps.
///
/// Any thread may call it. Letting go of it ends its generations as ``stop()`` does, without waiting.
public final class Engine: Sendable {
    public struct Options: Sendable {
        /// Tokens that a prompt and its answer may take; nil: what the model was trained for.
        public var context: Int?
        /// Tokens that all running requests together may take; nil: sixteen full contexts, or what a quarter of the
        /// machine's memory holds of them, and at least one.
        public var poolTokens: Int?
        /// Most rows of a prompt in one step, which bounds how long running streams wait for it.
        public var chunk = 128
        /// Most requests running at once.
        public var mostRunning = 32
        /// Most requests waiting to run; beyond that ``Engine/submit(_:)`` refuses.
        public var mostWaiting = 256

        public init() {}
    }

    public let model: DecoderModel
    /// Tokens that a prompt and its answer may take.
    public let context: Int
    private let options: Options
    private let inbox: Inbox
    private let pageCount: Int

    /// Makes the pool and starts the thread.
    /// - Throws: ``EngineError`` for an option out of range, ``DecoderError`` where the pool cannot be had.
    public init(_ model: DecoderModel, options: Options = Options()) throws {
        func check(_ field: String, _ value: Int, most: Int) throws(EngineError) {
            try expect((1...most).contains(value), field, "a number from 1 to \(most)", "\(value)")
        }
        let context = options.context ?? model.contextLength
        try check("context", context, most: model.contextLength)
        let poolTokens = options.poolTokens ?? Self.poolTokens(model, context: context)
        try check("pool tokens", poolTokens, most: Int(Int32.max))
        try check("chunk", options.chunk, most: 1 << 16)
        try check("most running requests", options.mostRunning, most: 1 << 12)
        try check("most waiting requests", options.mostWaiting, most: 1 << 20)

        let pool = try KVPool(model, pages: KVPool.pages(for: poolTokens))
        self.model = model
        self.context = context
        self.options = options
        pageCount = pool.pageCount
        let inbox = Inbox(
            load: EngineLoad(waiting: 0, running: 0, freePages: pool.pageCount, pages: pool.pageCount))
        self.inbox = inbox
        let thread = Thread {
            let scheduler = Scheduler(
                pageCount: pool.pageCount, chunk: options.chunk, mostRunning: options.mostRunning)
            EngineLoop(model: model, pool: pool, inbox: inbox, scheduler: scheduler).run()
        }
        thread.name = "engine"
        thread.stackSize = 8 << 20
        thread.start()
    }

    deinit {
        inbox.requestStop()
    }

    /// Starts a generation. The stream ends with ``GenerationEvent/finished(_:_:)`` or an error.
    ///
    /// - Throws: ``EngineError`` or ``DecoderError`` where the request cannot be run; nothing was started then.
    public func submit(_ request: GenerationRequest) throws -> GenerationStream {
        try request.sampling.check()
        if let most = request.maxNewTokens {
            try expect(most >= 0, "max_tokens", "a number of at least 0", "\(most)")
        }
        guard request.prompt.count <= context else {
            throw EngineError.contextExceeded(promptTokens: request.prompt.count, context: context)
        }
        let rows = try PromptRows(request.prompt, for: model)
        let most = min(request.maxNewTokens ?? context, context - rows.count)

        let (stream, continuation) = GenerationStream.makeStream()
        let job = GenerationJob(request, rows: rows, most: most, continuation: continuation)
        guard job.pageCount <= pageCount else {
            throw EngineError.poolTooSmall(
                tokens: rows.count + most, poolTokens: pageCount * KVPool.pageTokens)
        }
        if most == 0 {
            job.finish(.length, completionTokens: 0)
        } else {
            try inbox.add(job, limit: options.mostWaiting)
        }
        return stream
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
