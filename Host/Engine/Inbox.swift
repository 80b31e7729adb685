import Foundation

/// How submitters reach the engine's thread, and how it says where it stands. Any thread.
final class Inbox: @unchecked Sendable {  // every stored property is used only while `condition` is locked
    private let condition = NSCondition()
    private var jobs: [GenerationJob] = []
    private var isStopping = false
    private var hasEnded = false
    private var load: EngineLoad

    init(load: EngineLoad) {
        self.load = load
    }

    /// Hands in a job; `limit` bounds those that wait, here and in the scheduler.
    func add(_ job: GenerationJob, limit: Int) throws(EngineError) {
        condition.lock()
        defer { condition.unlock() }
        guard !isStopping else { throw .stopped }
        guard jobs.count + load.waiting < limit else { throw .queueFull(limit: limit) }
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
        load.waiting += jobs.count  // so that a job counts as waiting from here to the next report
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
        load.waiting += jobs.count
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
    /// Requests not yet admitted.
    public var waiting: Int
    /// Requests being read or written.
    public var running: Int
    public var freePages: Int
    public var pages: Int
}
