import Synchronization

/// The bytes that an upgraded connection has received and its handler has not read: a bounded queue between the loop's
/// thread and one reading task.
final class IncomingBytes: Sendable {
    private struct State {
        var queue: [UInt8] = []
        var reader: CheckedContinuation<[UInt8], any Error>?
        /// Why no more come.
        var end: (any Error)?
        /// Whether the loop has stopped reading the socket for want of room.
        var loopWaits = false
    }

    private let number: UInt64
    private let mailbox: LoopMailbox
    private let capacity: Int
    private let state = Mutex(State())

    /// `number` is that of the exchange; `capacity` in bytes.
    init(number: UInt64, mailbox: LoopMailbox, capacity: Int) {
        self.number = number
        self.mailbox = mailbox
        self.capacity = capacity
    }

    // MARK: The task's side

    /// What has come, at least a byte. Throws once no more will: ``HTTPClientGone``, ``HTTPServerClosing``, or
    /// `CancellationError`.
    func next() async throws -> [UInt8] {
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { (reader: CheckedContinuation<[UInt8], any Error>) in
                let (outcome, wake): (Result<[UInt8], any Error>?, Bool) = state.withLock { state in
                    if Task.isCancelled { return (.failure(CancellationError()), false) }
                    if !state.queue.isEmpty {
                        defer {
                            state.queue = []
                            state.loopWaits = false
                        }
                        return (.success(state.queue), state.loopWaits)
                    }
                    if let end = state.end { return (.failure(end), false) }
                    precondition(state.reader == nil, "one task reads a connection")
                    state.reader = reader
                    return (nil, false)
                }
                if let outcome { reader.resume(with: outcome) }
                if wake { mailbox.post(.wake(number)) }
            }
        } onCancel: {
            takeReader()?.resume(throwing: CancellationError())
        }
    }

    private func takeReader() -> CheckedContinuation<[UInt8], any Error>? {
        state.withLock { state in
            defer { state.reader = nil }
            return state.reader
        }
    }

    // MARK: The loop's side

    /// Whether the loop may read on; where not, it is sent a `.wake` when it may.
    func hasRoom() -> Bool {
        state.withLock { state in
            state.loopWaits = state.end == nil && state.queue.count >= capacity
            return state.end == nil && !state.loopWaits
        }
    }

    func add(_ bytes: ArraySlice<UInt8>) {
        let reader = state.withLock { state -> CheckedContinuation<[UInt8], any Error>? in
            guard state.end == nil else { return nil }
            guard let reader = state.reader else {
                state.queue += bytes
                return nil
            }
            state.reader = nil
            return reader
        }
        reader?.resume(returning: Array(bytes))
    }

    /// No more come; the first reason counts. What has come is still read.
    func end(_ reason: any Error) {
        let reader = state.withLock { state -> CheckedContinuation<[UInt8], any Error>? in
            state.end = state.end ?? reason
            defer { state.reader = nil }
            return state.reader
        }
        reader?.resume(throwing: reason)
    }
}

/// The server is about to stop: a conversation is to come to its end.
public struct HTTPServerClosing: Error, CustomStringConvertible {
    public var description: String { "the server is shutting down" }
}

/// A connection that has left HTTP behind: bytes both ways.
public struct HTTPUpgraded: Sendable {
    let incoming: IncomingBytes
    let channel: ResponseChannel

    /// What has come, at least a byte. One task reads. Throws ``HTTPClientGone`` when the client is gone,
    /// ``HTTPServerClosing`` when the server wants to stop, `CancellationError` where the task is cancelled.
    public func read() async throws -> [UInt8] { try await incoming.next() }

    /// Has ``read()`` throw `error` once what came before is read. Any thread.
    func interrupt(_ error: any Error) { incoming.end(error) }

    /// Hands bytes to the client; suspends and throws as ``HTTPBodyWriter/write(_:)`` does.
    public func write(_ bytes: [UInt8]) async throws { try await channel.write(bytes) }
}
