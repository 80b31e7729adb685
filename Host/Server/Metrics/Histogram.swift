/// How often values fell below each of some bounds.
struct Histogram: Sendable {
    let bounds: [Double]
    private var counts: [Int]
    private(set) var sum = 0.0

    /// - Parameter bounds: Rising; a last one without end is always there.
    init(_ bounds: [Double]) {
        self.bounds = bounds
        counts = Array(repeating: 0, count: bounds.count + 1)
    }

    /// Seconds from a millisecond to two minutes.
    static let latency = [
        0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120,
    ]
    /// Weights of the gate.
    static let weight = [0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1]

    mutating func add(_ value: Double) {
        counts[bounds.firstIndex { value <= $0 } ?? bounds.count] += 1
        sum += value
    }

    var count: Int { counts.reduce(0, +) }

    /// Each bound as it is written, with how many values lie at or below it.
    var cumulative: [(bound: String, count: Int)] {
        var total = 0
        return zip(bounds.map { "\($0)" } + ["+Inf"], counts).map { bound, count in
            total += count
            return (bound, total)
        }
    }
}
