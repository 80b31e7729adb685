import CSystemPosix
import Foundation

/// Signals, as they come, in place of what they would do. One of these in a process.
///
/// A handler writes each to a pipe, on whatever thread it comes to; no thread's mask and no order of starting matters.
final class Signals: Sendable {
    private let stream: AsyncStream<Int32>

    init(_ numbers: [Int32]) throws {
        let pipe = gh_signals_open(numbers, Int32(numbers.count))
        guard pipe >= 0 else {
            throw CommandError("no pipe for signals: \(String(cString: strerror(errno)))")
        }
        let (stream, continuation) = AsyncStream<Int32>.makeStream()
        self.stream = stream
        let thread = Thread {
            var number: UInt8 = 0
            while true {
                let count = read(pipe, &number, 1)
                if count == 1 {
                    continuation.yield(Int32(number))
                } else if count == 0 || errno != EINTR {
                    return continuation.finish()
                }
            }
        }
        thread.name = "signals"
        thread.start()
    }

    /// The next signal.
    func next() async -> Int32 {
        for await number in stream { return number }
        return SIGTERM
    }
}
