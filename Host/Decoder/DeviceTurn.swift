import Foundation

/// Lets one caller at a time onto a device, in the order they came. A plain lock would let the engine, which asks
/// again right after each step, shut everyone else out for the length of a prompt.
final class DeviceTurn: @unchecked Sendable {  // the counters are used only while `condition` is locked
    private let condition = NSCondition()
    private var nextTicket = 0
    private var served = 0

    func take<Result>(_ body: () throws -> Result) rethrows -> Result {
        condition.lock()
        let ticket = nextTicket
        nextTicket += 1
        while served != ticket { condition.wait() }
        condition.unlock()
        defer {
            condition.lock()
            served += 1
            condition.broadcast()
            condition.unlock()
        }
        return try body()
    }
}
