import Foundation
import Measurements
import Testing

/// Figures against numpy and scipy. `Tests/reference/make_references.py` makes the files and the expected values.
@Suite struct ReferenceTests {
    private struct Oscillation: Decodable {
        var frequency: Double
        var amplitude: Double
        var strength: Double
    }

    private struct Expected: Decodable {
        var mean: Double
        var standardDeviation: Double
        var slope: Double
        var minimum: [Double]
        var maximum: [Double]
        var peaks: [[Double]]?
        var outliers: Int?
        var oscillation: Oscillation?
    }

    private struct All: Decodable {
        var even: [String: Expected]
        var uneven: Expected
        var stretches: Expected
    }

    private let all: All

    init() throws {
        all = try JSONDecoder().decode(All.self, from: Data(try reference("expected.json")))
    }

    @Test(arguments: ["ax", "noise", "spiked"])
    func evenlySampledChannelsMatch(_ name: String) throws {
        let measurements = try measure(try reference("even.csv"), mostPeaks: 5)
        let channel = try #require(measurements.channels.first { $0.name.name == name })
        let expected = try #require(all.even[name])
        compare(channel, expected)
        #expect(channel.peaks.map { [$0.time, $0.value] } == expected.peaks)
        #expect(channel.outliers?.count ?? 0 == expected.outliers)
    }

    @Test func unevenSamplingMatchesLombScargle() throws {
        let measurements = try measure(try reference("uneven.csv"))
        #expect(measurements.sampling?.isEven == false)
        compare(measurements.channels[0], all.uneven)
    }

    @Test func aSpectrumOverStretchesMatchesWelch() throws {
        let measurements = try measure(try reference("stretches.csv"), stretchRows: 256)
        compare(measurements.channels[0], all.stretches)
    }

    @Test func sumsOverStretchesAreThoseOfTheWhole() throws {
        let parts = try measure(try reference("even.csv"), stretchRows: 50).channels
        for channel in parts {
            let expected = try #require(all.even[channel.name.name])
            #expect(isNear(channel.mean, expected.mean))
            #expect(isNear(channel.standardDeviation, expected.standardDeviation))
            #expect(isNear(channel.slope, expected.slope, 1e-7))
        }
    }

    private func compare(_ channel: Channel, _ expected: Expected) {
        #expect(isNear(channel.mean, expected.mean))
        #expect(isNear(channel.standardDeviation, expected.standardDeviation))
        #expect(isNear(channel.slope, expected.slope, 1e-7))
        #expect(channel.minimum.map { [$0.time, $0.value] } == expected.minimum)
        #expect(channel.maximum.map { [$0.time, $0.value] } == expected.maximum)
        guard let oscillation = expected.oscillation else { return }
        // Both clocks are decimals, so a resampled value differs by rounding.
        #expect(isNear(channel.oscillation?.frequency ?? 0, oscillation.frequency, 1e-6))
        #expect(isNear(channel.oscillation?.amplitude ?? 0, oscillation.amplitude, 1e-5))
        #expect(isNear(channel.oscillation?.strength ?? 0, oscillation.strength, 1e-5))
    }

    private func isNear(_ found: Double, _ expected: Double, _ tolerance: Double = 1e-9) -> Bool {
        abs(found - expected) <= tolerance * max(abs(expected), 1e-3)
    }
}
