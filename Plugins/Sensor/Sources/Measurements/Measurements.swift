/// All that is found in one file.
package struct Measurements {
    /// Records of data.
    package private(set) var rows = 0
    package let layout: TableLayout
    package private(set) var channels: [Channel]
    /// Columns of numbers beyond the most that were asked for.
    package let omitted: [ColumnName]
    /// From the first stretch; nil until there are rows.
    package private(set) var sampling: Sampling?
    /// The first time, in seconds of the column's own zero.
    package private(set) var origin: Double?
    /// The latest time, from the first.
    package private(set) var duration = 0.0
    package private(set) var gaps = 0
    /// From when to when.
    package private(set) var longestGap: ClosedRange<Double>?
    /// Rows whose time is before the row above.
    package private(set) var backwards = 0
    package private(set) var rowsWithoutTime = 0
    /// Rows with more or fewer cells than most, and the first of them.
    package private(set) var irregularRows = 0
    package private(set) var firstIrregular: (row: Int, cells: Int)?

    /// Rows that are held and analysed together. At 8 bytes a cell, 64 channels of them are 33 MB.
    package static let stretchRows = 65_536

    private var lastTime: Double?
    private var daysPassed = 0.0
    private var lastTimeOfDay = 0.0

    /// Reads `csv`, holding no more than a stretch of it as numbers.
    /// - Parameter stretchRows: for tests, which cannot wait for long files.
    package init(
        csv: UnsafeRawBufferPointer, mostChannels: Int, mostPeaks: Int,
        stretchRows: Int = Measurements.stretchRows, cancellation: Cancellation,
        progress: (Double) -> Void = { _ in }
    ) throws(MeasurementError) {
        layout = try TableLayout(csv, cancellation: cancellation)
        channels = layout.channels.prefix(mostChannels).map { Channel($0.name, mostPeaks: mostPeaks) }
        omitted = layout.channels.dropFirst(mostChannels).map(\.name)
        var stretch = Stretch(channels: channels.count)
        var reader = CSVReader(
            csv, separator: layout.separator, from: layout.dataStart, afterRow: layout.rowsBeforeData,
            cancellation: cancellation)
        while try reader.next() {
            take(reader, into: &stretch)
            if stretch.times.count == stretchRows {
                try analyse(stretch, cancellation)
                stretch.removeAll()
                progress(Double(reader.position) / Double(csv.count))
            }
        }
        try analyse(stretch, cancellation)
    }

    /// Reads the cells of one record.
    private mutating func take(_ reader: CSVReader, into stretch: inout Stretch) {
        let fields = reader.fields
        if fields.count != layout.columnCount {
            irregularRows += 1
            if firstIrregular == nil { firstIrregular = (reader.row, fields.count) }
        }
        stretch.times.append(time(reader, fields))
        rows += 1
        for index in channels.indices {
            let column = layout.channels[index]
            var value = Double.nan
            if column.index < fields.count {
                let field = fields[column.index]
                let cell = reader.slice(field)
                if let number = Number.parse(cell, decimal: column.decimal) {
                    value = number
                } else if Number.isMissing(cell) {
                    channels[index].noteMissing()
                } else {
                    channels[index].noteUnreadable(row: reader.row) { reader.text(field, limit: 40) }
                }
            } else {
                channels[index].noteMissing()
            }
            stretch.channels[index].append(value)
        }
    }

    /// Seconds from the first time, or the row's number from 0; NaN where the cell does not tell.
    private mutating func time(_ reader: CSVReader, _ fields: [CSVReader.Field]) -> Double {
        guard let time = layout.time else { return Double(rows) }
        var seconds: Double?
        if time.column.index < fields.count {
            let cell = reader.slice(fields[time.column.index])
            switch time.format {
            case .number(let scale, _, _):
                seconds = Number.parse(cell, decimal: time.column.decimal).map { $0 * scale }
            case .calendar:
                seconds = CalendarTime.parseDateTime(cell)
            case .timeOfDay:
                seconds = CalendarTime.parseTimeOfDay(cell).map { passMidnight($0) }
            }
        }
        guard let seconds else {
            rowsWithoutTime += 1
            return .nan
        }
        let start = origin ?? seconds
        origin = start
        return seconds - start
    }

    private mutating func passMidnight(_ timeOfDay: Double) -> Double {
        if timeOfDay < lastTimeOfDay - 43_200 { daysPassed += 1 }
        lastTimeOfDay = timeOfDay
        return daysPassed * 86_400 + timeOfDay
    }

    private mutating func analyse(_ stretch: Stretch, _ cancellation: Cancellation) throws(MeasurementError) {
        guard !stretch.times.isEmpty else { return }
        let sampling = self.sampling ?? Sampling(stretch.times)
        self.sampling = sampling
        for time in stretch.times where !time.isNaN {
            if let last = lastTime {
                if time < last { backwards += 1 }
                if time - last > sampling.gapLimit {
                    gaps += 1
                    let longest = longestGap.map { $0.upperBound - $0.lowerBound } ?? 0
                    if time - last > longest { longestGap = last...time }
                }
            }
            lastTime = time
            duration = max(duration, time)
        }
        for index in channels.indices {
            try channels[index].add(
                times: stretch.times, values: stretch.channels[index], sampling: sampling,
                cancellation: cancellation)
        }
    }
}
