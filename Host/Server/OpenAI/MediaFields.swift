import GatehouseJSON
import Modalities
import PluginHost

/// Reads the parts of messages, and counts those that are media.
struct PartReader {
    let limits: RequestLimits
    /// Whether pictures may be at addresses.
    let takesLinks: Bool
    /// Pictures whose bytes are elsewhere; empty parts stand in their places.
    private(set) var links: [MediaLink] = []
    private var mediaCount = 0

    init(limits: RequestLimits, takesLinks: Bool) {
        self.limits = limits
        self.takesLinks = takesLinks
    }

    /// - Parameters:
    ///   - message: The place of its message in the request.
    ///   - number: Its own in the message.
    mutating func part(_ field: RequestField, message: Int, number: Int) throws(HTTPError) -> ChatPart {
        guard case .object = field.value else { throw field.expected("a content part") }
        let media: MediaPart
        switch try field["type"].string() {
        case "text":
            guard let text = try field["text"].string() else { throw field["text"].expected("a string") }
            return .text(text)
        case "image_url":
            let url = try field["image_url"].object()["url"]
            if let text = try url.string(), MediaLink.isOne(text), takesLinks {
                links.append(MediaLink(url: text, path: url.path, message: message, part: number))
                media = MediaPart(mediaType: "", bytes: [])
            } else {
                media = try dataURL(url)
            }
        case "file": media = try dataURL(try field["file"].object()["file_data"])
        case "input_audio": media = try audio(try field["input_audio"].object())
        default:
            throw field["type"].expected("one of \"text\", \"image_url\", \"input_audio\", \"file\"")
        }
        mediaCount += 1
        guard mediaCount <= limits.mediaParts else {
            throw HTTPError(
                status: 400,
                message:
                    "\(field.path): expected at most \(limits.mediaParts) images, sounds and files in a request, "
                    + "found another one",
                param: field.path, code: "too_many_media")
        }
        return .media(media)
    }

    private func dataURL(_ field: RequestField) throws(HTTPError) -> MediaPart {
        let what = takesLinks ? "a data:, http: or https: URL" : "a data: URL"
        guard let text = try field.string() else { throw field.expected(what) }
        let url: DataURL
        do throws(DataURL.Problem) {
            url = try DataURL(text)
        } catch {
            throw field.expected(error.expected)
        }
        return try media(url.bytes, declared: url.mediaType, at: field)
    }

    private func audio(_ field: RequestField) throws(HTTPError) -> MediaPart {
        let data = field["data"]
        guard let text = try data.string(), let bytes = DataURL.decode(base64: text.utf8) else {
            throw data.expected("valid base64")
        }
        guard let format = try field["format"].string(), !format.isEmpty else {
            throw field["format"].expected("a format such as \"wav\"")
        }
        return try media(bytes, declared: MediaType.audio(format: format), at: data)
    }

    private func media(
        _ bytes: [UInt8], declared: String, at field: RequestField
    ) throws(HTTPError) -> MediaPart {
        try limits.check(bytes: bytes.count, at: field.path)
        return try MediaPart(bytes, declared: declared, at: field.path)
    }
}

extension MediaPart {
    /// A known signature decides the media type, else what the client says.
    init(_ bytes: [UInt8], declared: String, at path: String) throws(HTTPError) {
        guard !bytes.isEmpty else {
            throw HTTPError(
                status: 400, message: "\(path): the data is empty", param: path, code: "invalid_value")
        }
        self.init(mediaType: MediaType.sniffed(bytes) ?? declared, bytes: bytes)
    }
}
