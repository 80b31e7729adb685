import Glibc
import PluginHost
import Synchronization

/// The process that one plugin runs in. It opens what the first message names, encodes one job after the other, and
/// ends when the socket closes.
@main
enum Worker {
    /// Where `gh_spawn` puts the socket to the host.
    static let socket: Int32 = 3
    /// How long the plugin may take to let go once the host has hung up.
    static let graceSeconds: UInt32 = 2

    static func main() {
        guard isSocket(socket) else {
            printToStandardError(
                "gatehouse-worker is started by gatehouse, with a socket as descriptor \(socket)")
            exit(2)
        }
        // Where the other end is gone, writing fails; it does not kill.
        signal(SIGPIPE, SIG_IGN)
        let channel = WorkerChannel(socket: socket)
        do {
            let session = Session(channel: channel, sandbox: try confine(channel))
            try startThread { session.readMessages() }
            session.run()
        } catch {
            try? channel.send(.failed(job: 0, error))
            printToStandardError("gatehouse-worker: \(error)")
            exit(1)
        }
    }

    /// Learns which library it is, and enters the sandbox for it, while this is the only thread.
    private static func confine(_ channel: WorkerChannel) throws(PluginFailure) -> Sandbox {
        guard let (message, _) = try channel.receiveFromHost() else { exit(0) }
        guard case .open(let request) = message else {
            throw PluginFailure(.violation, "the host's first message names no library")
        }
        let (sandbox, report) = try Sandbox.enter(for: request)
        try channel.send(report)
        return sandbox
    }

    private static func isSocket(_ descriptor: Int32) -> Bool {
        var status = stat()
        return fstat(descriptor, &status) == 0 && status.st_mode & S_IFMT == S_IFSOCK
    }
}

/// One conversation with the host. A thread of its own reads, so that a cancel or the end of the conversation is seen
/// while the plugin works; the main thread makes every call into the plugin.
final class Session: Sendable {
    private enum Work: Sendable {
        case encode(Job)
        case selfTest(JobControl)
        case stream(JobControl, number: UInt64, StreamCall)
        case closeStream(number: UInt64)
        case end
    }

    private struct Job: Sendable {
        let control: JobControl
        let parts: [PartRange]
        let memory: SharedMemory
    }

    private let channel: WorkerChannel
    private let sandbox: Sandbox
    private let work = BlockingQueue<Work>()
    /// Jobs that were received and are not answered yet.
    private let jobs = Mutex<[UInt64: JobControl]>([:])

    init(channel: WorkerChannel, sandbox: Sandbox) {
        self.channel = channel
        self.sandbox = sandbox
    }

    /// Reads until the conversation ends, and then ends the process.
    func readMessages() {
        do {
            while let (message, memory) = try channel.receiveFromHost() { take(message, memory) }
        } catch {
            printToStandardError("gatehouse-worker: \(error)")
        }
        jobs.withLock { for job in $0.values { job.cancel() } }
        work.add(.end)
        sleep(Worker.graceSeconds)
        _exit(0)
    }

    private func take(_ message: HostMessage, _ memory: SharedMemory?) {
        switch message {
        case .open:
            reply(.failed(job: 0, PluginFailure(.violation, "the host named a second library")))
        case .encode(let id, let deadline, let parts, let tellsText):
            let progress: @Sendable (Double) -> Void = { [channel] fraction in
                try? channel.send(.progress(job: id, fraction))
            }
            let text: @Sendable (String) -> Void = { [channel] text in
                try? channel.send(.wrote(job: id, text))
            }
            let job = JobControl(
                id: id, deadline: deadline, progress: progress, text: tellsText ? text : nil)
            guard let memory else {
                reply(.failed(job: id, PluginFailure(.violation, "the host sent a job without memory")))
                return
            }
            jobs.withLock { $0[id] = job }
            work.add(.encode(Job(control: job, parts: parts, memory: memory)))
        case .selfTest(let id, let deadline):
            let job = JobControl(id: id, deadline: deadline)
            jobs.withLock { $0[id] = job }
            work.add(.selfTest(job))
        case .stream(let id, let deadline, let number, let call):
            let job = JobControl(id: id, deadline: deadline)
            jobs.withLock { $0[id] = job }
            work.add(.stream(job, number: number, call))
        case .closeStream(let number):
            work.add(.closeStream(number: number))
        case .cancel(let id):
            jobs.withLock { $0[id]?.cancel() }
            // One that has not begun need not wait for those before it.
            let isWaiting = work.remove {
                switch $0 {
                case .encode(let job): job.control.id == id
                case .stream(let job, _, _): job.id == id
                default: false
                }
            }
            if isWaiting { finish(id, .failed(job: id, PluginFailure(.cancelled, "cancelled"))) }
        }
    }

    /// Calls the plugin, on the calling thread, until the conversation ends.
    func run() {
        var instance: PluginInstance?
        do {
            let opened = try open(sandbox.request)
            instance = opened
            reply(.opened(opened.facts, opened.outputs))
        } catch {
            reply(.failed(job: 0, error))
        }
        while true {
            switch work.next() {
            case .encode(let job):
                encode(instance, [job] + takeBatch(of: instance?.outputs.mostCalls ?? 1))
            case .selfTest(let job):
                do throws(PluginFailure) {
                    try instance?.testItself(job: job)
                    finish(job.id, .passed(job: job.id))
                } catch {
                    finish(job.id, .failed(job: job.id, error))
                }
            case .stream(let job, let number, let call):
                do throws(PluginFailure) {
                    guard let instance else {
                        throw PluginFailure(.violation, "the host fed a stream before a library")
                    }
                    finish(job.id, .streamed(job: job.id, try instance.perform(call, on: number, job: job)))
                } catch {
                    finish(job.id, .failed(job: job.id, error))
                }
            case .closeStream(let number):
                instance?.close(stream: number)
            case .end:
                instance = nil
                exit(0)
            }
        }
    }

    private func open(_ request: OpenRequest) throws(PluginFailure) -> PluginInstance {
        let log: @Sendable (PluginLogLevel, String) -> Void = { [channel, sandbox] level, line in
            try? channel.send(.log(level, sandbox.readable(line)))
        }
        let library = try PluginLibrary(path: request.library, log: log)
        return try PluginInstance(library, request, job: JobControl(id: 0), log: log)
    }

    /// The jobs that wait behind the one just taken, as many as still fit a batch of `most`.
    private func takeBatch(of most: Int) -> [Job] {
        var jobs: [Job] = []
        while jobs.count + 1 < most,
            let job = work.next(where: { if case .encode(let job) = $0 { job } else { nil } })
        {
            jobs.append(job)
        }
        return jobs
    }

    private func encode(_ instance: PluginInstance?, _ jobs: [Job]) {
        var good: [Job] = []
        var calls: [EncodeCall] = []
        for job in jobs {
            do throws(PluginFailure) {
                calls.append(EncodeCall(try EncodeInput(job.parts, in: job.memory), job: job.control))
                good.append(job)
            } catch {
                finish(job.control.id, .failed(job: job.control.id, error))
            }
        }
        let unopened = PluginFailure(.violation, "the host sent a job before a library")
        let results = instance?.encode(calls) ?? calls.map { _ in .failure(unopened) }
        for (job, result) in zip(good, results) {
            let id = job.control.id
            do throws(PluginFailure) {
                let output = try result.get()
                try channel.send(
                    .encoded(job: id, nanoseconds: output.nanoseconds, output.segments), memory: output.memory
                )
                self.jobs.withLock { $0[id] = nil }
            } catch {
                finish(id, .failed(job: id, error))
            }
        }
    }

    /// Answers a job for good.
    private func finish(_ job: UInt64, _ message: WorkerReply) {
        reply(message)
        jobs.withLock { $0[job] = nil }
    }

    /// The host that does not read any more has hung up, which the reading thread finds out too.
    private func reply(_ message: WorkerReply) {
        if case .failed(let job, let failure) = message {
            let readable = PluginFailure(failure.reason, sandbox.readable(failure.message))
            try? channel.send(.failed(job: job, readable))
        } else {
            try? channel.send(message)
        }
    }
}
