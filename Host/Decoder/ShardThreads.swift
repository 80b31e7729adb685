import Foundation

/// Runs one function for every part of a decoder at the same time: part 0 on the caller's thread, each other on a
/// thread of its own that sleeps in between. Parts wait for each other, so they cannot take turns on fewer threads.
final class ShardThreads: @unchecked Sendable {  // used only while `condition` is locked
    private let condition = NSCondition()
    private var work: ((Int) -> Void)?
    private var rounds = 0
    private var running = 0
    private var isEnding = false
    let parts: Int

    init(parts: Int) {
        self.parts = parts
        for part in 1..<max(1, parts) {
            let thread = Thread { [weak self] in
                var seen = 0
                while let round = self?.work(part, after: seen) {
                    seen = round
                    self?.finish()
                }
            }
            thread.name = "part \(part)"
            thread.stackSize = 8 << 20
            thread.start()
        }
    }

    /// Calls `body` with 0 ..< parts and returns when all calls have. One call of this at a time.
    func run(_ body: (Int) -> Void) {
        guard parts > 1 else { return body(0) }
        withoutActuallyEscaping(body) { body in
            condition.lock()
            work = body
            running = parts - 1
            rounds += 1
            condition.broadcast()
            condition.unlock()
            body(0)
            condition.lock()
            while running > 0 { condition.wait() }
            work = nil
            condition.unlock()
        }
    }

    /// Lets the threads end. No `run` comes after it.
    func end() {
        condition.lock()
        isEnding = true
        condition.broadcast()
        condition.unlock()
    }

    /// Waits for the round after `seen` and does its work; nil at the end. The work is let go of before this returns,
    /// because it does not outlive its round.
    private func work(_ part: Int, after seen: Int) -> Int? {
        guard let next = next(after: seen) else { return nil }
        next.work(part)
        return next.round
    }

    private func next(after seen: Int) -> (work: (Int) -> Void, round: Int)? {
        condition.lock()
        defer { condition.unlock() }
        while true {
            if isEnding { return nil }
            if rounds > seen, let work { return (work, rounds) }
            condition.wait()
        }
    }

    private func finish() {
        condition.lock()
        running -= 1
        condition.broadcast()
        condition.unlock()
    }
}
