import Synchronization

/// Between the task that answers a request and the loop that owns its connection: the answer, and a bounded
/// queue of a stream's bytes. The task's side never blocks; the loop's side never suspends.
final class ResponseChannel: Sendable {
    enum Read {
        case bytes(Int)
        /// Nothing yet: the loop suspends the connection, and is sent a `.wake` when there is something.
        case wait
        case end
        /// The producer failed: the connection must end without the body's end.
        case failed
    }

    private enum Progress {
        case handling
        case streaming
        case complete
        case failed
    }

    private struct State {
        var progress = Progress.handling
        var response: HTTPResponse?
        var queue: [UInt8] = []
        /// Bytes of `queue` that the loop has read already.
        var taken = 0
        var loopWaits = false
        var clientGone = false
        var writers: [UInt64: CheckedContinuation<Void, any Error>] = [:]
        var writersSeen: UInt64 = 0
        var task: Task<Void, Never>?

        var queued: Int { queue.count - taken }

        /// True once for each time the loop began to wait.
        mutating func takeLoopWaits() -> Bool {
            defer { loopWaits = false }
            return loopWaits
        }
    }

    private let number: UInt64
    private let mailbox: LoopMailbox
    private let capacity: Int
    private let state = Mutex(State())
    /// What an upgraded connection receives.
    let incoming: IncomingBytes

    /// `number` is that of the exchange; `capacity` in bytes.
    init(number: UInt64, mailbox: LoopMailbox, capacity: Int) {
        self.number = number
        self.mailbox = mailbox
        self.capacity = capacity
        incoming = IncomingBytes(number: number, mailbox: mailbox, capacity: capacity)
    }

    // MARK: The task's side

    /// Starts the handler. Called once, on the loop's thread; the first `takeResponse` follows on it.
    func start(_ request: HTTPRequest, _ handler: @escaping HTTPServer.Handler) {
        let task = Task {
            let response = await handler(request)
            if case .upgrade(let converse) = response.body {
                deliver(response, then: .streaming)
                await converse(HTTPUpgraded(incoming: incoming, channel: self))
                finish(.complete)
                return
            }
            guard case .stream(let produce) = response.body, request.method != "HEAD" else {
                deliver(response, then: .complete)
                return
            }
            deliver(response, then: .streaming)
            do {
                try await produce(HTTPBodyWriter(channel: self))
                finish(.complete)
            } catch {
                finish(.failed)
            }
        }
        state.withLock { $0.task = task }
    }

    private func deliver(_ response: HTTPResponse, then progress: Progress) {
        let wake = state.withLock { state in
            state.response = response
            state.progress = progress
            return state.takeLoopWaits()
        }
        if wake { mailbox.post(.wake(number)) }
    }

    private func finish(_ progress: Progress) {
        let wake = state.withLock { state in
            state.progress = progress
            return state.takeLoopWaits()
        }
        if wake { mailbox.post(.wake(number)) }
    }

    func write(_ bytes: [UInt8]) async throws {
        let (wake, full) = try state.withLock { state in
            guard !state.clientGone else { throw HTTPClientGone() }
            try Task.checkCancellation()
            precondition(state.progress == .streaming, "a body was written to after its producer returned")
            guard !bytes.isEmpty else { return (false, false) }
            state.queue.append(contentsOf: bytes)
            return (state.takeLoopWaits(), state.queued > capacity)
        }
        if wake { mailbox.post(.wake(number)) }
        if full { try await waitForRoom() }
    }

    private func waitForRoom() async throws {
        let ticket = state.withLock { state in
            state.writersSeen += 1
            return state.writersSeen
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { (writer: CheckedContinuation<Void, any Error>) in
                let outcome: Result<Void, any Error>? = state.withLock { state in
                    if state.clientGone { return .failure(HTTPClientGone()) }
                    if Task.isCancelled { return .failure(CancellationError()) }
                    if state.queued <= capacity { return .success(()) }
                    state.writers[ticket] = writer
                    return nil
                }
                if let outcome { writer.resume(with: outcome) }
            }
        } onCancel: {
            state.withLock { $0.writers.removeValue(forKey: ticket) }?.resume(throwing: CancellationError())
        }
    }

    // MARK: The loop's side

    /// The answer, once; nil while the handler runs, in which case a `.wake` follows.
    func takeResponse() -> HTTPResponse? {
        state.withLock { state in
            guard let response = state.response else {
                state.loopWaits = true
                return nil
            }
            state.response = nil
            return response
        }
    }

    /// Moves queued bytes into `buffer`. Writers go on once half of the queue is free.
    func read(into buffer: UnsafeMutableRawBufferPointer) -> Read {
        let (read, writers): (Read, [CheckedContinuation<Void, any Error>]) = state.withLock { state in
            let count = min(buffer.count, state.queued)
            guard count > 0 else {
                switch state.progress {
                case .complete: return (.end, [])
                case .failed: return (.failed, [])
                case .handling, .streaming:
                    state.loopWaits = true
                    return (.wait, [])
                }
            }
            state.queue.withUnsafeBytes { queue in
                buffer.copyMemory(
                    from: UnsafeRawBufferPointer(rebasing: queue[state.taken..<state.taken + count]))
            }
            state.taken += count
            if state.queued == 0 {
                state.queue.removeAll(keepingCapacity: true)
                state.taken = 0
            }
            guard state.queued <= capacity / 2 else { return (.bytes(count), []) }
            defer { state.writers = [:] }
            return (.bytes(count), Array(state.writers.values))
        }
        for writer in writers { writer.resume() }
        return read
    }

    /// Whether the handler or the stream's producer still runs.
    var isProducing: Bool {
        state.withLock { $0.progress == .handling || $0.progress == .streaming }
    }

    /// Nobody will read any more: writers throw, the task is cancelled. Harmless after the end.
    func abandon() {
        let (writers, task) = state.withLock { state in
            state.clientGone = true
            state.queue = []
            state.taken = 0
            defer {
                state.writers = [:]
                state.task = nil
            }
            return (Array(state.writers.values), state.task)
        }
        for writer in writers { writer.resume(throwing: HTTPClientGone()) }
        incoming.end(HTTPClientGone())
        task?.cancel()
    }
}
