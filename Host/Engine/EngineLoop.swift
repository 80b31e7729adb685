import Decoder

/// The engine's thread: takes jobs in, runs steps, sends tokens. Confined to that thread.
final class EngineLoop {
    private let model: DecoderModel
    private let pool: KVPool
    private let inbox: Inbox
    private var scheduler: Scheduler
    /// Most tokens guessed in one step of a greedy answer; 0 for none.
    private let guesses: Int
    /// From an answer's first step.
    private let timeLimit: Duration?
    private var choices: [Scheduler.RequestID: RunningChoice] = [:]
    private var nextID: Scheduler.RequestID = 0
    private var sampler = Sampler()
    private var likelihoods = TokenLikelihoods()
    /// `[rows that give logits, vocabulary]` of the last step.
    private var logits: [Float] = []
    private var steps = 0

    init(
        model: DecoderModel, pool: KVPool, inbox: Inbox, scheduler: Scheduler, guesses: Int,
        timeLimit: Duration?
    ) {
        self.model = model
        self.pool = pool
        self.inbox = inbox
        self.scheduler = scheduler
        self.guesses = guesses
        self.timeLimit = timeLimit
    }

    /// Runs until the inbox says stop; then every job that is left fails.
    func run() {
        while let jobs = inbox.take(wait: scheduler.isEmpty) {
            jobs.forEach(add)
            removeUnwanted()
            endLate()
            let step = scheduler.next(guesses: guesses > 0 ? guess() : [:])
            report()
            if !step.isEmpty { run(step) }
            report()
        }
        choices.values.forEach { $0.job.fail(EngineError.stopped) }
        inbox.end().forEach { $0.fail(EngineError.stopped) }
    }

    private func report() {
        inbox.report(
            EngineLoad(
                waiting: scheduler.waitingCount, running: scheduler.runningCount,
                freePages: scheduler.freePageCount, keptPages: scheduler.keptPageCount,
                pages: pool.pageCount, preemptions: scheduler.preemptionCount, steps: steps))
    }

    private func add(_ job: GenerationJob) {
        let running = RunningJob(job)
        for index in 0..<job.request.choices {
            let id = nextID
            nextID += 1
            scheduler.add(
                SequenceState(
                    id: id, client: job.request.client, rows: job.rows.count,
                    mostRows: job.rows.count + job.most - 1, chain: job.chain))
            choices[id] = RunningChoice(running, index: index)
        }
    }

    private func removeUnwanted() {
        for (id, choice) in choices {
            if choice.job.isAbandoned {
                remove(id)
            } else if choice.job.isEnded(choice: choice.index) {
                remove(id)
                choice.running.end(.stop, choice: choice.index)
            }
        }
    }

    /// Ends what has taken its time.
    private func endLate() {
        guard let timeLimit else { return }
        let now = ContinuousClock.now
        for (id, choice) in choices {
            guard let started = choice.running.started, now - started >= timeLimit, choice.wrapUp() else {
                continue
            }
            remove(id)
            choice.running.end(choice.isComplete ? .stop : .length, choice: choice.index)
        }
    }

    private func remove(_ id: Scheduler.RequestID) {
        scheduler.remove(id)
        choices[id] = nil
    }

    /// Fails a job with all its choices.
    private func fail(_ job: GenerationJob, _ error: any Error) {
        job.fail(error)
        for (id, choice) in choices where choice.job === job { remove(id) }
    }

    private func guess() -> [Scheduler.RequestID: Int] {
        choices.mapValues { choice in
            choice.guess(most: guesses)
            return choice.guesses.count
        }
    }

    private func run(_ step: [Scheduler.Rows]) {
        let sequences = step.compactMap { rows in
            scheduler.pages(of: rows.id).flatMap { choices[rows.id]?.sequence(rows, pages: $0) }
        }
        do {
            steps += 1
            try model.step(sequences, pool: pool, logits: &logits)
        } catch {
            let jobs = step.compactMap { choices[$0.id]?.job }
            scheduler.fail(step)
            jobs.forEach { fail($0, error) }
            return
        }
        var output = 0
        for rows in step {
            if let choice = choices[rows.id] { finish(rows, of: choice, output: output) }
            output += rows.outputs
        }
    }

    /// Draws and sends the tokens that follow computed rows, whose logits are the step's from row `output` on.
    private func finish(_ rows: Scheduler.Rows, of choice: RunningChoice, output: Int) {
        let running = choice.running
        if running.cachedTokens == nil {
            running.cachedTokens = rows.length
            running.started = .now
        }
        var written: [Int32] = []
        var reason: FinishReason?
        for index in 0..<rows.outputs {
            let position = rows.length + rows.count - rows.outputs + index
            guard let token = draw(choice, output: output + index, position: position) else {
                fail(choice.job, EngineError.notFinite(position: position))
                return
            }
            written.append(token.id)
            if choice.job.request.endTokens.contains(token.id) {
                reason = .stop
                break
            }
            choice.append(token.id)
            running.send(token, choice: choice.index)
            if choice.constraint?.isFinished ?? false {
                reason = .stop
                break
            }
            if choice.writtenCount >= choice.limit {
                reason = choice.isComplete ? .stop : .length
                break
            }
            if index < rows.outputs - 1, token.id != choice.guesses[index] { break }
        }
        scheduler.advance(rows, written: written)
        let read = rows.length + rows.count
        if rows.outputs == 0, choice.index == 0, read < choice.job.rows.count { choice.job.send(.read(read)) }
        if let reason {
            remove(rows.id)
            running.end(reason, choice: choice.index)
        }
    }

    /// Draws the token that row `output` of the step's logits gives; nil where none is finite.
    private func draw(_ choice: RunningChoice, output: Int, position: Int) -> WrittenToken? {
        let request = choice.job.request
        return logits.withUnsafeMutableBufferPointer { logits in
            let row = UnsafeMutableBufferPointer(
                rebasing: logits[output * model.vocabulary..<(output + 1) * model.vocabulary])
            // How likely a token is, is said of the logits as the model gave them.
            let isChanged = choice.adjustment != nil || choice.constraint != nil
            let plain = request.alternatives != nil && isChanged ? Array(row) : []
            choice.adjustment?.apply(to: row)
            choice.constraint?.apply(
                to: row, remaining: choice.limit - choice.writtenCount, ends: request.endTokens)
            let drawn = sampler.draw(
                UnsafeBufferPointer(row), request.sampling, seed: choice.job.seed, choice: choice.index,
                position: position)
            guard let id = drawn else { return nil }
            guard let count = request.alternatives else { return WrittenToken(id: id) }
            let (token, most) =
                plain.isEmpty
                ? likelihoods.compute(UnsafeBufferPointer(row), token: id, count: count)
                : plain.withUnsafeBufferPointer { likelihoods.compute($0, token: id, count: count) }
            return WrittenToken(id: id, logprob: token.logprob, alternatives: most)
        }
    }
}
