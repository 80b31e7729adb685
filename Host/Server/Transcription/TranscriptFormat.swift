import GatehouseJSON
import PluginHost

/// How a transcript is written down.
public enum TranscriptFormat: String, CaseIterable, Sendable {
    case json
    case text
    case verboseJSON = "verbose_json"
    /// SubRip.
    case srt
    /// WebVTT (W3C).
    case vtt

    /// Whether it is nothing without the times of words.
    public var needsTimes: Bool { self == .srt || self == .vtt }

    public var contentType: String {
        switch self {
        case .json, .verboseJSON: "application/json"
        case .text: "text/plain; charset=utf-8"
        case .srt: "application/x-subrip; charset=utf-8"
        case .vtt: "text/vtt; charset=utf-8"
        }
    }
}

extension Transcript {
    /// - Parameters:
    ///   - language: what the client says that is spoken; nil where it does not.
    ///   - withWords: whether verbose JSON lists words, and `withSegments` lines.
    public func written(
        as format: TranscriptFormat, language: String? = nil, withWords: Bool = true,
        withSegments: Bool = true
    ) -> String {
        switch format {
        case .json: JSONValue.object(["text": .string(text)]).text
        case .text: text + "\n"
        case .verboseJSON: verbose(language, withWords, withSegments).text
        case .srt:
            segments.enumerated().map { index, segment in
                "\(index + 1)\n\(Self.time(segment.startSeconds, ",")) --> \(Self.time(segment.endSeconds, ","))\n"
                    + "\(segment.text)\n\n"
            }.joined()
        case .vtt:
            "WEBVTT\n\n"
                + segments.map { segment in
                    "\(Self.time(segment.startSeconds, ".")) --> \(Self.time(segment.endSeconds, "."))\n"
                        + "\(Self.escaped(segment.text))\n\n"
                }.joined()
        }
    }

    /// As OpenAI's, without what nobody here knows. The duration is that of what was heard: the host decodes no sound.
    private func verbose(_ language: String?, _ withWords: Bool, _ withSegments: Bool) -> JSONValue {
        var members: JSONObject = [
            "task": .string("transcribe"), "language": .string(language ?? "unknown"),
            "duration": .number(endSeconds.milliseconds), "text": .string(text),
        ]
        if withWords { members["words"] = .array(words.map(\.json)) }
        if withSegments {
            members["segments"] = .array(
                segments.enumerated().map { index, segment in
                    .object([
                        "id": .number(index), "start": .number(segment.startSeconds.milliseconds),
                        "end": .number(segment.endSeconds.milliseconds), "text": .string(segment.text),
                        "confidence": .confidence(segment.confidence),
                    ])
                })
        }
        return .object(members)
    }

    /// `01:02:03,456`; what stands before the thousandths is the format's.
    static func time(_ seconds: Double, _ point: String) -> String {
        let all = Int((max(0, seconds) * 1000).rounded())
        func two(_ value: Int) -> String { value < 10 ? "0\(value)" : "\(value)" }
        let thousandths = String(all % 1000)
        return "\(two(all / 3_600_000)):\(two(all / 60_000 % 60)):\(two(all / 1000 % 60))\(point)"
            + String(repeating: "0", count: 3 - thousandths.count) + thousandths
    }

    private static func escaped(_ text: String) -> String {
        text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;")
    }
}

extension TimedWord {
    /// `{"word", "start", "end", "confidence"}`, null where it is not known.
    var json: JSONValue {
        .object([
            "word": .string(text), "start": .seconds(startSeconds), "end": .seconds(endSeconds),
            "confidence": .confidence(confidence),
        ])
    }
}

extension JSONValue {
    static func seconds(_ value: Double) -> JSONValue { value.isFinite ? .number(value.milliseconds) : .null }

    fileprivate static func confidence(_ value: Float) -> JSONValue {
        value.isFinite ? .number((Double(value) * 1000).rounded() / 1000) : .null
    }
}

extension Double {
    /// To the thousandth.
    fileprivate var milliseconds: Double { (self * 1000).rounded() / 1000 }
}
