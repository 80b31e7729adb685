/// What a file's beginning says about the rest: separator, where the data start, and what each column holds.
package struct TableLayout {
    package struct Column {
        /// From 0.
        package var index: Int
        package var name: ColumnName
        /// Decimal point or decimal comma.
        package var decimal: UInt8
    }

    package struct Time {
        package var column: Column
        package var format: TimeFormat
    }

    package private(set) var separator = Byte.comma
    /// Offset of the first record of data, and the number of the record before it.
    package private(set) var dataStart = 0
    package private(set) var rowsBeforeData = 0
    package private(set) var columnCount = 0
    package private(set) var time: Time?
    /// Columns of numbers that are neither time nor row numbers.
    package private(set) var channels: [Column] = []
    /// Columns of words.
    package private(set) var texts: [Column] = []

    /// Records that are looked at, and bytes at most.
    fileprivate static let probedRecords = 1_000
    fileprivate static let probedBytes = 4 << 20

    /// Looks at the beginning of `bytes`.
    package init(_ bytes: UnsafeRawBufferPointer, cancellation: Cancellation) throws(MeasurementError) {
        let start = try Self.textStart(bytes)
        var first = CSVReader(bytes, separator: 0, from: start, cancellation: cancellation)
        guard try first.next() else { throw .malformed("expected rows of measurements, found an empty file") }
        // A first line of Excel's: `sep=;`
        if first.fields.count == 1 {
            let line = first.slice(first.fields[0])
            if line.count == 5,
                line.prefix(4).elementsEqual("sep=".utf8) || line.prefix(4).elementsEqual("SEP=".utf8)
            {
                separator = line[4]
                let probe = try Probe(
                    bytes, separator, from: first.position, afterRow: first.row, cancellation)
                try read(probe)
                return
            }
        }
        var best: Probe?
        // The comma's comes last and counts: a quote that is not closed, say.
        var failure: MeasurementError?
        for candidate in [Byte.semicolon, Byte.tab, Byte.comma] {
            do throws(MeasurementError) {
                let probe = try Probe(bytes, candidate, from: start, afterRow: 0, cancellation)
                if let chosen = best, chosen.quality >= probe.quality { continue }
                best = probe
                separator = candidate
            } catch .cancelled {
                throw .cancelled
            } catch {
                failure = error
            }
        }
        if let failure, best?.quality ?? 0 == 0 { throw failure }
        if let best { try read(best) }
    }

    /// The offset after a byte order mark; refuses what is no text in one byte a character.
    private static func textStart(_ bytes: UnsafeRawBufferPointer) throws(MeasurementError) -> Int {
        let utf16: [[UInt8]] = [[0xFF, 0xFE], [0xFE, 0xFF]]
        if utf16.contains(where: { bytes.starts(with: $0) }) {
            throw .malformed("expected text in UTF-8, found UTF-16: save the file as CSV in UTF-8")
        }
        if let zero = bytes.prefix(4096).firstIndex(of: 0) {
            throw .malformed("expected text, found a zero at byte \(zero + 1): this is no CSV file")
        }
        return bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
    }

    /// Decides what the columns are.
    private mutating func read(_ probe: Probe) throws(MeasurementError) {
        columnCount = probe.columnCount
        let columns = (0..<columnCount).map { ColumnSample(probe, $0) }
        guard let firstData = probe.firstDataRecord(columns) else { throw probe.noNumbers() }
        let before = probe.records[..<firstData]
        dataStart = before.last?.end ?? probe.start
        rowsBeforeData = before.last?.row ?? probe.rowsBefore
        // The heading is the first of the full records right above the data, units may be the second.
        let above = Array(before.reversed().prefix { $0.cells.count == columnCount }.reversed())
        func name(_ index: Int) -> ColumnName {
            ColumnName(
                heading: above.first?.cells[index] ?? "", unit: above.count > 1 ? above[1].cells[index] : "",
                column: index + 1)
        }
        for (index, sample) in columns.enumerated() {
            let sample = sample.from(firstData, of: probe)
            let column = Column(index: index, name: name(index), decimal: sample.decimal)
            if let format = timeFormat(sample, column, hasHeading: !above.isEmpty) {
                if time == nil { time = Time(column: column, format: format) }
            } else if sample.isRowNumber(column.name, isFirst: index == 0, hasHeading: !above.isEmpty) {
                continue
            } else if sample.isText {
                texts.append(column)
            } else {
                channels.append(column)
            }
        }
        if channels.isEmpty {
            throw .malformed(
                "row \(rowsBeforeData + 1): expected a column of measurements, found only "
                    + (time == nil ? "row numbers" : "times"))
        }
    }

    private func timeFormat(_ sample: ColumnSample, _ column: Column, hasHeading: Bool) -> TimeFormat? {
        if sample.dateTimes > 0, sample.dateTimes >= sample.words { return .calendar }
        if sample.timesOfDay > 0, sample.timesOfDay >= sample.words { return .timeOfDay }
        guard let first = sample.numbers.first, sample.numbers.count >= sample.words, sample.mostlyRises
        else {
            return nil
        }
        if hasHeading, TimeFormat.isNamed(by: column.name) {
            return TimeFormat(name: column.name, first: first)
        }
        // Without a heading, a first column that rises in other steps than one.
        guard !hasHeading, column.index == 0, columnCount > 1, sample.numbers.count > 2, !sample.stepsByOne
        else {
            return nil
        }
        return TimeFormat(name: nil, first: first)
    }
}

/// The first records of a file, cut by one separator.
private struct Probe {
    struct Record {
        var cells: [String]
        var row: Int
        /// Offset of the record after it.
        var end: Int
    }

    var records: [Record] = []
    let start: Int
    let rowsBefore: Int
    /// Cells that most records have.
    private(set) var columnCount = 1

    init(
        _ bytes: UnsafeRawBufferPointer, _ separator: UInt8, from start: Int, afterRow row: Int,
        _ cancellation: Cancellation
    ) throws(MeasurementError) {
        self.start = start
        rowsBefore = row
        var reader = CSVReader(
            bytes, separator: separator, from: start, afterRow: row, cancellation: cancellation)
        while records.count < TableLayout.probedRecords, reader.position - start < TableLayout.probedBytes,
            try reader.next()
        {
            records.append(
                Record(
                    cells: reader.fields.map { reader.text($0) }, row: reader.row, end: reader.position))
        }
        var counts: [Int: Int] = [:]
        for record in records { counts[record.cells.count, default: 0] += 1 }
        columnCount = counts.max { ($0.value, $0.key) < ($1.value, $1.key) }?.key ?? 1
    }

    /// How well the separator fits: the share of records with the usual number of cells and a number or time among them; 0
    /// where the usual number is one.
    var quality: Double {
        guard columnCount > 1, !records.isEmpty else { return 0 }
        let usual = records.filter { $0.cells.count == columnCount }
        let readable = usual.filter { record in
            record.cells.contains { Cell($0) != .word && Cell($0) != .missing }
        }
        // Words in columns are still likelier than one column of words.
        return readable.isEmpty ? 1e-6 : Double(readable.count) / Double(records.count)
    }

    /// The first full record in which no column that holds numbers or times further down has a word.
    func firstDataRecord(_ columns: [ColumnSample]) -> Int? {
        let measuring = columns.indices.filter { !columns[$0].isText }
        return records.indices.first { index in
            let cells = records[index].cells
            guard cells.count == columnCount else { return false }
            let kinds = measuring.map { Cell(cells[$0]) }
            let values = kinds.count { $0 != .word && $0 != .missing }
            return values > 0 && values >= kinds.count { $0 == .word }
        }
    }

    /// What to say of a file without numbers: its last record is the least likely to be a heading.
    func noNumbers() -> MeasurementError {
        guard let last = records.last else { return .malformed("expected rows of measurements, found none") }
        let found = last.cells.first { !$0.isEmpty } ?? ""
        let column = (last.cells.firstIndex(of: found) ?? 0) + 1
        let place = "row \(last.row), column \(column)"
        return .malformed("\(place): expected a number or a time, found \"\(found.prefix(40))\"")
    }
}

/// What a cell may be.
private enum Cell: Equatable {
    case missing, dateTime, timeOfDay, word
    /// With a decimal point, or with neither mark.
    case number(Double)
    case commaNumber(Double)

    init(_ text: String) {
        var text = text
        self = text.withUTF8 { utf8 in
            let bytes = UnsafeRawBufferPointer(utf8)
            if Number.isMissing(bytes) { return .missing }
            if let value = Number.parse(bytes) { return .number(value) }
            if let value = Number.parse(bytes, decimal: Byte.comma) { return .commaNumber(value) }
            if CalendarTime.parseDateTime(bytes) != nil { return .dateTime }
            return CalendarTime.parseTimeOfDay(bytes) != nil ? .timeOfDay : .word
        }
    }
}

/// What one column's cells are in the probed records.
private struct ColumnSample {
    private(set) var dateTimes = 0
    private(set) var timesOfDay = 0
    private(set) var words = 0
    private(set) var numbers: [Double] = []
    private(set) var decimal = Byte.point
    private let index: Int

    init(_ probe: Probe, _ index: Int) {
        self.init(probe.records[...], probe.columnCount, index)
    }

    private init(_ records: ArraySlice<Probe.Record>, _ columnCount: Int, _ index: Int) {
        self.index = index
        var points = 0
        var commas = 0
        for record in records where record.cells.count == columnCount {
            switch Cell(record.cells[index]) {
            case .missing: break
            case .word: words += 1
            case .dateTime: dateTimes += 1
            case .timeOfDay: timesOfDay += 1
            case .number(let value):
                numbers.append(value)
                if record.cells[index].contains(".") { points += 1 }
            case .commaNumber(let value):
                numbers.append(value)
                commas += 1
            }
        }
        if commas > points { decimal = Byte.comma }
    }

    /// The same column in the records from `first` on.
    func from(_ first: Int, of probe: Probe) -> ColumnSample {
        ColumnSample(probe.records[first...], probe.columnCount, index)
    }

    var isText: Bool { words > max(numbers.count, dateTimes, timesOfDay) }

    /// Whether at least nine in ten steps are not down, and the last value is above the first.
    var mostlyRises: Bool {
        guard let first = numbers.first, let last = numbers.last, numbers.count > 1 else { return false }
        let down = zip(numbers, numbers.dropFirst()).count { $1 < $0 }
        return last > first && down * 10 <= numbers.count
    }

    var stepsByOne: Bool {
        zip(numbers, numbers.dropFirst()).allSatisfy { $1 - $0 == 1 }
    }

    func isRowNumber(_ name: ColumnName, isFirst: Bool, hasHeading: Bool) -> Bool {
        guard numbers.count > 2, stepsByOne else { return false }
        let unnamed = name.name == "column \(index + 1)"
        return (isFirst && unnamed)
            || name.words.contains {
                ["index", "row", "nr", "no", "number", "sample", "id", "count"].contains($0)
            }
    }
}
