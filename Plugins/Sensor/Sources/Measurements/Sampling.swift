/// How densely and how evenly rows lie in time; taken from a file's first stretch.
package struct Sampling: Equatable {
    /// Time from row to row, gaps left out; 0 where time does not advance.
    package var interval = 0.0
    /// Nine in ten intervals are within a fifth of the middle one.
    package var isEven = true
    /// More than half of the rows bear the time of the row before: the clock is coarser than the sampling, and rows are
    /// spread evenly.
    package var isCoarse = false
    /// A longer interval is a gap: three times the usual one.
    package var gapLimit = Double.infinity

    package init(_ times: [Double]) {
        let known = times.filter { !$0.isNaN }
        guard known.count > 1 else { return }
        let intervals = zip(known, known.dropFirst()).map { $1 - $0 }
        let steps = intervals.filter { $0 > 0 }.sorted()
        guard !steps.isEmpty else { return }
        let middle = steps[steps.count / 2]
        gapLimit = 3 * middle
        let usual = steps.prefix { $0 <= gapLimit }
        if intervals.count(where: { $0 == 0 }) * 2 > intervals.count {
            isCoarse = true
            interval = usual.reduce(0, +) / Double(intervals.count - (steps.count - usual.count))
        } else {
            interval = usual.reduce(0, +) / Double(usual.count)
            let near = steps.count { abs($0 - middle) <= 0.2 * middle }
            isEven = near * 10 >= intervals.count * 9
        }
    }
}
