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
        let session = Session(channel: WorkerChannel(socket: socket))
        do {
            try startThread { session.readMessages() }
        } catch {
            printToStandardError("gatehouse-worker: \(error)")
            exit(1)
        }
        session.run()
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
        case open(OpenRequest)
        case encode(JobControl, [PartRange], SharedMemory)
        case end
    }

    private let channel: WorkerChannel
    private let work = BlockingQueue<Work>()
    /// Jobs that were received and are not answered yet.
    private let jobs = Mutex<[UInt64: JobControl]>([:])

    init(channel: WorkerChannel) {
        self.channel = channel
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
        case .open(let request):
            work.add(.open(request))
        case .encode(let id, let deadline, let parts):
            let job = JobControl(id: id, deadline: deadline) { [channel] fraction in
                try? channel.send(.progress(job: id, fraction))
            }
            guard let memory else {
                reply(.failed(job: id, PluginFailure(.violation, "the host sent a job without memory")))
                return
            }
            jobs.withLock { $0[id] = job }
            work.add(.encode(job, parts, memory))
        case .cancel(let id):
            jobs.withLock { $0[id]?.cancel() }
        }
    }

    /// Calls the plugin, on the calling thread, until the conversation ends.
    func run() {
        var instance: PluginInstance?
        while true {
            switch work.next() {
            case .open(let request):
                do {
                    let opened = try open(request)
                    instance = opened
                    reply(.opened(opened.facts, opened.outputs))
                } catch {
                    reply(.failed(job: 0, error))
                }
            case .encode(let job, let parts, let memory):
                encode(instance, job, parts, memory)
            case .end:
                instance = nil
                exit(0)
            }
        }
    }

    private func open(_ request: OpenRequest) throws(PluginFailure) -> PluginInstance {
        let log: @Sendable (PluginLogLevel, String) -> Void = { [channel] level, line in
            try? channel.send(.log(level, line))
        }
        let library = try PluginLibrary(path: request.library, log: log)
        return try PluginInstance(library, request, job: JobControl(id: 0), log: log)
    }

    private func encode(
        _ instance: PluginInstance?, _ job: JobControl, _ parts: [PartRange], _ memory: SharedMemory
    ) {
        defer { jobs.withLock { $0[job.id] = nil } }
        do throws(PluginFailure) {
            guard let instance else {
                throw PluginFailure(.violation, "the host sent a job before a library")
            }
            let output = try instance.encode(try EncodeInput(parts, in: memory), job: job)
            try channel.send(
                .encoded(job: job.id, nanoseconds: output.nanoseconds, output.segments), memory: output.memory
            )
        } catch {
            reply(.failed(job: job.id, error))
        }
    }

    /// The host that does not read any more has hung up, which the reading thread finds out too.
    private func reply(_ message: WorkerReply) {
        try? channel.send(message)
    }
}
