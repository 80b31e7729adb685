import Sounds
import Testing

/// Long sounds in windows.
@Suite struct WindowTests {
    private static let rate = 1000

    private func windows(_ samples: [Float], seconds: Double) throws -> [(samples: [Float], start: Int)] {
        try samples.withUnsafeBufferPointer { samples in
            var windows = SoundWindows(
                try SoundReader(samples: samples, rate: Self.rate, channels: 1, rate: Self.rate),
                seconds: seconds)
            var found: [(samples: [Float], start: Int)] = []
            while let (part, start) = try windows.next() { found.append((Array(part), start)) }
            return found
        }
    }

    /// Loud but for a pause of half a second around each given second.
    private func sound(_ seconds: Int, pauses: [Int]) -> [Float] {
        (0..<seconds * Self.rate).map { index in
            let isPause = pauses.contains { abs(index - $0 * Self.rate) < Self.rate / 4 }
            return (isPause ? 0.001 : 0.5) * (index % 2 == 0 ? 1 : -1)
        }
    }

    @Test func aLongSoundIsCutInItsPausesAndNothingIsLost() throws {
        let samples = sound(60, pauses: [8, 15, 23, 30, 31, 38, 46, 53])
        let found = try windows(samples, seconds: 10)
        #expect(found.flatMap(\.samples) == samples)
        #expect(found.map(\.start) == found.indices.map { found[..<$0].reduce(0) { $0 + $1.samples.count } })
        #expect(found.allSatisfy { $0.samples.count <= 10 * Self.rate })
        for cut in found.dropFirst().map(\.start) {
            #expect(samples[cut].magnitude == 0.001)
        }
    }

    @Test func aSoundAsLongAsAWindowIsOne() throws {
        let samples = sound(10, pauses: [7])
        #expect(try windows(samples, seconds: 10).map(\.samples) == [samples])
        #expect(try windows([], seconds: 10).isEmpty)
        // A little longer, and the rest is no splinter.
        let found = try windows(sound(10, pauses: []) + [0.5], seconds: 10)
        #expect(found.count == 2 && found.allSatisfy { $0.samples.count >= Self.rate })
    }
}
