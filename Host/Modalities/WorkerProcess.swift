import CSystemPosix
import Foundation
import PluginHost
import Synchronization

/// A plugin in a process of its own.
///
/// One thread reads what the worker says, until the socket closes; then it reaps the process and fails whatever was
/// waiting, with the reason.
final class WorkerProcess: LoadedPlugin {
    let facts: PluginFacts
    let outputs: OutputFacts
    let processID: Int32
    private let name: String
    private let connection: Connection

    var isAlive: Bool { connection.isAlive }

    /// Time that a plugin has to return after it was told that a result is no longer wanted.
    private static let cancelGrace = Duration.seconds(5)

    /// How long a call that is over its time may take to notice before its process is ended.
    private static let overdueGrace = Duration.seconds(1)
    /// Added to the nice value: an encoder yields to the decoder, whose tokens somebody is reading.
    private static let niceness: Int32 = 5

    /// Starts `executable` and waits until the plugin is ready; a cancelled task ends the process, and so does the end
    /// of `startLimit` seconds. `name` is used in messages; `ended` is called once, from any thread, when the
    /// process is gone.
    static func start(
        executable: String, name: String, request: OpenRequest,
        startLimit: Double? = RegisteredPlugin.defaultStartLimitSeconds, log: @escaping PluginLog,
        ended: @escaping @Sendable () -> Void
    ) async throws(PluginFailure) -> WorkerProcess {
        let (channel, processID) = try spawn(executable, threads: request.threads)
        let connection = Connection(
            channel: channel, processID: processID, name: name, log: { log(request.plugin, $0, $1) },
            ended: ended)
        do throws(PluginFailure) {
            try startThread { connection.readReplies() }
        } catch {
            // Nobody else will take it from the system's table.
            kill(processID, SIGKILL)
            waitpid(processID, nil, 0)
            throw error
        }
        let alarm = startLimit.map { seconds in
            Task {
                guard (try? await Task.sleep(for: .seconds(seconds))) != nil else { return }
                connection.end(
                    for: PluginFailure(
                        .timedOut, "it was not ready within \(seconds) s, so its worker was ended"))
            }
        }
        defer { alarm?.cancel() }
        do throws(PluginFailure) {
            let opened = await withTaskCancellationHandler {
                await connection.call(job: 0, .open(request))
            } onCancel: {
                connection.end()
            }
            guard case .opened(let facts, let outputs) = try opened.get() else {
                throw PluginFailure(.violation, "the worker answered out of turn")
            }
            return WorkerProcess(
                name: name, facts: facts, outputs: outputs, processID: processID, connection: connection)
        } catch {
            connection.end()
            throw error.prefixed("loading plugin \(name)")
        }
    }

    private init(
        name: String, facts: PluginFacts, outputs: OutputFacts, processID: Int32, connection: Connection
    ) {
        self.name = name
        self.facts = facts
        self.outputs = outputs
        self.processID = processID
        self.connection = connection
    }

    deinit {
        connection.end()
    }

    func encode(_ input: EncodeInput, timeLimit: Double?) async throws(PluginFailure) -> EncodeOutput {
        let job = connection.newJob()
        let deadline = timeLimit.map { monotonicNanoseconds() + UInt64($0 * 1e9) } ?? 0
        let message = HostMessage.encode(job: job, deadline: deadline, parts: input.parts)
        let alarm = timeLimit.map { seconds in
            Task { [connection] in
                guard (try? await Task.sleep(for: .seconds(seconds))) != nil else { return }
                connection.cancel(job: job)
                guard (try? await Task.sleep(for: Self.overdueGrace)) != nil else { return }
                connection.end(for: .overdue(seconds))
            }
        }
        defer { alarm?.cancel() }
        let result = await withTaskCancellationHandler {
            await connection.call(job: job, message, memory: input.memory)
        } onCancel: {
            connection.cancel(job: job)
            Task { [connection] in
                try? await Task.sleep(for: Self.cancelGrace)
                connection.killIfPending(job: job)
            }
        }
        do throws(PluginFailure) {
            guard case .encoded(_, let nanoseconds, let segments) = try result.get() else {
                throw PluginFailure(.violation, "the worker answered out of turn")
            }
            guard segments.allSatisfy({ $0.part < input.parts.count }) else {
                throw PluginFailure(.violation, "the worker answered for a part that it was not given")
            }
            return EncodeOutput(segments: segments, nanoseconds: nanoseconds)
        } catch {
            if error.reason == .cancelled, let timeLimit, !Task.isCancelled,
                monotonicNanoseconds() >= deadline
            {
                throw PluginFailure.overdue(timeLimit).prefixed("plugin \(name)")
            }
            throw error.prefixed("plugin \(name)")
        }
    }

    func end(for failure: PluginFailure) {
        connection.end(for: failure)
    }

    func unload() {
        connection.end()
    }

    /// The host's end of the socket, and the process that has the other end.
    private static func spawn(
        _ executable: String, threads: UInt32
    ) throws(PluginFailure) -> (WorkerChannel, Int32) {
        let (channel, socket) = try WorkerChannel.pair()
        // Closed here at once: as long as the host holds it too, it cannot see the worker hang up.
        defer { close(socket) }
        let variables = WorkerEnvironment.variables(of: ProcessInfo.processInfo.environment, threads: threads)
        let process = withCStrings([executable]) { arguments in
            withCStrings(variables.map { "\($0)=\($1)" }) { environment in
                gh_spawn(executable, arguments, environment, socket)
            }
        }
        guard process > 0 else {
            throw PluginFailure(.system, "starting \(executable): \(String(cString: strerror(errno)))")
        }
        // Below the host's own, whatever that is; the threads that the worker starts later inherit it.
        let which = __priority_which_t(PRIO_PROCESS.rawValue)
        setpriority(which, id_t(process), getpriority(which, 0) + niceness)
        return (channel, process)
    }
}

extension PluginFailure {
    /// A call took longer than it may.
    static func overdue(_ seconds: Double) -> PluginFailure {
        PluginFailure(.timedOut, "the call took longer than its limit of \(seconds) s")
    }
}

/// Calls in flight to one worker process. Any thread.
private final class Connection: Sendable {
    private struct State {
        /// Job 0 is the opening.
        var nextJob: UInt64 = 1
        var waiting: [UInt64: CheckedContinuation<Result<WorkerReply, PluginFailure>, Never>] = [:]
        /// Set when the process is gone: what calls from now on fail with.
        var ending: PluginFailure?
        /// Jobs that did not return in time after they were cancelled; the process was killed for them.
        var overdue: Set<UInt64> = []
        /// Why the host killed the process.
        var verdict: PluginFailure?
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

    /// Sends `message` and waits for the reply to `job`.
    func call(
        job: UInt64, _ message: HostMessage, memory: SharedMemory? = nil
    ) async -> Result<WorkerReply, PluginFailure> {
        await withCheckedContinuation { continuation in
            let ending = state.withLock { state in
                if state.ending == nil { state.waiting[job] = continuation }
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
        try? channel.send(.cancel(job: job))
    }

    func killIfPending(job: UInt64) {
        state.withLock { state in
            guard state.waiting[job] != nil, state.ending == nil else { return }
            state.overdue.insert(job)
            kill(processID, SIGKILL)
        }
    }

    /// Kills the process; what it was asked fails with `failure`.
    func end(for failure: PluginFailure) {
        state.withLock { state in
            guard state.ending == nil else { return }
            state.verdict = state.verdict ?? failure
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
                state.verdict ?? violation
                ?? (isHungUp.load(ordering: .relaxed)
                    ? PluginFailure(.unavailable, "it was unloaded before it answered")
                    : PluginFailure(.crashed, "its worker (process \(processID)) \(end)"))
            state.ending = failure
            defer { state.waiting = [:] }
            return state.waiting.map { job, continuation in
                let overdue = PluginFailure(
                    .cancelled, "cancelled; it did not return in time, so its worker was ended")
                return (continuation, state.overdue.contains(job) ? overdue : failure)
            }
        }
        for (continuation, failure) in waiting { continuation.resume(returning: .failure(failure)) }
        ended()
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
        case .progress: break
        case .log(let level, let line): log(level, line)
        }
    }

    private func resume(_ job: UInt64, _ result: Result<WorkerReply, PluginFailure>) {
        state.withLock { $0.waiting.removeValue(forKey: job) }?.resume(returning: result)
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

/// Calls `body` with a NULL-terminated array of C strings.
private func withCStrings<Result>(
    _ strings: [String], _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) -> Result
) -> Result {
    var pointers: [UnsafeMutablePointer<CChar>?] = strings.map { strdup($0) }
    pointers.append(nil)
    defer { pointers.forEach { free($0) } }
    return pointers.withUnsafeBufferPointer { buffer in
        guard let start = buffer.baseAddress else { preconditionFailure("the array holds at least its end") }
        return body(start)
    }
}
