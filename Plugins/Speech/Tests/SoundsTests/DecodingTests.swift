import Foundation
import Sounds
import Testing

/// Files of a tone of 440 Hz and an amplitude of 0.5: see `make_sounds.py`.
@Suite struct DecodingTests {
    private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("sounds")

    private func read(_ name: String, _ format: SoundFormat? = nil, rate: Int = 16000) throws -> [Float] {
        let data = try Data(contentsOf: Self.folder.appendingPathComponent(name))
        return try samples(data, format ?? Self.format(name), rate: rate)
    }

    private func samples(_ data: Data, _ format: SoundFormat, rate: Int = 16000) throws -> [Float] {
        try data.withUnsafeBytes { bytes in
            let reader = try SoundReader(decoding: bytes, as: format, rate: rate)
            defer { #expect(reader.fraction <= 1) }
            return try all(of: reader)
        }
    }

    private func all(of reader: SoundReader, block: Int = 1000) throws -> [Float] {
        var samples: [Float] = []
        var buffer = [Float](repeating: 0, count: block)
        while true {
            let count = try buffer.withUnsafeMutableBufferPointer { try reader.read(into: $0) }
            if count == 0 { return samples }
            samples += buffer[..<count]
        }
    }

    private static func format(_ name: String) -> SoundFormat {
        switch name.split(separator: ".").last {
        case "flac": .flac
        case "ogg": .ogg
        case "mp3": .mpeg
        default: .wav
        }
    }

    /// Amplitude of 440 Hz in the middle half.
    private func amplitude(_ samples: [Float], rate: Double = 16000) -> Double {
        let middle = samples.count / 4..<samples.count * 3 / 4
        var (sine, cosine) = (0.0, 0.0)
        for index in middle {
            let angle = 2 * .pi * 440 * Double(index) / rate
            sine += sin(angle) * Double(samples[index])
            cosine += cos(angle) * Double(samples[index])
        }
        return 2 * (sine * sine + cosine * cosine).squareRoot() / Double(middle.count)
    }

    @Test(
        arguments: zip(
            [
                "mono.wav", "stereo-float.wav", "telephone.wav", "mono.flac", "192khz.flac",
                "8-channels.flac",
                "vorbis.ogg", "opus.ogg", "mono.mp3", "open-ended.wav",
            ],
            [0.3, 0.2, 0.3, 0.3, 0.2, 0.2, 0.4, 0.4, 0.4, 0.3]))
    func everyFormRateAndNumberOfChannelsIsTheSameTone(_ name: String, _ seconds: Double) throws {
        let found = try read(name)
        #expect(abs(amplitude(found) - 0.5) < 0.02)
        // Lossy encoders pad.
        let slack = name.hasSuffix("mp3") ? 0.1 : 0.001
        #expect(abs(Double(found.count) / 16000 - seconds) < slack)
    }

    @Test func clippedAndSilentSoundIsTakenAsItIs() throws {
        #expect(try read("clipped.wav").map(abs).max() ?? 0 > 0.99)
        #expect(try read("silent.wav") == [Float](repeating: 0, count: 8000))
        #expect(try read("one-sample.wav") == [0.5])
        #expect(try read("no-samples.wav").isEmpty)
    }

    @Test func samplesDependOnNoBlocksThatAreAskedFor() throws {
        let data = try Data(contentsOf: Self.folder.appendingPathComponent("stereo-float.wav"))
        let whole = try samples(data, .wav)
        for block in [1, 7, 160, 5000] {
            try data.withUnsafeBytes { bytes in
                let reader = try SoundReader(decoding: bytes, as: .wav, rate: 16000)
                #expect(try all(of: reader, block: block) == whole)
                #expect(reader.fraction == 1)
            }
        }
    }

    @Test func interleavedSamplesAreMixedAndResampled() throws {
        let interleaved = (0..<8000).flatMap { index -> [Float] in
            let value = Float(sin(2 * .pi * 440 * Double(index) / 8000))
            return [value, 0]
        }
        let found = try interleaved.withUnsafeBufferPointer {
            try all(of: SoundReader(samples: $0, rate: 8000, channels: 2, rate: 16000))
        }
        #expect(abs(found.count - 16000) <= 1 && abs(amplitude(found) - 0.5) < 0.01)
    }

    @Test(arguments: [8000, 16000, 44100, 48000, 192_000])
    func liveSoundIsTheSameToneAndComesInTime(_ rate: Int) throws {
        let tone = (0..<rate).map { Float(0.5 * sin(2 * .pi * 440 * Double($0) / Double(rate))) }
        let sound = try LiveSound(from: rate, channels: 1, rate: 16000)
        var found: [Float] = []
        var latest = 0.0
        for first in stride(from: 0, to: rate, by: rate / 1000) {
            let end = min(rate, first + rate / 1000)
            found += try tone[first..<end].withUnsafeBufferPointer { try sound.push($0) }
            let late = Double(end) / Double(rate) - Double(found.count) / 16000
            latest = max(latest, late)
        }
        #expect(latest < 0.031)
        found += try sound.finish()
        #expect(abs(found.count - 16000) < 16 && abs(amplitude(found) - 0.5) < 0.01)
        #expect(try sound.finish().isEmpty)
        #expect(throws: SoundError.badInput("the sound has samples that are no numbers")) {
            try [Float.nan].withUnsafeBufferPointer {
                try LiveSound(from: rate, channels: 1, rate: 16000).push($0)
            }
        }
    }

    @Test(
        arguments: zip(
            ["cut.wav", "cut.flac", "no-number.wav", "text.wav", "33-channels.wav"],
            [
                "the WAV is cut short by 6644 bytes",
                "the FLAC is cut short: its header tells of 6615 samples, and 0 are there",
                "the WAV has samples that are no numbers",
                "the bytes are neither WAV, FLAC, Ogg nor MPEG audio, but the media type says audio/wav",
                "the sound has 33 channels: 1 to 32 are taken",
            ]))
    func whatIsNoGoodIsRefusedWithTheReason(_ name: String, _ message: String) {
        #expect(throws: SoundError.badInput(message)) { try read(name) }
    }

    @Test func aFileOfAnotherKindThanItsMediaTypeIsRefusedWithBoth() {
        #expect(
            throws: SoundError.badInput("the bytes are FLAC, but the media type says audio/mpeg")
        ) { try read("mono.flac", .mpeg) }
        #expect(
            throws: SoundError.badInput("the bytes are MPEG audio, but the media type says audio/ogg")
        ) { try read("mono.mp3", .ogg) }
        #expect(throws: SoundError.badInput("the sound has no bytes")) { try samples(Data(), .wav) }
    }

    @Test func damageAnywhereEndsInSamplesOrAReason() throws {
        var generator = Generator(state: 7)
        for name in ["mono.wav", "mono.flac", "vorbis.ogg", "opus.ogg", "mono.mp3"] {
            let whole = try Data(contentsOf: Self.folder.appendingPathComponent(name))
            for _ in 0..<60 {
                var data = whole
                for _ in 0..<Int.random(in: 1...20, using: &generator) {
                    data[Int.random(in: 0..<data.count, using: &generator)] = .random(in: 0...255)
                }
                data = data.prefix(Int.random(in: 1...data.count, using: &generator))
                do {
                    let found = try samples(data, Self.format(name))
                    #expect(found.allSatisfy { $0.isFinite })
                } catch let error as SoundError {
                    guard case .badInput(let message) = error else { throw error }
                    #expect(!message.isEmpty)
                }
            }
        }
    }
}

/// Numbers that are the same in every run: Knuth's linear congruential generator.
private struct Generator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return state ^ state >> 32
    }
}
