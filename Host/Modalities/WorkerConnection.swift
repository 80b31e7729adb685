import Foundation
import PluginHost
import Synchronization

/// Calls in flight to one worker process. Any thread.
final class WorkerConnection: Sendable {
    /// Who reads along while a job is done. Told from any thread.
    struct Reader: Sendable {
        /// How far it has come, 0 … 1.
        var progress: (@Sendable (Double) -> Void)?
        /// Segments of text as they end.
        var text: (@Sendable (String) -> Void)?
    }

    private struct State {
        /// Job 0 is the opening.
        var nextJob: UInt64 = 1
        var waiting: [UInt64: CheckedContinuation<Result<WorkerReply, PluginFailure>, Never>] = [:]
        /// Of waiting jobs.
        var readers: [UInt64: Reader] = [:]
        /// Set when the process is gone: what calls from now on fail with.
        var ending: PluginFailure?
        /// Jobs whose results are no longer wanted.
        var cancelled: Set<UInt64> = []
        /// Whether the process was killed because these did not return in time.
        var isOverdue = false
        /// Why the host killed the process, and the job that it was for, nil for none of them.
        var verdict: (failure: PluginFailure, job: UInt64?)?
        var isConfined = false
    }

    private let channel: WorkerChannel
    private let processID: Int32
    private let name: String
    private let log: @Sendable (PluginLogLevel, String) -> Void
    private let ended: @Sendable () -> Void
    private let state = Mutex(State())
    /// Whether it was this side that ended the conversation.
    private let isHungUp = Atomic<Bool>(false)

    init(
        channel: WorkerChannel, processID: Int32, name: String,
        log: @escaping @Sendable (PluginLogLevel, String) -> Void, ended: @escaping @Sendable () -> Void
    ) {
        self.channel = channel
        self.processID = processID
        self.name = name
        self.log = log
        self.ended = ended
    }

    var isAlive: Bool { state.withLock { $0.ending == nil } }

    func newJob() -> UInt64 {
        state.withLock { state in
            defer { state.nextJob += 1 }
            return state.nextJob
        }
    }

    /// A job is done with, whatever came of it.
    func forget(job: UInt64) {
        state.withLock { _ = $0.cancelled.remove(job) }
    }

    /// Sends `message` and waits for the reply to `job`.
    func call(
        job: UInt64, _ message: HostMessage, memory: SharedMemory? = nil, reader: Reader = Reader()
    ) async -> Result<WorkerReply, PluginFailure> {
        await withCheckedContinuation { continuation in
            let ending = state.withLock { state in
                if state.ending == nil {
                    state.waiting[job] = continuation
                    state.readers[job] = reader
                }
                return state.ending
            }
            if let ending {
                continuation.resume(returning: .failure(ending))
                return
            }
            do throws(PluginFailure) {
                try channel.send(message, memory: memory)
            } catch {
                // A worker that died is found by the reading thread, whose reason is the better one.
                log(.debug, error.message)
            }
            // A cancel that came before the job was sent meant nothing to the worker.
            if job != 0, Task.isCancelled { cancel(job: job) }
        }
    }

    func cancel(job: UInt64) {
        state.withLock { if $0.waiting[job] != nil { $0.cancelled.insert(job) } }
        try? channel.send(.cancel(job: job))
    }

    /// Frees a live stream. A worker that is gone has none.
    func closeStream(_ number: UInt64) {
        try? channel.send(.closeStream(number: number))
    }

    /// Kills the process if a cancelled job is not back, and nobody waits for another of the same batch.
    func killIfPending(job: UInt64) {
        state.withLock { state in
            guard state.waiting[job] != nil, state.ending == nil,
                state.waiting.keys.allSatisfy({ state.cancelled.contains($0) })
            else { return }
            state.isOverdue = true
            kill(processID, SIGKILL)
        }
    }

    /// Kills the process. `job` fails with `failure`, and so does whatever else it was asked where no job is named.
    func end(for failure: PluginFailure, job: UInt64? = nil) {
        state.withLock { state in
            guard state.ending == nil else { return }
            if let job, state.waiting[job] == nil { return }
            state.verdict = state.verdict ?? (failure, job)
            kill(processID, SIGKILL)
        }
    }

    /// Hangs up; the worker ends itself.
    func end() {
        isHungUp.store(true, ordering: .relaxed)
        channel.shutDown()
    }

    /// Until the worker is gone.
    func readReplies() {
        var violation: PluginFailure?
        do throws(PluginFailure) {
            while let reply = try channel.receiveFromWorker() { try take(reply) }
        } catch {
            violation = error
        }
        waitUntilDead()
        let waiting = state.withLock { state in
            // Reaped under the lock, so that nobody signals a process id that belongs to another by then.
            let end = reap()
            // A message that was cut by the kill is no violation.
            let failure =
                state.verdict?.failure ?? violation
                ?? (isHungUp.load(ordering: .relaxed)
                    ? PluginFailure(.unavailable, "it was unloaded before it answered")
                    : PluginFailure(.crashed, "its worker (process \(processID)) \(end)"))
            state.ending = failure
            defer { state.waiting = [:] }
            return state.waiting.map { job, continuation in
                (continuation, Self.share(of: job, in: failure, state))
            }
        }
        for (continuation, failure) in waiting { continuation.resume(returning: .failure(failure)) }
        ended()
    }

    /// What one job is told of the end of its process. Where several were in it, any of them may have been the cause.
    private static func share(of job: UInt64, in failure: PluginFailure, _ state: State) -> PluginFailure {
        if state.isOverdue, state.cancelled.contains(job) {
            return PluginFailure(.cancelled, "cancelled; it did not return in time, so its worker was ended")
        }
        if state.cancelled.contains(job) && state.waiting.count > 1 {
            return PluginFailure(.cancelled, "cancelled")
        }
        if state.verdict?.job == job || state.waiting.count == 1 || failure.reason == .unavailable {
            return failure
        }
        return PluginFailure(.interrupted, failure.message)
    }

    private func take(_ reply: WorkerReply) throws(PluginFailure) {
        switch reply {
        case .confined(let calls, let lacks):
            // Once and before any code of the plugin; what comes later is not from the worker's own hand.
            guard
                state.withLock({ state in
                    defer { state.isConfined = true }
                    return !state.isConfined
                })
            else { throw PluginFailure(.violation, "the worker entered its sandbox twice") }
            SandboxLog.tell(lacks: lacks, log)
            if let calls { try SandboxLog.follow(calls, log) }
        case .opened: resume(0, .success(reply))
        case .encoded(let job, _, _): resume(job, .success(reply))
        case .failed(let job, let failure): resume(job, .failure(failure))
        case .passed(let job): resume(job, .success(reply))
        case .streamed(let job, _): resume(job, .success(reply))
        case .progress(let job, let fraction): state.withLock { $0.readers[job] }?.progress?(fraction)
        case .wrote(let job, let text): state.withLock { $0.readers[job] }?.text?(text)
        case .log(let level, let line): log(level, line)
        }
    }

    private func resume(_ job: UInt64, _ result: Result<WorkerReply, PluginFailure>) {
        state.withLock { state in
            state.readers[job] = nil
            return state.waiting.removeValue(forKey: job)
        }?.resume(returning: result)
    }

    /// A worker that was asked to go gets time to; one that hung up by itself is dead or broken.
    private func waitUntilDead() {
        let patience: UInt64 = isHungUp.load(ordering: .relaxed) ? 3_000_000_000 : 0
        let start = monotonicNanoseconds()
        var killed = false
        var info = siginfo_t()
        while true {
            let options = WEXITED | WNOWAIT | (killed ? 0 : WNOHANG)
            if waitid(P_PID, id_t(processID), &info, options) == 0 {
                if killed || info.si_signo != 0 { return }
            } else if errno != EINTR {
                return
            }
            if !killed, monotonicNanoseconds() - start >= patience {
                kill(processID, SIGKILL)
                killed = true
            } else if !killed {
                usleep(5000)
            }
        }
    }

    /// Takes the dead process from the system's table and says how it ended.
    private func reap() -> String {
        var status: Int32 = 0
        guard waitpid(processID, &status, 0) == processID else { return "is gone" }
        let signal = status & 0x7F
        return signal == 0
            ? "ended with exit code \(status >> 8 & 0xFF)"
            : "was ended by signal \(signal) (\(String(cString: strsignal(signal))))"
    }
}
