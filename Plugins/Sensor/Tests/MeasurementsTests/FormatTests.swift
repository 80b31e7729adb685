import Measurements
import Testing

/// The many shapes in which people save measurements.
@Suite struct FormatTests {
    @Test(arguments: [
        "t (s),ax [g]\n0,1\n0.5,2\n1,4\n",
        "t (s);ax [g]\n0;1\n0.5;2\n1;4\n",
        "t (s);ax [g]\r\n0,0;1,0\r\n0,5;2,0\r\n1,0;4,0\r\n",
        "t (s)\tax [g]\r0\t1\r0.5\t2\r1\t4",
        "\u{FEFF}\"t (s)\",\"ax [g]\"\n\"0\",\"1\"\n\"0.5\",\" 2 \"\n\"1\",\"4\"\n\n\n",
        "sep=;\nt (s);ax [g]\n0;1\n0.5;2\n1;4\n",
        "# t (s), ax [g]\n0, 1\n5e-1, 2\n1, 4\n",
        "Device: X-1\nDate: Monday\n\nt,ax\ns,g\n0,1\n0.5,2\n1,4\n",
        "t (ms),ax [g]\n0,1\n500,2\n1000,4\n",
        "time_us,ax [g]\n0,1\n500000,2\n1000000,4\n",
        "\"t (s)\",\"ax [g]\"\n\"0,0\",\"1,0\"\n\"0,5\",\"2,0\"\n\"1,0\",\"4,0\"\n",
    ])
    func everyDialectReadsTheSame(_ csv: String) throws {
        let measurements = try measure(csv)
        #expect(measurements.rows == 3)
        #expect(measurements.duration == 1)
        #expect(measurements.channels.map(\.name.name) == ["ax"])
        #expect(measurements.channels.first?.name.unit == "g")
        #expect(measurements.channels.first?.mean == 7.0 / 3)
        #expect(measurements.channels.first?.maximum.map { [$0.time, $0.value] } == [1, 4])
    }

    @Test(arguments: [
        "timestamp,x\n1714564800,1\n1714564802,2\n",
        "timestamp,x\n1714564800000,1\n1714564802000,2\n",
        "timestamp,x\n1714564800000000000,1\n1714564802000000000,2\n",
        "when,x\n2024-05-01T12:00:00Z,1\n2024-05-01T12:00:02Z,2\n",
        "when,x\n2024-05-01 14:00:00.000+02:00,1\n2024-05-01 14:00:02.000+02:00,2\n",
        "when,x\n2024/05/01 12:00,1\n2024/05/01 12:00:02,2\n",
    ])
    func absoluteTimesAreFound(_ csv: String) throws {
        let measurements = try measure(csv)
        #expect(measurements.origin.flatMap(CalendarTime.format) == "2024-05-01 12:00:00 UTC")
        #expect(measurements.duration == 2)
    }

    @Test func aLongHeadingIsCutBetweenCharacters() throws {
        let name = "a" + String(repeating: "²", count: 100)
        #expect(
            try measure("t,\(name)\n0,1\n1,2\n").channels[0].name.name == "a"
                + String(repeating: "²", count: 39))
    }

    @Test func timesOfDayGoOnAfterMidnight() throws {
        let measurements = try measure("clock,x\n23:59:59.5,1\n00:00:00.5,2\n00:00:01.5,3\n")
        #expect(measurements.duration == 2)
        #expect(measurements.backwards == 0)
    }

    @Test func aFileWithoutHeadingTakesItsFirstRisingColumnForSeconds() throws {
        let measurements = try measure("0.0,5,1\n0.1,4,1\n0.2,6,1\n")
        #expect(measurements.rows == 3)
        #expect(measurements.layout.time?.format == .number(scale: 1, isUnix: false, isAssumed: true))
        #expect(measurements.channels.map(\.name.name) == ["column 2", "column 3"])
    }

    @Test func rowNumbersAreNeitherTimeNorChannel() throws {
        let measurements = try measure(",x\n0,5\n1,7\n2,6\n")
        #expect(measurements.layout.time == nil)
        #expect(measurements.channels.map(\.name.name) == ["x"])
        #expect(measurements.channels.first?.maximum.map { [$0.time, $0.value] } == [1, 7])
    }

    @Test func aHeadingInLatin1IsRead() throws {
        // "a (m/s²)" and "T (°C)" as Excel saves them in western Europe.
        let csv =
            Array("t,a (m/s".utf8) + [0xB2] + Array("),T (".utf8) + [0xB0] + Array("C)\n0,1,2\n1,2,3\n".utf8)
        #expect(try measure(csv).channels.map(\.name.unit) == ["m/s²", "°C"])
    }

    @Test func aTemperatureNamedTIsNoTime() throws {
        let measurements = try measure("t,T (°C)\n0,20\n1,21\n2,22\n")
        #expect(measurements.channels.map(\.name) == [ColumnName(heading: "T (°C)", column: 2)])
    }

    @Test func whatIsNoNumberIsCountedAndTold() throws {
        let measurements = try measure("t,x\n0,1\n1,\n2,NaN\n3,bad\n4,inf\n5,2,9\n6\n7,3\n")
        let x = measurements.channels[0]
        #expect(x.count == 3)
        #expect(x.missing == 3)
        #expect(x.unreadable == 2)
        #expect(x.firstUnreadable?.row == 5)
        #expect(x.firstUnreadable?.text == "bad")
        #expect(measurements.irregularRows == 2)
        #expect(measurements.firstIrregular?.row == 7)
    }

    @Test func wordsAreNoChannel() throws {
        let measurements = try measure("t,label,x\n0,walk,1\n1,run,2\n2,walk,3\n")
        #expect(measurements.layout.texts.map(\.name.name) == ["label"])
        #expect(measurements.channels.map(\.name.name) == ["x"])
    }

    @Test func gapsAndSteppingBackAreCounted() throws {
        let times = [0, 1, 2, 3, 13, 14, 12, 15, 16, 17, 24] + (25...40)
        let measurements = try measure("t,x\n" + times.map { "\($0),1\n" }.joined())
        #expect(measurements.gaps == 2)
        #expect(measurements.longestGap == 3...13)
        #expect(measurements.backwards == 1)
    }

    @Test func aClockCoarserThanTheRowsSpreadsThem() throws {
        let rows = (0..<1000).map { "2024-05-01T12:00:\($0 / 100 + 10),\($0 % 20 < 10 ? 1 : -1)\n" }
        let measurements = try measure("when,x\n" + rows.joined())
        #expect(measurements.sampling?.isCoarse == true)
        let frequency = try #require(measurements.channels[0].oscillation?.frequency)
        // 1,000 rows from 10 to 19 s: the last second's rows lie beyond the last stamp, so the rate is 111 Hz, not 100.
        #expect(abs(frequency * (measurements.sampling?.interval ?? 0) - 0.05) < 0.0005)
    }

    @Test(
        arguments: zip(
            [
                "1.5", "-.5", "+5.", "1e3", "1E-2", "18446744073709551616", "0.1", "1e400", "0x10", "1,5", "",
                "-", "e5", "1e",
            ],
            [1.5, -0.5, 5, 1000, 0.01, 18_446_744_073_709_551_616, 0.1, nil, nil, nil, nil, nil, nil, nil]
                as [Double?]))
    func numbersAreReadExactlyOrNotAtAll(_ text: String, _ value: Double?) {
        #expect(Array(text.utf8).withUnsafeBytes { Number.parse($0) } == value)
    }

    @Test(
        arguments: [
            (1_709_164_800.0, "2024-02-29 00:00:00 UTC"), (0, "1970-01-01 00:00:00 UTC"),
            (-1, "1969-12-31 23:59:59 UTC"), (4_107_542_400, "2100-03-01 00:00:00 UTC"),
        ])
    func datesGoBothWays(_ seconds: Double, _ text: String) {
        #expect(CalendarTime.format(seconds) == text)
        let cell = Array(text.dropLast(4).utf8)
        #expect(cell.withUnsafeBytes { CalendarTime.parseDateTime($0) } == seconds)
    }

    @Test(arguments: [
        "2023-02-29", "2024-13-01", "2024-05-01T25:00", "2024-05-01T12:00:00+0", "2024-05-01x", "1-1-1",
    ])
    func noDatesAreMadeUp(_ text: String) {
        #expect(Array(text.utf8).withUnsafeBytes { CalendarTime.parseDateTime($0) } == nil)
    }
}
