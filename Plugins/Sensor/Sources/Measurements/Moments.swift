/// A value and when it was.
package struct Moment: Equatable {
    /// As in ``Stretch/times``.
    package var time: Double
    package var value: Double
}

/// The highest of a channel's local maxima.
struct Peaks {
    /// Highest first.
    private(set) var highest: [Moment] = []
    private let most: Int

    init(most: Int) {
        self.most = most
    }

    /// Takes maxima from highest to lowest, skipping any nearer to one taken than a hundredth of the stretch's rows. Of a
    /// plateau its middle counts.
    mutating func add(times: [Double], values: [Double]) {
        let distance = max(1, values.count / 100)
        var candidates = Self.maxima(of: values)
        candidates.sort { (values[$1], $0) < (values[$0], $1) }
        var taken: [Int] = []
        for candidate in candidates where taken.count < most {
            if taken.allSatisfy({ abs($0 - candidate) >= distance }) { taken.append(candidate) }
        }
        highest += taken.map { Moment(time: times[$0], value: values[$0]) }
        // Earlier before later where heights are equal; the sort keeps no order of its own.
        highest.sort { ($1.value, $0.time) < ($0.value, $1.time) }
        highest = Array(highest.prefix(most))
    }

    private static func maxima(of values: [Double]) -> [Int] {
        var result: [Int] = []
        var index = 1
        while index < values.count - 1 {
            guard values[index] > values[index - 1] else {
                index += 1
                continue
            }
            var end = index
            while end < values.count - 1, values[end + 1] == values[index] { end += 1 }
            if end < values.count - 1, values[end + 1] < values[index] { result.append((index + end) / 2) }
            index = end + 1
        }
        return result
    }
}

/// Values far from all others around a channel's straight line.
struct Outliers {
    private(set) var count = 0
    /// The one farthest out, in medians of the deviations.
    private(set) var farthest: (moment: Moment, distance: Double)?

    /// Deviations beyond this many robust standard deviations count. The modified z-score of Iglewicz and Hoaglin ("How to
    /// detect and handle outliers", 1993), who take 3.5 for small samples; in 100,000 normal values none is beyond 6.
    private static let limit = 6.0

    /// More of all values are no exceptions.
    private static let mostShare = 0.01

    /// Counts the outliers of a stretch, and returns it without them, where they are exceptions: one glitch may hold more
    /// variance than all that is to be found.
    mutating func add(_ signal: Signal) -> Signal {
        let detrended = signal.detrended()
        guard detrended.count >= 8 else { return signal }
        let centre = Self.median(detrended)
        let deviations = detrended.map { abs($0 - centre) }
        // Consistent with the standard deviation of normal values; where half of all are equal, the mean deviation is.
        var scale = Self.median(deviations) / 0.6745
        if scale == 0 { scale = 1.253314 * deviations.reduce(0, +) / Double(deviations.count) }
        guard scale > 0 else { return signal }
        let counted = count
        var rest = Signal(times: [], values: [])
        for (index, deviation) in deviations.enumerated() {
            guard deviation > Self.limit * scale else {
                rest.times.append(signal.times[index])
                rest.values.append(signal.values[index])
                continue
            }
            count += 1
            if deviation / scale > farthest?.distance ?? 0 {
                farthest = (
                    Moment(time: signal.times[index], value: signal.values[index]), deviation / scale
                )
            }
        }
        return Self.areExceptions(count - counted, of: deviations.count) ? rest : signal
    }

    /// One always may be.
    static func areExceptions(_ outliers: Int, of values: Int) -> Bool {
        Double(outliers) <= max(1, mostShare * Double(values))
    }

    /// The lower of the two middle values where their number is even.
    private static func median(_ values: [Double]) -> Double {
        var values = values
        let middle = (values.count - 1) / 2
        // Hoare's selection: narrow the part that holds the middle.
        var low = 0
        var high = values.count - 1
        while low < high {
            let pivot = values[(low + high) / 2]
            var i = low
            var j = high
            while i <= j {
                while values[i] < pivot { i += 1 }
                while values[j] > pivot { j -= 1 }
                if i <= j {
                    values.swapAt(i, j)
                    i += 1
                    j -= 1
                }
            }
            if middle <= j { high = j } else if middle >= i { low = i } else { break }
        }
        return values[middle]
    }
}
