/// Consecutive rows, column by column; the unit in which a file of any size is read and analysed.
package struct Stretch {
    /// Seconds from the first time of the file, or rows from the first where the file has no time. NaN where a row has
    /// none.
    package var times: [Double] = []
    /// `[channels][rows]`; NaN where there is no value.
    package var channels: [[Double]]

    package init(channels count: Int) {
        channels = Array(repeating: [], count: count)
    }

    mutating func removeAll() {
        times.removeAll(keepingCapacity: true)
        for index in channels.indices { channels[index].removeAll(keepingCapacity: true) }
    }
}

/// The times and values of one channel where both are known and time advances.
struct Signal {
    var times: [Double] = []
    var values: [Double] = []

    init(times: [Double], values: [Double]) {
        self.times.reserveCapacity(times.count)
        self.values.reserveCapacity(times.count)
        var last = -Double.infinity
        for (time, value) in zip(times, values) where time > last && !value.isNaN {
            self.times.append(time)
            self.values.append(value)
            last = time
        }
    }

    /// The values without their straight line of least squares.
    func detrended() -> [Double] {
        let line = Regression(times, values)
        let slope = line.slope
        return zip(times, values).map { $1 - line.meanValue - slope * ($0 - line.meanTime) }
    }
}

/// Sums for mean, variance and the straight line of least squares, kept as central moments so that parts merge without
/// loss (Chan, Golub and LeVeque, "Updating formulae and a pairwise algorithm for computing sample variances", 1979).
struct Regression {
    private(set) var count = 0
    private(set) var meanTime = 0.0
    private(set) var meanValue = 0.0
    private var timeSquares = 0.0
    private var valueSquares = 0.0
    private var products = 0.0

    init() {}

    /// Of the pairs in which both are numbers.
    init(_ times: [Double], _ values: [Double]) {
        var sumOfTimes = 0.0
        var sumOfValues = 0.0
        for (time, value) in zip(times, values) where !(time.isNaN || value.isNaN) {
            count += 1
            sumOfTimes += time
            sumOfValues += value
        }
        guard count > 0 else { return }
        meanTime = sumOfTimes / Double(count)
        meanValue = sumOfValues / Double(count)
        for (time, value) in zip(times, values) where !(time.isNaN || value.isNaN) {
            timeSquares += (time - meanTime) * (time - meanTime)
            valueSquares += (value - meanValue) * (value - meanValue)
            products += (time - meanTime) * (value - meanValue)
        }
    }

    mutating func merge(_ other: Regression) {
        guard other.count > 0 else { return }
        let total = count + other.count
        let share = Double(other.count) / Double(total)
        let weight = Double(count) * share
        let timeStep = other.meanTime - meanTime
        let valueStep = other.meanValue - meanValue
        timeSquares += other.timeSquares + timeStep * timeStep * weight
        valueSquares += other.valueSquares + valueStep * valueStep * weight
        products += other.products + timeStep * valueStep * weight
        meanTime += timeStep * share
        meanValue += valueStep * share
        count = total
    }

    /// Value per unit of time; 0 where time stands still.
    var slope: Double { timeSquares > 0 ? products / timeSquares : 0 }

    /// Of the sample, with n - 1.
    var standardDeviation: Double {
        count > 1 ? (valueSquares / Double(count - 1)).squareRoot() : 0
    }

    /// Where values go. A straight line counts when it explains a tenth of the variance and is four standard errors
    /// away from level; less is what noise and whole periods of an oscillation leave.
    var trend: Trend {
        guard count > 2, timeSquares > 0, valueSquares > 0 else { return .steady }
        let explained = min(1, products * products / (timeSquares * valueSquares))
        guard explained >= 0.1, explained * Double(count - 2) >= 16 * (1 - explained) else { return .steady }
        return products > 0 ? .rising : .falling
    }
}

package enum Trend: String {
    case rising, falling, steady
}
