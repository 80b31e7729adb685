import Constraints
import Decoder

/// A job that the engine's thread has taken in. Confined to that thread, as its choices are.
final class RunningJob {
    let job: GenerationJob
    /// Choices that have not ended.
    private var remaining: Int
    private var completionTokens = 0
    /// Rows that its first sequence found computed; nil before it runs.
    var cachedTokens: Int?
    /// When its first rows were computed; nil before.
    var started: ContinuousClock.Instant?

    init(_ job: GenerationJob) {
        self.job = job
        remaining = job.request.choices
    }

    func send(_ token: WrittenToken, choice: Int) {
        completionTokens += 1
        job.send(.token(token, choice: choice))
    }

    /// Ends a choice, and with the last of them the stream.
    func end(_ reason: FinishReason, choice: Int) {
        job.send(.ended(reason, choice: choice))
        remaining -= 1
        guard remaining == 0 else { return }
        job.finish(
            Usage(
                promptTokens: job.rows.count, completionTokens: completionTokens,
                cachedTokens: cachedTokens ?? 0))
    }
}

/// One of a job's answers: a sequence of the scheduler's.
final class RunningChoice {
    let running: RunningJob
    let index: Int
    /// Of the prompt, -1 where a row is a segment's, and of the answer so far.
    private(set) var tokens: [Int32]
    private(set) var adjustment: LogitAdjustment?
    private(set) var constraint: ConstraintState?
    /// Most tokens to write.
    private(set) var limit: Int
    /// Tokens guessed to follow, in the step that is planned.
    var guesses: [Int32] = []

    var job: GenerationJob { running.job }
    /// Whether it is held to something and fits it as it is; of free text nobody knows.
    var isComplete: Bool { constraint.map { $0.isComplete && !$0.isFree } ?? false }
    var writtenCount: Int { tokens.count - job.rows.count }

    init(_ running: RunningJob, index: Int) {
        self.running = running
        self.index = index
        tokens = running.job.rows.tokens
        limit = running.job.most
        constraint = running.job.constraint
        adjustment = LogitAdjustment(running.job.request.sampling, prompt: running.job.rows.tokens)
    }

    func append(_ token: Int32) {
        tokens.append(token)
        adjustment?.record(token)
        constraint?.advance(token)
    }

    /// Lets no more be written than what an answer under way needs to fit its constraint.
    ///
    /// - Returns: Whether it needs nothing more, so that the choice ends where it is.
    func wrapUp() -> Bool {
        guard let fewest = constraint?.fewestTokens else { return true }
        limit = min(limit, writtenCount + fewest)
        return fewest == 0
    }

    /// Guesses what follows, where guesses pay: the most likely token is always taken.
    func guess(most: Int) {
        let left = limit - writtenCount - 1
        guesses =
            job.request.sampling.temperature == 0 && writtenCount > 0
            ? PromptLookup.guess(after: tokens, most: min(most, left)) : []
    }

    /// The rows in the form the model takes them.
    func sequence(_ rows: Scheduler.Rows, pages: [UInt32]) -> SequenceRows {
        let range = rows.length..<rows.length + rows.count
        var ids = Array(tokens[range.clamped(to: 0..<tokens.count)])
        ids += guesses.prefix(range.count - ids.count)
        return job.rows.sequence(range, pages: pages, tokens: ids, logits: rows.outputs)
    }
}
