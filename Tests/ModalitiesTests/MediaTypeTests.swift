import Modalities
import Testing

@Suite struct MediaTypeTests {
    /// First bytes of real files; a byte value above 0x7F is a Latin-1 character here.
    @Test(arguments: [
        ("\u{89}PNG\r\n\u{1A}\n\0\0\0\rIHDR", "image/png"),
        ("\u{FF}\u{D8}\u{FF}\u{E0}\0\u{10}JFIF", "image/jpeg"),
        ("GIF89a\u{1}\0", "image/gif"),
        ("RIFF\u{24}\0\0\0WEBPVP8 ", "image/webp"),
        ("RIFF\u{24}\0\0\0WAVEfmt ", "audio/wav"),
        ("fLaC\0\0\0\u{22}", "audio/flac"),
        ("OggS\0\u{2}", "audio/ogg"),
        ("ID3\u{4}\0", "audio/mpeg"),
        ("\u{FF}\u{FB}\u{90}\u{64}", "audio/mpeg"),
        ("%PDF-1.7", "application/pdf"),
        ("II*\0\u{8}", "image/tiff"),
        ("\0\0\0\u{18}ftypheic\0", "image/heic"),
        ("\0\0\0\u{1C}ftypavif\0", "image/avif"),
        ("\0\0\0\u{18}ftypmp42\0", "video/mp4"),
    ])
    func signatureDecides(_ start: String, _ type: String) {
        let bytes = start.unicodeScalars.map { UInt8($0.value) }
        #expect(MediaType.sniffed(bytes) == type)
    }

    @Test(arguments: [
        "", "R", "RIFF", "RIFF\u{24}\0\0\0WEB", "RIFF\u{24}\0\0\0AVI ", "\u{FF}\u{D8}", "\u{89}PNG", "hello",
        "\0\0\0\u{18}fty", "\u{FF}\u{FE}h\0",
    ])
    func otherBytesSayNothing(_ start: String) {
        #expect(MediaType.sniffed(start.unicodeScalars.map { UInt8($0.value) }) == nil)
    }

    @Test(arguments: [
        ("Image/PNG", "image/png"), (" text/plain ; charset=utf-8", "text/plain"),
        ("application/vnd.x+json", "application/vnd.x+json"),
    ])
    func normalFormIsLowerCaseWithoutParameters(_ text: String, _ type: String) {
        #expect(MediaType.normalised(text) == type)
    }

    @Test(arguments: ["", "/", "image", "image/", "/png", "a/b/c", "a b/c", "image/p\u{E9}", ";image/png"])
    func otherTextIsNoMediaType(_ text: String) {
        #expect(MediaType.normalised(text) == nil)
    }

    @Test func fileNamesAndAudioFormatsHaveTypes() {
        #expect(MediaType.named("a.b/Shot.PNG") == "image/png")
        #expect(MediaType.named("table.csv") == "text/csv")
        #expect(MediaType.named("none") == nil)
        #expect(MediaType.named("odd.xyz") == nil)
        #expect(MediaType.audio(format: "MP3") == "audio/mpeg")
        #expect(MediaType.audio(format: "wav") == "audio/wav")
        #expect(MediaType.audio(format: "newest") == "audio/newest")
    }
}
