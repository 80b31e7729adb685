import CSystemPosix
import Foundation
import PluginHost

/// A plugin in a process of its own.
///
/// One thread reads what the worker says, until the socket closes; then it reaps the process and fails whatever was
/// waiting, with the reason.
final class WorkerProcess: LoadedPlugin {
    let facts: PluginFacts
    let outputs: OutputFacts
    let processID: Int32
    private let name: String
    private let connection: WorkerConnection

    var isAlive: Bool { connection.isAlive }
    /// A batch is what waits when the one before it is done, so a worker holds as many calls as one takes.
    var mostCalls: Int { outputs.mostCalls }

    /// Time that a plugin has to return after it was told that a result is no longer wanted.
    private static let cancelGrace = Duration.seconds(5)

    /// How long a call that is over its time may take to notice before its process is ended.
    private static let overdueGrace = 1.0
    /// The lowest priority there is: an encoder yields to the decoder, whose tokens somebody is reading. The decoder's
    /// threads meet many times a token, so that a few steps below them are not enough: at 5 an encode on every core left
    /// running streams 7% of their rate, at 19 it leaves them half, and itself takes a third longer.
    static let callNiceness: Int32 = 19
    /// Live streams are little work that somebody waits for while speaking, so they do not yield.
    static let streamNiceness: Int32 = 0

    /// Starts `executable` and waits until the plugin is ready; a cancelled task ends the process, and so does the end
    /// of `startLimit` seconds. `name` is used in messages; `ended` is called once, from any thread, when the
    /// process is gone.
    static func start(
        executable: String, name: String, request: OpenRequest,
        startLimit: Double? = RegisteredPlugin.defaultStartLimitSeconds, niceness: Int32 = callNiceness,
        log: @escaping PluginLog,
        ended: @escaping @Sendable () -> Void
    ) async throws(PluginFailure) -> WorkerProcess {
        let (channel, processID) = try spawn(executable, threads: request.threads, niceness)
        let connection = WorkerConnection(
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
            Alarm(after: seconds) {
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
        name: String, facts: PluginFacts, outputs: OutputFacts, processID: Int32, connection: WorkerConnection
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

    func encode(
        _ input: EncodeInput, timeLimit: Double?, isBehindOthers: Bool
    ) async throws(PluginFailure) -> EncodeOutput {
        let reply = try await perform(
            timeLimit: timeLimit, isBehindOthers: isBehindOthers, memory: input.memory,
            reader: .init(progress: input.progress, text: input.text)
        ) { job, deadline in
            .encode(job: job, deadline: deadline, parts: input.parts, tellsText: input.text != nil)
        }
        guard case .encoded(_, let nanoseconds, let segments) = reply else { throw outOfTurn }
        guard segments.allSatisfy({ $0.part < input.parts.count }) else {
            throw PluginFailure(
                .violation, "plugin \(name): the worker answered for a part that it was not given")
        }
        return EncodeOutput(segments: segments, nanoseconds: nanoseconds)
    }

    func perform(
        _ call: StreamCall, on stream: UInt64, timeLimit: Double?
    ) async throws(PluginFailure) -> [StreamPartial] {
        let reply = try await perform(timeLimit: timeLimit) {
            .stream(job: $0, deadline: $1, number: stream, call)
        }
        guard case .streamed(_, let partials) = reply else { throw outOfTurn }
        return partials
    }

    func closeStream(_ number: UInt64) {
        connection.closeStream(number)
    }

    func testItself(timeLimit: Double?) async throws(PluginFailure) {
        let reply = try await perform(timeLimit: timeLimit) { .selfTest(job: $0, deadline: $1) }
        guard case .passed = reply else { throw outOfTurn }
    }

    private var outOfTurn: PluginFailure {
        PluginFailure(.violation, "plugin \(name): the worker answered out of turn")
    }

    /// Sends a job and waits for its reply; a cancelled task and the end of the time are told to the plugin, and a
    /// plugin that does not listen is ended.
    private func perform(
        timeLimit: Double?, isBehindOthers: Bool = false, memory: SharedMemory? = nil,
        reader: WorkerConnection.Reader = .init(),
        _ message: (_ job: UInt64, _ deadline: UInt64) -> HostMessage
    ) async throws(PluginFailure) -> WorkerReply {
        let job = connection.newJob()
        // The batch before it ends within its own limit, or is ended; that time is not this call's.
        let time = timeLimit.map { isBehindOthers ? 2 * $0 + Self.overdueGrace : $0 }
        let deadline = time.map { monotonicNanoseconds() + UInt64($0 * 1e9) } ?? 0
        let alarms = time.map { [connection] seconds in
            [
                Alarm(after: seconds) { connection.cancel(job: job) },
                Alarm(after: seconds + Self.overdueGrace) {
                    connection.end(for: .overdue(timeLimit ?? seconds), job: job)
                },
            ]
        }
        defer {
            alarms?.forEach { $0.cancel() }
            connection.forget(job: job)
        }
        let result = await withTaskCancellationHandler {
            await connection.call(job: job, message(job, deadline), memory: memory, reader: reader)
        } onCancel: {
            connection.cancel(job: job)
            Task { [connection] in
                try? await Task.sleep(for: Self.cancelGrace)
                connection.killIfPending(job: job)
            }
        }
        do throws(PluginFailure) {
            return try result.get()
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
        _ executable: String, threads: UInt32, _ niceness: Int32
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
        // Threads that the worker starts later inherit it.
        setpriority(__priority_which_t(PRIO_PROCESS.rawValue), id_t(process), niceness)
        return (channel, process)
    }
}

extension PluginFailure {
    /// A call took longer than it may.
    static func overdue(_ seconds: Double) -> PluginFailure {
        PluginFailure(.timedOut, "the call took longer than its limit of \(seconds) s")
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
