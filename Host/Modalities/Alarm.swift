import Dispatch

/// Runs something once when a time is over, unless it was cancelled before. Any thread.
///
/// A task that sleeps would do, but once cancelled it stays among the runtime's timers until its time is over: kilobytes
/// for each call, where a limit is minutes.
final class Alarm: Sendable {
    // Safe to share: a dispatch source may be cancelled from any thread, and nothing else is done with it.
    nonisolated(unsafe) private let timer: any DispatchSourceTimer

    // One after the other: they ring briefly, and so that many at once start no threads.
    private static let queue = DispatchQueue(label: "gatehouse.alarms")

    /// What is rung must not block.
    init(after seconds: Double, _ ring: @escaping @Sendable () -> Void) {
        timer = DispatchSource.makeTimerSource(queue: Self.queue)
        timer.setEventHandler(handler: ring)
        timer.schedule(deadline: .now() + seconds)
        timer.activate()
    }

    deinit {
        timer.cancel()
    }

    /// It may just be ringing, so whoever cares looks whether it is still meant.
    func cancel() { timer.cancel() }
}
