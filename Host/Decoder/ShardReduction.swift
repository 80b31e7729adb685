import CKernels
import Foundation

/// Where the parts of a decoder in one process meet to add up what each has: every part waits until the last has come.
///
/// Sums run in the order of the parts, so all parts get the same bits whichever came first.
final class ShardReduction: @unchecked Sendable {  // used only while `condition` is locked
    private let condition = NSCondition()
    private var brought: [UnsafeMutableBufferPointer<Float>]
    private var arrivals = 0
    private var rounds = 0
    private var isBroken = false

    init(parts: Int) {
        brought = Array(repeating: UnsafeMutableBufferPointer(start: nil, count: 0), count: parts)
    }

    /// Replaces `values` by the sums over all parts, once all have brought theirs.
    func sum(part: Int, _ values: UnsafeMutableBufferPointer<Float>) {
        condition.lock()
        defer { condition.unlock() }
        guard !isBroken else { return }
        brought[part] = values
        arrivals += 1
        if arrivals == brought.count {
            add()
            arrivals = 0
            rounds += 1
            condition.broadcast()
        } else {
            let round = rounds
            while rounds == round, !isBroken { condition.wait() }
        }
    }

    private func add() {
        let total = brought[0]
        for index in total.indices {
            for part in brought.dropFirst() { total[index] += part[index] }
            for part in brought.dropFirst() { part[index] = total[index] }
        }
    }

    /// Lets everyone go who waits for a part that failed; what they computed is of no use.
    func breakOff() {
        condition.lock()
        isBroken = true
        condition.broadcast()
        condition.unlock()
    }

    /// Between steps.
    func mend() {
        condition.lock()
        isBroken = false
        arrivals = 0
        condition.unlock()
    }
}
