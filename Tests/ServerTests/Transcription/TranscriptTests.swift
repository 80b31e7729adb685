import GatehouseJSON
import PluginHost
import Server
import Testing

/// How a transcript is cut into lines and written down.
@Suite struct TranscriptTests {
    /// Words of (text, start, end), a space between them.
    private func transcript(_ words: [(text: String, start: Double, end: Double)]) -> Transcript {
        var text = ""
        var timed: [TimedWord] = []
        for word in words {
            if !text.isEmpty { text += " " }
            let begin = text.utf8.count
            text += word.text
            timed.append(
                TimedWord(
                    text: word.text, bytes: begin..<text.utf8.count, startSeconds: word.start,
                    endSeconds: word.end, confidence: 0.5))
        }
        return Transcript(text: text, words: timed)
    }

    @Test func linesEndAtSilencesAndSentencesAndWhereTheyWouldBeTooLong() {
        let gaps = transcript([("a", 0, 1), ("b", 1.5, 2), ("c", 3, 4)])
        #expect(gaps.segments.map(\.text) == ["a b", "c"])
        #expect(gaps.segments.map(\.startSeconds) == [0, 3] && gaps.segments.map(\.endSeconds) == [2, 4])
        #expect(gaps.segments[0].confidence == 0.5)
        #expect(transcript([("Yes.", 0, 1), ("No", 1, 2)]).segments.map(\.text) == ["Yes.", "No"])
        let long = transcript((0..<40).map { ("word", Double($0) * 0.1, Double($0) * 0.1 + 0.1) })
        #expect(long.segments.allSatisfy { $0.text.count <= 84 } && long.segments.count == 3)
        #expect(long.segments.map(\.text).joined(separator: " ") == long.text)
        let slow = transcript((0..<10).map { ("la", Double($0), Double($0) + 0.9) })
        #expect(slow.segments.allSatisfy { $0.endSeconds - $0.startSeconds <= 7 })
        #expect(Transcript(text: "", words: []).segments.isEmpty)
    }

    @Test func subtitlesHaveTheirFormats() {
        let transcript = transcript([("Tom", 0, 0.5), ("&", 0.5, 0.7), ("<b>", 3661.0004, 3662.9996)])
        #expect(
            transcript.written(as: .srt)
                == "1\n00:00:00,000 --> 00:00:00,700\nTom &\n\n2\n01:01:01,000 --> 01:01:03,000\n<b>\n\n")
        #expect(
            transcript.written(as: .vtt)
                == "WEBVTT\n\n00:00:00.000 --> 00:00:00.700\nTom &amp;\n\n"
                + "01:01:01.000 --> 01:01:03.000\n&lt;b&gt;\n\n")
        #expect(Transcript(text: "", words: []).written(as: .vtt) == "WEBVTT\n\n")
        #expect(transcript.written(as: .text) == "Tom & <b>\n")
        #expect(transcript.written(as: .json) == #"{"text":"Tom & <b>"}"#)
    }

    @Test func verboseJSONHasWhatIsAskedFor() throws {
        let transcript = transcript([("one", 0, 0.3333), ("two", 0.5, 1)])
        let all = try JSONValue(parsing: transcript.written(as: .verboseJSON, language: "en").utf8)
        #expect(all["task"] == .string("transcribe") && all["language"] == .string("en"))
        #expect(all["duration"] == .number(1.0))
        #expect(all["words"]?.arrayValue?.count == 2)
        #expect(all["words"]?.arrayValue?[0]["end"] == .number(0.333))
        #expect(all["segments"]?.arrayValue?[0]["text"] == .string("one two"))
        let few = try JSONValue(
            parsing: transcript.written(as: .verboseJSON, withWords: false, withSegments: false).utf8)
        #expect(few["words"] == nil && few["segments"] == nil && few["language"] == .string("unknown"))
    }

    @Test func wordsWithoutTimesAreLeftOut() {
        let word = TimedWord(
            text: "a", bytes: 0..<1, startSeconds: .nan, endSeconds: .nan, confidence: .nan)
        let transcript = Transcript(text: "a", words: [word])
        #expect(transcript.words.isEmpty && transcript.segments.isEmpty && transcript.text == "a")
    }

    @Test func segmentsAreJoinedAndRowsSayNothing() throws {
        let texts = ["one", "two ", "three"].map {
            EncodedSegment(part: 0, content: .text(EncodedText($0)))
        }
        let soft = EncodedSegment(
            part: 0,
            content: .soft(
                SoftTokens(slots: [[.init(text: "fo", weight: 0.2), .init(text: "four", weight: 0.7)]])))
        #expect(Transcript(texts + [soft])?.text == "one two three four")
        #expect(Transcript([])?.text == "")
        let rows = EncodedRows(
            count: 0, width: 1, grid: (0, 0, 0), positions: [], memory: try SharedMemory(size: 1), offset: 0)
        #expect(Transcript(texts + [EncodedSegment(part: 0, content: .rows(rows))]) == nil)
    }

    @Test func samplesAreOf16BitsLittleEndian() {
        #expect(PCM.samples([0, 0x80, 0xFF, 0x7F, 0, 0x40, 1]) == [-1, 32767 / 32768, 0.5])
        #expect(PCM.samples([9, 9, 0, 0x40][2...]) == [0.5] && PCM.samples([]).isEmpty)
    }
}
