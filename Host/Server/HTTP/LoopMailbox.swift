import CSystemMicrohttpd
import Glibc
import Synchronization

/// How other threads reach the loop's thread: messages in a locked list, and an eventfd that wakes it.
final class LoopMailbox: Sendable {
    enum Message: Sendable {
        /// The exchange of this number has something for its client.
        case wake(UInt64)
        /// Take no more requests, and end once none is left, at this instant at the latest.
        case drain(until: ContinuousClock.Instant)
    }

    private struct Contents {
        var messages: [Message] = []
        var ended = false
        var waiters: [CheckedContinuation<Void, Never>] = []
    }

    /// Readable while messages wait. Open as long as the mailbox lives, so that a late `post` writes to no
    /// stranger's descriptor.
    let descriptor: Int32
    private let contents = Mutex(Contents())

    init() throws(HTTPServerError) {
        descriptor = eventfd(0, Int32(EFD_CLOEXEC) | Int32(EFD_NONBLOCK))
        guard descriptor >= 0 else { throw HTTPServerError(resource: "an eventfd", errno: errno) }
    }

    deinit {
        close(descriptor)
    }

    func post(_ message: Message) {
        contents.withLock { contents in
            guard !contents.ended else { return }
            contents.messages.append(message)
            // One write wakes the loop for every message that follows until it has taken them.
            if contents.messages.count == 1 { eventfd_write(descriptor, 1) }
        }
    }

    func take() -> [Message] {
        contents.withLock { contents in
            guard !contents.messages.isEmpty else { return [] }
            var count: eventfd_t = 0
            eventfd_read(descriptor, &count)
            defer { contents.messages.removeAll() }
            return contents.messages
        }
    }

    /// The loop's last word.
    func end() {
        let waiters = contents.withLock { contents in
            contents.ended = true
            defer { contents.waiters = [] }
            return contents.waiters
        }
        for waiter in waiters { waiter.resume() }
    }

    func waitForEnd() async {
        await withCheckedContinuation { continuation in
            let ended = contents.withLock { contents in
                if !contents.ended { contents.waiters.append(continuation) }
                return contents.ended
            }
            if ended { continuation.resume() }
        }
    }
}
