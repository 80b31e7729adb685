import Modalities
import PluginHost

/// The body of `POST /v1/audio/transcriptions`, a form as OpenAI's clients send it.
public struct TranscriptionRequest: Sendable {
    public var sound: MediaPart
    public var model: String?
    /// What the client says that is spoken. It is repeated in verbose JSON; the plugin hears for itself.
    public var language: String?
    public var format: TranscriptFormat
    public var withWords: Bool
    public var withSegments: Bool
    /// Whether text is sent as it comes.
    public var stream: Bool

    /// Checks every field that it knows; unknown ones, and `prompt` and `temperature`, which no plugin is given, are ignored.
    public init(parsing body: [UInt8], contentType: String?) throws(HTTPError) {
        let form = try MultipartForm(body, contentType: contentType)
        let (part, bytes) = try form.file("file")
        // The bytes' own signature knows best, then the name, then what the client says.
        let declared = part.mediaType.flatMap(MediaType.normalised)
        guard
            let type = MediaType.sniffed(bytes) ?? part.fileName.flatMap(MediaType.named)
                ?? declared.flatMap({ $0 == "application/octet-stream" ? nil : $0 })
        else {
            throw HTTPError(
                status: 400,
                message:
                    "file: expected a sound whose first bytes, name or Content-Type tell what it is, found \"\(part.fileName ?? "")\"",
                param: "file", code: "unsupported_media_type")
        }
        sound = MediaPart(mediaType: type, bytes: bytes)
        model = try form.text("model").flatMap { $0.isEmpty ? nil : $0 }
        language = try form.text("language").flatMap { $0.isEmpty ? nil : $0 }
        format =
            try Self.choice(form, "response_format", of: TranscriptFormat.allCases.map(\.rawValue))
            .flatMap(TranscriptFormat.init) ?? .json
        stream = try Self.choice(form, "stream", of: ["true", "false"]) == "true"
        let granularities =
            try form.texts("timestamp_granularities[]") + form.texts("timestamp_granularities")
        for granularity in granularities where !["word", "segment"].contains(granularity) {
            throw Self.expected("timestamp_granularities[]", ["word", "segment"], granularity)
        }
        if !granularities.isEmpty, format != .verboseJSON {
            throw HTTPError(
                status: 400,
                message: "timestamp_granularities[]: expected response_format verbose_json with it",
                param: "timestamp_granularities[]", code: "invalid_value")
        }
        if stream, format != .json, format != .text {
            throw HTTPError(
                status: 400,
                message: "stream: expected response_format json or text with it, found \(format.rawValue)",
                param: "stream", code: "invalid_value")
        }
        withWords = granularities.contains("word")
        withSegments = granularities.isEmpty || granularities.contains("segment")
    }

    private static func choice(
        _ form: MultipartForm, _ name: String, of words: [String]
    ) throws(HTTPError) -> String? {
        guard let text = try form.text(name), !text.isEmpty else { return nil }
        guard words.contains(text) else { throw expected(name, words, text) }
        return text
    }

    private static func expected(_ name: String, _ words: [String], _ found: String) -> HTTPError {
        HTTPError(
            status: 400,
            message:
                "\(name): expected one of \(words.joined(separator: ", ")), found \"\(found.prefix(60))\"",
            param: name, code: "invalid_value")
    }
}
