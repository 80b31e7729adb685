/// How densely and how evenly rows lie in time; taken from a file's first stretch.
package struct Sampling: Equatable {
    /// Time from row to row, gaps left out; 0 where time does not advance.
    package var interval = 0.0
    /// Nine in ten intervals, gaps left out, are within a fifth of the middle one.
    package var isEven = true
    /// More than half of the rows bear the time of the row before: the clock is coarser than the sampling, and rows are
    /// spread evenly.
    package var isCoarse = false
    /// A longer interval is a gap: three times the middle one, or fifteen times where sampling is uneven. Were rows to come
    /// at random with a constant rate, one interval in 30,000 would be longer.
    package var gapLimit = Double.infinity

    package init(_ times: [Double]) {
        let known = times.filter { !$0.isNaN }
        guard known.count > 1 else { return }
        let intervals = zip(known, known.dropFirst()).map { $1 - $0 }
        let steps = intervals.filter { $0 > 0 }.sorted()
        guard !steps.isEmpty else { return }
        let middle = steps[steps.count / 2]
        let repeated = intervals.count { $0 == 0 }
        isCoarse = repeated * 2 > intervals.count
        let near = steps.count { abs($0 - middle) <= 0.2 * middle }
        let close = steps.count { $0 <= 3 * middle } + repeated
        isEven = isCoarse || near * 10 >= close * 9
        gapLimit = (isEven ? 3 : 15) * middle
        let usual = steps.prefix { $0 <= gapLimit }
        interval = usual.reduce(0, +) / Double(usual.count + (isCoarse ? repeated : 0))
    }
}
