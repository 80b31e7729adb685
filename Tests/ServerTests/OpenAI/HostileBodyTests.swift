import Server
import Testing

/// Bodies that are meant to hurt, or come from careless writers.
@Suite struct HostileBodyTests {
    private func parse(_ bytes: some Sequence<UInt8>) throws -> CompletionRequest {
        try CompletionRequest(parsing: Array(bytes))
    }

    /// A body with a message whose content is this JSON text.
    private func content(_ json: String) throws -> String {
        let request = try parse(#"{"messages": [{"role": "user", "content": \#(json)}]}"#.utf8)
        guard case .text(let text) = request.chat.messages[0].parts[0] else { return "[media]" }
        return text
    }

    struct Broken: CustomTestStringConvertible, Sendable {
        var name: String
        var bytes: [UInt8]
        var found: String
        var testDescription: String { name }

        init(_ name: String, _ text: String, _ found: String) {
            (self.name, bytes, self.found) = (name, Array(text.utf8), found)
        }
    }

    @Test(arguments: [
        Broken("empty", "", "its end instead of a value at line 1, column 1"),
        Broken("arrays without end", String(repeating: "[", count: 100_000), "more than 256 nested levels"),
        Broken(
            "arrays with an end",
            String(repeating: "[", count: 100_000) + String(repeating: "]", count: 100_000),
            "more than 256 nested levels"),
        Broken("objects", String(repeating: #"{"a":"#, count: 100_000), "more than 256 nested levels"),
        Broken("a huge number", #"{"temperature": 1e400}"#, "a number beyond the range of a double"),
        Broken("a leading zero", #"{"temperature": 01}"#, #"'1' instead of "," or "}""#),
        Broken("no number", #"{"temperature": -}"#, "'}' instead of a digit"),
        Broken("not a number", #"{"temperature": NaN}"#, "'N' instead of a value"),
        Broken("a cut text", "{\n  \"a", "a string that does not end at line 2, column 3"),
        Broken("a cut escape", #"{"a": "\"#, "an unknown escape"),
        Broken("half an escape", #"{"a": "\u12"}"#, "an escape without four hexadecimal digits"),
        Broken("a line break", "{\"a\": \"\n\"}", "a control character in a string"),
        Broken("two documents", "{}{}", "more after its end at line 1, column 3"),
        Broken("a trailing comma", #"{"a": 1,}"#, "'}' instead of a key in quotes"),
        Broken("a list", "[1]", "an array of 1"),
    ])
    func whatIsNoJSONObjectIsRefusedWithThePlace(_ broken: Broken) throws {
        let error = try #require(throws: HTTPError.self) { try parse(broken.bytes) }
        #expect(error.status == 400)
        #expect(error.code == "invalid_json")
        #expect(error.message.contains(broken.found))
    }

    @Test func bytesThatAreNotUTF8AreRefused() throws {
        let body = Array(#"{"model": ""#.utf8) + [0xFF] + Array(#""}"#.utf8)
        let error = try #require(throws: HTTPError.self) { try parse(body) }
        #expect(error.message.contains("a string that is not UTF-8 at line 1, column 11"))
    }

    @Test func deepButAllowedNestingIsRead() throws {
        let deep = String(repeating: "[", count: 255) + String(repeating: "]", count: 255)
        #expect(
            try parse(#"{"x-unknown": \#(deep), "messages": [{"role": "user", "content": "Hi"}]}"#.utf8).chat
                .messages.count == 1)
    }

    @Test func ofEqualKeysTheLastCounts() throws {
        let body = #"{"model": "a", "model": "b", "messages": [{"role": "user", "content": "Hi"}]}"#
        #expect(try parse(body.utf8).model == "b")
    }

    @Test(arguments: [
        (#""\ud83d\ude00""#, "😀"), (#""a\ud83db""#, "a\u{FFFD}b"), (#""\ude00""#, "\u{FFFD}"),
        (#""\ud83d\ud83d\ude00""#, "\u{FFFD}😀"), (#""a\u0000b""#, "a\0b"),
        (#""\"\\\/\b\f\n\r\t\u00e9""#, "\"\\/\u{8}\u{c}\n\r\té"), ("\"e\u{301}\"", "e\u{301}"),
    ])
    func escapesBecomeTheirCharacters(json: String, text: String) throws {
        #expect(try Array(content(json).unicodeScalars) == Array(text.unicodeScalars))
    }

    @Test func aByteOrderMarkIsSkipped() throws {
        let body = [0xEF, 0xBB, 0xBF] + Array(#"{"messages": [{"role": "user", "content": "Hi"}]}"#.utf8)
        #expect(try parse(body).chat.messages.count == 1)
    }
}
