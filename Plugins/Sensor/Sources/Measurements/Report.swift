/// What the measurements say, in plain sentences that a small language model can repeat.
package struct Report {
    /// A stretch of the text and the time that it speaks of.
    package struct Reference: Equatable {
        /// Bytes of UTF-8.
        package var bytes: Range<Int>
        /// From the first time of the file.
        package var seconds: ClosedRange<Double>
    }

    package private(set) var text = ""
    package private(set) var references: [Reference] = []

    private let hasTime: Bool
    /// The first time in the file's own column, in which people look a time up.
    private let zero: Double
    /// Times are told as dates: seconds are fine enough for the rows.
    private let tellsDates: Bool

    package init(_ measurements: Measurements) {
        hasTime = measurements.layout.time != nil
        let isAbsolute = measurements.layout.time?.format.isAbsolute == true
        tellsDates = isAbsolute && measurements.sampling?.interval ?? 0 >= 1
        zero = isAbsolute && !tellsDates ? 0 : measurements.origin ?? 0
        describeTable(measurements)
        describeTime(measurements)
        for channel in measurements.channels { describe(channel, measurements) }
        describeLeftOut(measurements)
        describeStrongest(measurements)
    }

    // MARK: The file

    private mutating func describeTable(_ measurements: Measurements) {
        let channels = measurements.channels.count + measurements.omitted.count
        let size = "\(Quantity.count(measurements.rows, "row")) of \(Quantity.count(channels, "channel"))"
        guard let sampling = measurements.sampling, hasTime, measurements.duration > 0, sampling.interval > 0
        else {
            text += "The recording has \(size).\n"
            return
        }
        text += "The recording lasts \(Quantity.duration(measurements.duration)).\n"
        let rate = 1 / sampling.interval
        if rate >= 0.1 { text += "The sampling rate is \(Quantity.text(rate)) Hz.\n" }
        text += "It has \(size), a row every \(Quantity.duration(sampling.interval))"
        text += sampling.isEven ? ".\n" : " on average, unevenly.\n"
    }

    private mutating func describeTime(_ measurements: Measurements) {
        guard let time = measurements.layout.time else {
            text += "No time column: places are row numbers from 0, frequencies are per row.\n"
            return
        }
        var notes: [String] = []
        if time.format.isAbsolute, let origin = measurements.origin, let start = CalendarTime.format(origin) {
            notes.append("Start \(start)")
        }
        if case .number(_, _, isAssumed: true) = time.format { notes.append("Times are taken for seconds") }
        if measurements.sampling?.isCoarse == true {
            notes.append("Rows share time stamps and are spread evenly")
        }
        if measurements.backwards > 0 {
            notes.append("\(Quantity.count(measurements.backwards, "row")) go back in time")
        }
        if measurements.rowsWithoutTime > 0 {
            notes.append("\(Quantity.count(measurements.rowsWithoutTime, "row")) without a time")
        }
        for note in notes { text += note + ". " }
        if let gap = measurements.longestGap {
            let length = Quantity.duration(gap.upperBound - gap.lowerBound)
            let gaps = measurements.gaps
            text += "There \(gaps == 1 ? "is" : "are") \(Quantity.count(gaps, "gap")), the longest "
            refer("\(length) at \(moment(gap.lowerBound))", to: gap)
            text += "."
        } else {
            text += "There are no gaps."
        }
        text += "\n"
    }

    // MARK: Channels

    private mutating func describe(_ channel: Channel, _ measurements: Measurements) {
        text += "\(channel.name.name)"
        guard let minimum = channel.minimum, let maximum = channel.maximum else {
            text += ": no values.\n"
            return
        }
        let unit = channel.name.unit.isEmpty ? "" : " \(channel.name.unit)"
        text += ": mean \(Quantity.text(channel.mean))\(unit)"
        if minimum.value == maximum.value {
            text += ", constant"
        } else {
            text += ", standard deviation \(Quantity.text(channel.standardDeviation))\(unit), minimum "
            refer(minimum, unit)
            text += ", maximum "
            refer(maximum, unit)
            text += ", \(trend(channel, measurements.duration))"
            if channel.oscillation == nil { text += ", no dominant frequency" }
        }
        text += ".\n"
        if let oscillation = channel.oscillation {
            text += "\(channel.name.name) oscillates at \(frequency(oscillation.frequency))"
            text += ", amplitude \(Quantity.text(oscillation.amplitude, digits: 3))\(unit), "
            text += "\(strength(oscillation.strength)) of its variation.\n"
        }
        if !channel.peaks.isEmpty {
            text += "\(channel.name.name) peaks: "
            for (index, peak) in channel.peaks.enumerated() {
                if index > 0 { text += ", " }
                refer(peak, unit)
            }
            text += ".\n"
        }
        describeFaults(channel, unit)
    }

    private mutating func describeFaults(_ channel: Channel, _ unit: String) {
        if let outliers = channel.outliers {
            text += "\(channel.name.name) has \(Quantity.count(outliers.count, "outlier")), the farthest "
            refer(outliers.farthest, unit)
            text += ".\n"
        }
        if channel.missing > 0 {
            text += "\(channel.name.name) misses \(Quantity.count(channel.missing, "value")).\n"
        }
        if let first = channel.firstUnreadable {
            text +=
                "\(channel.name.name) has \(Quantity.count(channel.unreadable, "cell")) without a number, first in "
            text += "row \(first.row): \"\(first.text)\".\n"
        }
    }

    private func trend(_ channel: Channel, _ duration: Double) -> String {
        guard channel.trend != .steady else { return "trend steady" }
        let unit = channel.name.unit.isEmpty ? "" : " \(channel.name.unit)"
        guard hasTime else {
            return "trend \(channel.trend.rawValue) by \(Quantity.text(abs(channel.slope)))\(unit) a row"
        }
        let (scale, name) = Quantity.timeUnit(duration)
        let per = name == "days" ? "day" : name
        return
            "trend \(channel.trend.rawValue) by \(Quantity.text(abs(channel.slope) * scale))\(unit) per \(per)"
    }

    private func frequency(_ frequency: Double) -> String {
        guard hasTime else {
            return "\(Quantity.text(frequency)) cycles per row (period \(Quantity.text(1 / frequency)) rows)"
        }
        let period = Quantity.duration(1 / frequency)
        // People name slow rhythms by their period.
        return frequency < 0.01
            ? "a period of \(period)" : "\(Quantity.text(frequency)) Hz (period \(period))"
    }

    private func strength(_ share: Double) -> String {
        let word = share >= 0.5 ? "strong" : share >= 0.2 ? "moderate" : "weak"
        return "\(word), \(Quantity.text(share * 100, digits: 2))%"
    }

    // MARK: The rest

    private mutating func describeLeftOut(_ measurements: Measurements) {
        if !measurements.omitted.isEmpty {
            text += "Not shown: \(names(measurements.omitted)).\n"
        }
        let texts = measurements.layout.texts.map(\.name)
        if !texts.isEmpty { text += "Columns of text: \(names(texts)).\n" }
        if let first = measurements.firstIrregular {
            text += "\(Quantity.count(measurements.irregularRows, "row")) have more or fewer cells than "
            text += "\(measurements.layout.columnCount), first row \(first.row) with \(first.cells).\n"
        }
    }

    private func names(_ names: [ColumnName]) -> String {
        let shown = names.prefix(8).map(\.name).joined(separator: ", ")
        return names.count > 8 ? "\(shown) and \(names.count - 8) more" : shown
    }

    /// The one sentence that answers the usual question stands last, nearest to it. Of channels in one unit the one that
    /// swings most counts, else the one whose frequency is clearest.
    private mutating func describeStrongest(_ measurements: Measurements) {
        let isComparable = Set(measurements.channels.map(\.name.unit)).count == 1
        let oscillating = measurements.channels.compactMap { channel in
            channel.oscillation.map {
                (
                    name: channel.name.name, frequency: $0.frequency,
                    rank: isComparable ? $0.amplitude : $0.strength
                )
            }
        }
        guard let strongest = oscillating.max(by: { $0.rank < $1.rank }) else { return }
        text += "The main frequency is \(frequency(strongest.frequency)), in channel \(strongest.name).\n"
    }

    private func moment(_ time: Double) -> String {
        guard hasTime else { return "row \(Quantity.text(time, digits: 15))" }
        if tellsDates, let date = CalendarTime.format(time + zero) { return date }
        return "\(Quantity.text(time + zero, digits: 7)) s"
    }

    private mutating func refer(_ moment: Moment, _ unit: String) {
        let value = "\(Quantity.text(moment.value))\(unit)"
        if moment.time.isNaN {
            text += value
        } else {
            refer("\(value) at \(self.moment(moment.time))", to: moment.time...moment.time)
        }
    }

    /// Appends `words`, which speak of `seconds`.
    private mutating func refer(_ words: String, to seconds: ClosedRange<Double>) {
        let start = text.utf8.count
        text += words
        if hasTime { references.append(Reference(bytes: start..<text.utf8.count, seconds: seconds)) }
    }
}
