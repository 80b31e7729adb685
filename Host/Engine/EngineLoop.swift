import Decoder

/// The engine's thread: takes jobs in, runs steps, sends tokens. Confined to that thread.
final class EngineLoop {
    /// An admitted or waiting job and what it has written.
    private struct Generation {
        let job: GenerationJob
        /// Token that the next decoding row feeds.
        var last: Int32 = -1
        var written = 0
    }

    private let model: DecoderModel
    private let pool: KVPool
    private let inbox: Inbox
    private var scheduler: Scheduler
    private var generations: [Scheduler.RequestID: Generation] = [:]
    private var nextID: Scheduler.RequestID = 0
    private var sampler = Sampler()
    /// `[rows that give a token, vocabulary]` of the last step.
    private var logits: [Float] = []

    init(model: DecoderModel, pool: KVPool, inbox: Inbox, scheduler: Scheduler) {
        self.model = model
        self.pool = pool
        self.inbox = inbox
        self.scheduler = scheduler
    }

    /// Runs until the inbox says stop; then every job that is left fails.
    func run() {
        while let jobs = inbox.take(wait: scheduler.isEmpty) {
            jobs.forEach(add)
            for (id, generation) in generations where generation.job.isAbandoned { remove(id) }
            let step = scheduler.next()
            report()
            if !step.isEmpty { run(step) }
            report()
        }
        generations.values.forEach { $0.job.fail(EngineError.stopped) }
        inbox.end().forEach { $0.fail(EngineError.stopped) }
    }

    private func report() {
        inbox.report(
            EngineLoad(
                waiting: scheduler.waitingCount, running: scheduler.runningCount,
                freePages: scheduler.freePageCount, pages: pool.pageCount))
    }

    private func add(_ job: GenerationJob) {
        let id = nextID
        nextID += 1
        scheduler.add(id, promptRows: job.rows.count, pageCount: job.pageCount)
        generations[id] = Generation(job: job)
    }

    private func remove(_ id: Scheduler.RequestID) {
        scheduler.remove(id)
        generations[id] = nil
    }

    private func run(_ step: [Scheduler.Rows]) {
        do {
            try model.step(step.compactMap(sequence), pool: pool, logits: &logits)
        } catch {
            // The pages of everything in the step are lost; what waits may still succeed.
            for rows in step {
                generations[rows.id]?.job.fail(error)
                remove(rows.id)
            }
            return
        }
        scheduler.advance(step)
        for (output, rows) in step.filter(\.givesToken).enumerated() {
            write(rows, output: output)
        }
    }

    /// The rows in the form the model takes them.
    private func sequence(_ rows: Scheduler.Rows) -> SequenceRows? {
        guard let generation = generations[rows.id], let pages = scheduler.pages(of: rows.id) else {
            return nil
        }
        let prompt = generation.job.rows
        let range = rows.length..<rows.length + rows.count
        let isPrompt = range.upperBound <= prompt.count
        return SequenceRows(
            pages: pages, length: rows.length,
            tokens: isPrompt ? Array(prompt.tokens[range]) : [generation.last],
            embeddings: isPrompt ? prompt.embeddings(range) : [],
            logits: rows.givesToken ? 1 : 0)
    }

    /// Draws and sends the token that follows `rows`, whose logits are row `output` of the step's.
    private func write(_ rows: Scheduler.Rows, output: Int) {
        guard var generation = generations[rows.id] else { return }
        let job = generation.job
        let position = rows.length + rows.count - 1
        let drawn = logits.withUnsafeBufferPointer { logits in
            let row = logits[output * model.vocabulary..<(output + 1) * model.vocabulary]
            return sampler.draw(
                UnsafeBufferPointer(rebasing: row), job.sampling, seed: job.seed, choice: job.choice,
                position: position)
        }
        guard let token = drawn else {
            job.fail(EngineError.notFinite(position: position))
            remove(rows.id)
            return
        }
        if job.endTokens.contains(token) {
            remove(rows.id)
            job.finish(.stop, completionTokens: generation.written)
            return
        }
        generation.last = token
        generation.written += 1
        job.send(token)
        if generation.written == job.most {
            remove(rows.id)
            job.finish(.length, completionTokens: generation.written)
        } else {
            generations[rows.id] = generation
        }
    }
}
