import Foundation
import Measurements
import Testing

@Suite struct ReportTests {
    @Test func theReportOfAnAccelerometerReadsSo() throws {
        let report = Report(try measure(try reference("even.csv")))
        let expected = String(decoding: try reference("even.txt"), as: UTF8.self)
        #expect(report.text == expected)
    }

    @Test func referencesPointAtTheWordsOfTheirTime() throws {
        let report = Report(try measure(try reference("even.csv")))
        #expect(!report.references.isEmpty)
        var last = 0
        for reference in report.references {
            #expect(reference.bytes.lowerBound >= last)
            last = reference.bytes.upperBound
            let words = String(decoding: Array(report.text.utf8)[reference.bytes], as: UTF8.self)
            let time = Quantity.text(reference.seconds.lowerBound, digits: 7)
            #expect(words.hasSuffix("at \(time) s"))
        }
    }

    @Test func noiseHasNoFrequencyAndASlowDriftNeither() throws {
        // A linear congruential generator (Numerical Recipes, "quick and dirty"), so that the noise is always the same.
        var state: UInt32 = 1
        let noise = (0..<2000).map { _ in
            state = state &* 1_664_525 &+ 1_013_904_223
            return Double(state) / Double(UInt32.max)
        }
        let rows = noise.enumerated().map { "\(Double($0) / 100),\($1),\(Double($0 * $0))\n" }
        let measurements = try measure("t,noise,drift\n" + rows.joined())
        #expect(measurements.channels.map { $0.oscillation == nil } == [true, true])
        #expect(measurements.channels.map(\.trend) == [.steady, .rising])
    }

    @Test func channelsBeyondTheMostAreNamedOnly() throws {
        let csv = Array("t,a,b,c\n0,1,2,3\n1,2,3,5\n".utf8)
        let report = Report(try measure(csv, mostChannels: 1, mostPeaks: 0))
        #expect(report.text.contains("Not shown: b, c."))
        #expect(!report.text.contains("\nb:"))
        #expect(!report.text.contains("peaks"))
    }

    @Test(
        arguments: zip(
            [
                0, 1, -1, 0.1 + 0.2, 9.9996, 99_995, 123_456, 1013.25, 0.000123456, 1.5e-7, -2.5e12, 2.5e-300,
                1e22,
                .greatestFiniteMagnitude, .nan,
            ],
            [
                "0", "1", "-1", "0.3", "10", "100000", "123500", "1013", "0.0001235", "1.5e-7", "-2.5e12",
                "2.5e-300",
                "1e22", "1.798e308", "unknown",
            ]))
    func numbersHaveFourSignificantDigits(_ value: Double, _ text: String) {
        #expect(Quantity.text(value) == text)
    }

    @Test(arguments: zip([0.2, 119, 330, 7200, 172_800], ["0.2 s", "119 s", "5.5 min", "2 h", "2 days"]))
    func spansOfTimeHaveTheirUnit(_ seconds: Double, _ text: String) {
        #expect(Quantity.duration(seconds) == text)
    }

    @Test func timesAreToldAsTheFileTellsThem() throws {
        let slow = "when,x\n2024-05-01T01:00:00Z,1\n2024-05-01T03:00:00Z,2\n"
        #expect(Report(try measure(slow)).text.contains("maximum 2 at 2024-05-01 03:00:00 UTC"))
        let fast = "when,x\n2024-05-01T01:00:00Z,1\n2024-05-01T01:00:00.25Z,2\n"
        #expect(Report(try measure(fast)).text.contains("maximum 2 at 0.25 s"))
        #expect(Report(try measure("t (ms),x\n5000,1\n5250,2\n")).text.contains("maximum 2 at 5.25 s"))
        #expect(Report(try measure("x\n1\n2\n")).text.contains("maximum 2 at row 1"))
    }

    @Test func aSlowRhythmIsToldByItsPeriod() throws {
        let hours = (0..<24 * 30).map { "\($0 * 3600),\(sin(Double($0) * 2 * .pi / 24))\n" }
        let text = Report(try measure("time (s),level\n" + hours.joined())).text
        #expect(text.contains("oscillates at a period of 24 h"))
    }
}
