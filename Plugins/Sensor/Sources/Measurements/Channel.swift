/// What is known of one column of numbers.
package struct Channel {
    package let name: ColumnName
    /// Nil where the channel has no value.
    package private(set) var minimum: Moment?
    package private(set) var maximum: Moment?
    /// Cells that say nothing.
    package private(set) var missing = 0
    /// Cells that are neither numbers nor empty, and the first of them.
    package private(set) var unreadable = 0
    package private(set) var firstUnreadable: (row: Int, text: String)?

    private var level = Regression()
    private var line = Regression()
    private var peakList: Peaks
    private var outlierList = Outliers()
    private var spectrum = Spectrum()

    init(_ name: ColumnName, mostPeaks: Int) {
        self.name = name
        peakList = Peaks(most: mostPeaks)
    }

    package var count: Int { level.count }
    package var mean: Double { level.meanValue }
    /// Of the sample, with n - 1.
    package var standardDeviation: Double { level.standardDeviation }
    package var trend: Trend { line.trend }
    /// Value a second, or a row where the file has no time.
    package var slope: Double { line.slope }
    /// Highest first.
    package var peaks: [Moment] { peakList.highest }
    package var oscillation: Oscillation? { spectrum.strongest }
    /// Values far from all others; none where they are too many to be exceptions.
    package var outliers: (count: Int, farthest: Moment)? {
        guard let farthest = outlierList.farthest, Outliers.areExceptions(outlierList.count, of: level.count)
        else { return nil }
        return (outlierList.count, farthest.moment)
    }

    mutating func noteMissing() { missing += 1 }

    mutating func noteUnreadable(row: Int, text: () -> String) {
        unreadable += 1
        if firstUnreadable == nil { firstUnreadable = (row, text()) }
    }

    mutating func add(
        times: [Double], values: [Double], sampling: Sampling, cancellation: Cancellation
    ) throws(MeasurementError) {
        level.merge(Regression(Array(repeating: 0, count: values.count), values))
        line.merge(Regression(times, values))
        for (time, value) in zip(times, values) where !value.isNaN {
            if value < minimum?.value ?? .infinity { minimum = Moment(time: time, value: value) }
            if value > maximum?.value ?? -.infinity { maximum = Moment(time: time, value: value) }
        }
        let signal = Signal(times: times, values: values)
        peakList.add(times: signal.times, values: signal.values)
        guard sampling.isCoarse else {
            let clean = outlierList.add(signal)
            return try spectrum.add(clean, sampling: sampling, cancellation: cancellation)
        }
        let start = times.first { !$0.isNaN } ?? 0
        let spread = values.indices.map { start + Double($0) * sampling.interval }
        let clean = outlierList.add(Signal(times: spread, values: values))
        try spectrum.add(clean, sampling: sampling, cancellation: cancellation)
    }
}
