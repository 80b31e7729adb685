import PluginHost
import Server
import Testing

/// Media in a request: `data:` URLs (RFC 2397), base64, and who decides the media type.
@Suite struct MediaPartTests {
    /// The eight bytes that every PNG file begins with.
    private static let png = "iVBORw0KGgo="

    private func part(_ json: String) throws -> MediaPart {
        let body = #"{"messages": [{"role": "user", "content": [\#(json)]}]}"#
        let request = try CompletionRequest(parsing: Array(body.utf8))
        guard case .media(let part) = request.chat.messages[0].parts[0] else { throw NoMedia() }
        return part
    }

    private struct NoMedia: Error {}

    private func file(_ url: String) throws -> MediaPart {
        try part(#"{"type": "file", "file": {"file_data": "\#(url)"}}"#)
    }

    struct URLCase: CustomTestStringConvertible, Sendable {
        var url: String
        var type: String
        var bytes: [UInt8]
        var testDescription: String { url }

        init(_ url: String, _ type: String, _ text: String) { self.init(url, type, Array(text.utf8)) }
        init(_ url: String, _ type: String, _ bytes: [UInt8]) {
            (self.url, self.type, self.bytes) = (url, type, bytes)
        }
    }

    @Test(arguments: [
        URLCase("data:text/csv;base64,SGVsbG8=", "text/csv", "Hello"),
        URLCase("DATA:Text/CSV;BASE64,SGVsbG8=", "text/csv", "Hello"),
        URLCase("data:text/csv;charset=utf-8;header=present;base64,SGVsbG8=", "text/csv", "Hello"),
        URLCase("data:text/csv; base64,SGVsbG8=", "text/csv", "Hello"),
        URLCase("data:text/csv;base64,SGVsbG8", "text/csv", "Hello"),
        URLCase(#"data:text/csv;base64,SGVs\r\nbG8=\n"#, "text/csv", "Hello"),
        URLCase("data:text/csv;base64,SGVsbG8%3D", "text/csv", "Hello"),
        URLCase("data:text/csv,a%2Cb,c%0A", "text/csv", "a,b,c\n"),
        URLCase("data:application/x-thing,%FF%00%fe", "application/x-thing", [0xFF, 0, 0xFE]),
        URLCase("data:text/csv,100%", "text/csv", "100%"),
        URLCase("data:,hello", "text/plain", "hello"),
        URLCase("data:;charset=utf-8,hello", "text/plain", "hello"),
        URLCase("data:;base64,SGVsbG8=", "text/plain", "Hello"),
        URLCase("data:text/csv;x=base64,SGVsbG8=", "text/csv", "SGVsbG8="),
    ])
    func aDataURLIsTakenApart(_ expected: URLCase) throws {
        let part = try file(expected.url)
        #expect(part.mediaType == expected.type)
        #expect(part.bytes == expected.bytes)
    }

    @Test func aKnownSignatureDecidesTheMediaType() throws {
        #expect(try file("data:image/jpeg;base64,\(Self.png)").mediaType == "image/png")
        #expect(try file("data:;base64,\(Self.png)").mediaType == "image/png")
        #expect(
            try part(#"{"type": "image_url", "image_url": {"url": "data:image/webp;base64,\#(Self.png)"}}"#)
                .mediaType == "image/png")
    }

    @Test func anAudiosFormatNamesItsType() throws {
        let part = try part(#"{"type": "input_audio", "input_audio": {"data": "SGVsbG8=", "format": "mp3"}}"#)
        #expect(part.mediaType == "audio/mpeg")
        #expect(part.bytes == Array("Hello".utf8))
    }

    @Test(arguments: [
        "https://example.org/cat.png", "data:image/png;base64", "data:image/png;base64,%%%", "",
        "data:image/png;base64,A", "data:image/png;base64,", "data:image/png,", "data:nonsense,x", "data",
        "data:image/png;base64,iVBO Rw0K!", "data:a b/c;base64,SGVsbG8=", "dåta:,x",
    ])
    func aURLWithoutUsableBytesIsRefused(url: String) throws {
        let error = try #require(throws: HTTPError.self) { try file(url) }
        #expect(error.status == 400)
        #expect(error.param == "messages[0].content[0].file.file_data")
        #expect(error.code == "invalid_value")
    }

    @Test(arguments: [
        (#"{"data": "???", "format": "wav"}"#, "data"), (#"{"data": "", "format": "wav"}"#, "data"),
        (#"{"data": "SGVsbG8="}"#, "format"), (#"{"data": "SGVsbG8=", "format": 3}"#, "format"),
    ])
    func anAudioWithoutDataOrFormatIsRefused(audio: String, field: String) throws {
        let error = try #require(throws: HTTPError.self) {
            try part(#"{"type": "input_audio", "input_audio": \#(audio)}"#)
        }
        #expect(error.param == "messages[0].content[0].input_audio.\(field)")
    }
}
