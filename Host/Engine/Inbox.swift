import Foundation

/// How submitters reach the engine's thread, and how it says where it stands. Any thread.
final class Inbox: @unchecked Sendable {  // every stored property is used only while `condition` is locked
    private let condition = NSCondition()
    private var jobs: [GenerationJob] = []
    private var isStopping = false
    private var hasEnded = false
    private var load: EngineLoad

    private var waitingHere: Int { jobs.reduce(0) { $0 + $1.request.choices } }

    init(load: EngineLoad) {
        self.load = load
    }

    /// Hands in a job, unless `limit` choices wait already, here and in the scheduler.
    func add(_ job: GenerationJob, limit: Int) throws(EngineError) {
        condition.lock()
        defer { condition.unlock() }
        guard !isStopping else { throw .stopped }
        guard waitingHere + load.waiting < limit else { throw .queueFull(limit: limit) }
        jobs.append(job)
        condition.broadcast()
    }

    /// The jobs handed in since the last call, or nil once the engine is to stop.
    /// - Parameter wait: Whether to sleep until there is something to answer.
    func take(wait: Bool) -> [GenerationJob]? {
        condition.lock()
        defer { condition.unlock() }
        while wait, jobs.isEmpty, !isStopping { condition.wait() }
        guard !isStopping else { return nil }
        defer { jobs = [] }
        load.waiting += waitingHere  // so that a job counts as waiting from here to the next report
        return jobs
    }

    func report(_ load: EngineLoad) {
        condition.lock()
        self.load = load
        condition.unlock()
    }

    var currentLoad: EngineLoad {
        condition.lock()
        defer { condition.unlock() }
        var load = load
        load.waiting += waitingHere
        return load
    }

    /// Asks the engine's thread to end; from now on nothing is taken in.
    func requestStop() {
        condition.lock()
        isStopping = true
        condition.broadcast()
        condition.unlock()
    }

    /// Called by the engine's thread as its last act. Returns the jobs that it never took.
    func end() -> [GenerationJob] {
        condition.lock()
        defer { condition.unlock() }
        hasEnded = true
        condition.broadcast()
        defer { jobs = [] }
        return jobs
    }

    func waitForEnd() {
        condition.lock()
        while !hasEnded { condition.wait() }
        condition.unlock()
    }
}

/// What the engine is doing.
public struct EngineLoad: Sendable, Equatable {
    /// Choices not yet admitted.
    public var waiting: Int
    /// Choices being read or written.
    public var running: Int
    /// Pages that no choice holds.
    public var freePages: Int
    /// Those among them that hold what a later request may begin with.
    public var keptPages: Int
    public var pages: Int
    /// Times that a running choice had to give its pages back and wait again.
    public var preemptions: Int
    /// Steps run so far.
    public var steps: Int
}
