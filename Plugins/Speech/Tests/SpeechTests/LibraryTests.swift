import CGatehouse
import Foundation
import GatehouseTestSupport
import Testing

/// The library through the symbol it exports. Serial: the library is one for the process.
@Suite(.serialized) struct LibraryTests {
    private static let tests = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent()

    private func checkpoint(_ name: String) -> String {
        Self.tests.appendingPathComponent("RecognitionTests/checkpoints/\(name)").path
    }

    private func opened(
        _ name: String?, _ configuration: String = "{}", threads: UInt32 = 2, hidden: UInt32? = nil
    ) throws -> OpenedPlugin {
        try OpenedPlugin(
            library: "Speech", id: "speech", weights: name.map { checkpoint($0) },
            configuration: configuration,
            threads: threads, hidden: hidden)
    }

    private func file(_ path: String, _ type: String) throws -> OpenedPlugin.Part {
        .file(try Data(contentsOf: Self.tests.appendingPathComponent(path)), type: type)
    }

    private func sound() throws -> OpenedPlugin.Part {
        try file("RecognitionTests/checkpoints/sound.flac", "audio/flac")
    }

    private func expected(_ name: String) throws -> String? {
        let path = Self.tests.appendingPathComponent("RecognitionTests/checkpoints/expected.json")
        return try JSONDecoder().decode([String: String].self, from: Data(contentsOf: path))[name]
    }

    @Test func aSoundBecomesItsBareTranscriptWithSpansOfWords() throws {
        let plugin = try opened("ctc")
        #expect(plugin.outputs() == (UInt32(GATEHOUSE_OUTPUT_TEXT), 0, nil))
        let answer = plugin.encode([try sound()])
        #expect(answer.status == GATEHOUSE_OK)
        #expect(answer.text == (try expected("ctc.text")))
        let text = Array(answer.text.utf8)
        let words = answer.spans.map { String(decoding: text[$0.bytes], as: UTF8.self) }
        #expect(words == answer.text.split(separator: " ").map { String($0) })
        for span in answer.spans {
            let seconds = try #require(span.seconds)
            #expect(seconds.lowerBound < seconds.upperBound && seconds.upperBound < 4.2)
            #expect((0...1).contains(try #require(span.confidence)))
        }
        #expect(answer.progress == answer.progress.sorted() && answer.progress.last == 1)
    }

    @Test func samplesAndEveryKindOfFileAreTaken() throws {
        let plugin = try opened("ctc")
        let folder = "SoundsTests/sounds"
        for (name, type) in [
            ("192khz.flac", "audio/flac"), ("8-channels.flac", "audio/flac"), ("opus.ogg", "audio/ogg"),
            ("mono.mp3", "audio/mpeg"), ("clipped.wav", "audio/wav"), ("silent.wav", "audio/wav"),
        ] {
            #expect(plugin.encode([try file("\(folder)/\(name)", type)]).status == GATEHOUSE_OK)
        }
        let samples = (0..<16000).map { Float(sin(Double($0) * 0.2)) }
        let answer = plugin.encode([
            .samples(samples, rate: 16000, channels: 1),
            .samples(samples.flatMap { [$0, $0] }, rate: 16000, channels: 2),
        ])
        #expect(answer.status == GATEHOUSE_OK)
        #expect(answer.text.prefix(answer.text.count / 2) == answer.text.suffix(answer.text.count / 2))
    }

    @Test func aProjectorsRowsAreItsOwnDecoders() throws {
        let plugin = try opened("encoder", #"{"output": "rows"}"#, hidden: 20)
        #expect(plugin.outputs() == (UInt32(GATEHOUSE_OUTPUT_ROWS), 20, "llama"))
        let rows = plugin.encode([try sound()]).rows
        #expect(rows.map(\.rows) == [103] && rows.map(\.width) == [20])
        #expect(rows.allSatisfy { $0.values.allSatisfy(\.isFinite) && $0.positions.isEmpty })
    }

    @Test func aSoftHeadMakesSoftTokens() throws {
        let plugin = try opened("encoder", #"{"output": "soft"}"#)
        #expect(plugin.outputs() == (UInt32(GATEHOUSE_OUTPUT_SOFT), 0, nil))
        let answer = plugin.encode([try sound()])
        #expect(answer.status == GATEHOUSE_OK && answer.slots.count == 3)
        #expect(answer.slots.allSatisfy { $0.reduce(0) { $0 + $1.weight } <= 1.001 })
    }

    /// The sound's samples, 16 kHz.
    private func samples() -> [Float] {
        (0..<48000).map { index in
            let time = Double(index) / 16000
            return Float(0.4 * sin(900 * time + 300 * sin(9 * time)) * max(0, sin(7 * time)))
        }
    }

    @Test func liveSoundBecomesTextThatGrowsAndStays() throws {
        let plugin = try opened("ctc")
        let whole = plugin.listen(to: samples(), rate: 16000, block: 48000)
        #expect(whole.status == GATEHOUSE_OK && whole.isFinal && whole.broken.isEmpty)
        #expect(!whole.text.isEmpty && whole.stable.last == whole.text.utf8.count && whole.stable.count > 5)
        let text = Array(whole.text.utf8)
        let words = whole.spans.map { String(decoding: text[$0.bytes], as: UTF8.self) }
        #expect(words == whole.text.split(separator: " ").map { String($0) })
        #expect(whole.spans.allSatisfy { $0.seconds?.upperBound ?? 9 <= 3.04 })
        for block in [7, 160, 4000] {
            let other = plugin.listen(to: samples(), rate: 16000, block: block)
            #expect(other.text == whole.text && other.spans == whole.spans && other.stable == whole.stable)
        }
        // Two channels at another rate, in blocks as a sound card gives them.
        let doubled = samples().flatMap { [$0, $0, $0, $0] }
        let stereo = plugin.listen(to: doubled, rate: 32000, channels: 2, block: 480)
        #expect(stereo.status == GATEHOUSE_OK && stereo.isFinal && stereo.broken.isEmpty)
        let coarse = plugin.listen(to: doubled, rate: 32000, channels: 2, block: 20000)
        #expect(coarse.text == stereo.text && coarse.stable == stereo.stable)
    }

    @Test func aStreamsClientMaySetHowFarItLooks() throws {
        let plugin = try opened("ctc")
        let far = plugin.listen(
            to: samples(), rate: 16000, block: 160, configuration: #"{"chunk_rows": 8, "right_rows": 4}"#)
        #expect(
            far.isFinal
                && far.stable.count < plugin.listen(to: samples(), rate: 16000, block: 160).stable.count)
        let wrong = plugin.listen(to: [], rate: 16000, block: 1, configuration: #"{"beam": 2}"#)
        #expect(wrong.status == GATEHOUSE_BAD_CONFIGURATION)
        #expect(plugin.listen(to: [], rate: 900, block: 1).status == GATEHOUSE_BAD_INPUT)
        #expect(try !opened("encoder", #"{"output": "soft"}"#).takesStreams)
    }

    @Test func anInstanceRepeatsItselfAfterAnyError() throws {
        let plugin = try opened("ctc")
        let first = plugin.encode([try sound()])
        let bad = plugin.encode([try file("SoundsTests/sounds/cut.wav", "audio/wav")])
        #expect(bad.status == GATEHOUSE_BAD_INPUT)
        #expect(bad.message == "the WAV is cut short by 6644 bytes")
        let second = plugin.encode([try sound(), try file("SoundsTests/sounds/one-sample.wav", "audio/wav")])
        #expect(second.message == "part 2: the sound lasts 0.0625 ms: at least 20.0 ms are needed")
        let cancelled = plugin.encode([try sound()], cancelled: true)
        #expect(cancelled.status == GATEHOUSE_CANCELLED && cancelled.message == nil)
        let pixels = plugin.encode([.file(Data([1]), type: "audio/wav", kind: GATEHOUSE_PART_PIXELS)])
        #expect(pixels.status == GATEHOUSE_UNSUPPORTED)
        let again = plugin.encode([try sound()])
        #expect(again.text == first.text && again.spans == first.spans)
    }

    @Test(
        arguments: zip(
            [#"{"beam": 0}"#, #"{"output": "sound"}"#, #"{"most": 1}"#, "[]", "{"],
            [
                "beam: expected a whole number from 1 to 64, found the number 0",
                "output: expected \"text\", \"rows\" or \"soft\", found \"sound\"",
                "most: expected \"output\", \"beam\", \"window_seconds\", \"chunk_rows\", \"left_rows\" or \"right_rows\", found another key",
                "configuration: expected an object, found an array of 0",
                "configuration: expected valid JSON, found its end instead of a key in quotes",
            ]))
    func aWrongConfigurationIsRefusedWithItsKey(_ json: String, _ message: String) throws {
        expectFailure(GATEHOUSE_BAD_CONFIGURATION, message) { try opened("ctc", json) }
    }

    @Test func withoutWhatTheOutputNeedsThereIsNoInstance() throws {
        expectFailure(GATEHOUSE_NO_WEIGHTS, "weights: expected the folder of a parakeet_ctc checkpoint") {
            try opened(nil)
        }
        expectFailure(
            GATEHOUSE_NO_WEIGHTS,
            "\(checkpoint("none"))/config.json: file: expected a readable configuration file"
        ) { try opened("none") }
        expectFailure(
            GATEHOUSE_NO_WEIGHTS,
            "\(checkpoint("encoder"))/config.json: model_type: expected \"parakeet_ctc\", since text needs a head"
        ) { try opened("encoder") }
        expectFailure(
            GATEHOUSE_NO_WEIGHTS, "\(checkpoint("ctc"))/projector.safetensors: file: expected a readable"
        ) { try opened("ctc", #"{"output": "rows"}"#) }
    }

    private func expectFailure(
        _ status: Int, _ message: String, _ make: () throws -> OpenedPlugin,
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        do {
            _ = try make()
            Issue.record("was taken", sourceLocation: sourceLocation)
        } catch OpenedPlugin.Failure.create(let found, let text) {
            #expect(found == status && text.hasPrefix(message), sourceLocation: sourceLocation)
        } catch {
            Issue.record("\(error)", sourceLocation: sourceLocation)
        }
    }

    @Test func theDescriptorSaysWhatItTakes() throws {
        let entry = try opened("ctc").entry
        let plugin = try #require(entry.pointee.plugin(entry.pointee.ctx, 0)).pointee
        #expect(String(cString: plugin.id) == "speech")
        #expect(String(cString: plugin.media_types) == "audio/wav audio/flac audio/ogg audio/mpeg")
        #expect(plugin.flags == UInt32(GATEHOUSE_NEEDS_WEIGHTS))
        for text in [plugin.configuration_schema, plugin.weights_manifest] {
            let json = try #require(text.map { String(cString: $0) })
            #expect(throws: Never.self) { try JSONSerialization.jsonObject(with: Data(json.utf8)) }
        }
    }
}
