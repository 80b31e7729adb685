import Foundation
import Server
import Testing

/// Forms as clients send them (RFC 7578), and what must not be taken for one.
@Suite struct MultipartFormTests {
    private static let type = "multipart/form-data; boundary=AaB03x"

    private func form(_ body: String, _ type: String? = type) throws -> MultipartForm {
        try MultipartForm(Array(body.utf8), contentType: type)
    }

    private func refusal(_ body: String, _ type: String? = type) -> String? {
        do {
            _ = try form(body, type)
            return nil
        } catch {
            let error = error as? HTTPError
            #expect(error?.status == 400 && error?.code == "invalid_multipart")
            return error?.message
        }
    }

    /// A part with its delimiter before it.
    private func part(_ disposition: String, _ content: String, _ more: String = "") -> String {
        "--AaB03x\r\nContent-Disposition: form-data; \(disposition)\r\n\(more)\r\n\(content)\r\n"
    }

    @Test func fieldsAndFilesAreTakenApart() throws {
        let bytes = "RIFF\r\n--AaB03\r\n\0\r\n-"
        let form = try form(
            "preamble\r\n" + part(#"name="model""#, "small")
                + part(#"name="file"; filename="a \"b\".wav""#, bytes, "content-type: audio/x-wav\r\n")
                + part("name=list[]", "one") + part("name=list[]", "") + "--AaB03x--\r\nepilogue")
        #expect(try form.text("model") == "small")
        #expect(try form.texts("list[]") == ["one", ""])
        #expect(try form.text("none") == nil)
        let (file, content) = try form.file("file")
        #expect(file.fileName == #"a "b".wav"# && file.mediaType == "audio/x-wav")
        #expect(content == Array(bytes.utf8))
        #expect(form.parts.map(\.name) == ["model", "file", "list[]", "list[]"])
    }

    @Test func boundariesAreReadHoweverTheyAreWritten() throws {
        let body = part(#"name="a""#, "1") + "--AaB03x--"
        for type in [
            #"multipart/form-data; boundary="AaB03x""#, "Multipart/Form-Data;charset=utf-8;BOUNDARY=AaB03x",
            "multipart/form-data ; boundary=AaB03x ; x=y",
        ] {
            #expect(try form(body, type).text("a") == "1")
        }
        let padded = "--AaB03x \t\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n--AaB03x--"
        #expect(try form(padded).text("a") == "1")
        #expect(try form("--AaB03x--").parts.isEmpty)
    }

    @Test(arguments: [
        nil, "application/json", "multipart/form-data", "multipart/form-data; boundary=",
        "multipart/mixed; boundary=AaB03x",
        "multipart/form-data; boundary=\(String(repeating: "x", count: 71))",
    ]) func withoutABoundaryThereIsNoForm(_ type: String?) {
        #expect(refusal("--AaB03x--", type)?.hasPrefix("Content-Type: expected multipart/form-data") == true)
    }

    @Test func whatIsCutOrBrokenIsRefused() {
        let whole = part(#"name="a""#, "1") + part(#"name="b""#, "2") + "--AaB03x--"
        for count in 0..<whole.utf8.count {
            let cut = String(decoding: Array(whole.utf8.prefix(count)), as: UTF8.self)
            #expect(refusal(cut) != nil, "cut at \(count)")
        }
        let broken = [
            "--AaB03xContent-Disposition: form-data; name=a\r\n\r\n1\r\n--AaB03x--",
            "--AaB03x\r\n\r\n1\r\n--AaB03x--",
            "--AaB03x\r\nContent-Disposition: attachment; name=a\r\n\r\n1\r\n--AaB03x--",
            "--AaB03x\r\nContent-Disposition: form-data\r\n\r\n1\r\n--AaB03x--",
            "--AaB03x\r\nno colon\r\n\r\n1\r\n--AaB03x--",
            "--AaB03x\nContent-Disposition: form-data; name=a\n\n1\n--AaB03x--",
        ]
        for body in broken { #expect(refusal(body) != nil, "\(body)") }
        let head = String(repeating: "X: y\r\n", count: 2000)
        #expect(refusal(part("name=a", "1", head) + "--AaB03x--")?.contains("8192 bytes") == true)
        let many = String(repeating: part("name=a", "1"), count: 65) + "--AaB03x--"
        #expect(refusal(many)?.contains("over 64 parts") == true)
        #expect(throws: HTTPError.self) {
            _ = try MultipartForm([0xFF, 0xFE] + Array("--AaB03x".utf8), contentType: Self.type)
        }
    }

    @Test func fieldsAreWhatTheyAreAskedFor() throws {
        let form = try form(
            part("name=a", "1") + part("name=a", "2") + part("name=f; filename=x", "")
                + part("name=big", String(repeating: "x", count: 70_000)) + "--AaB03x--")
        func message(_ body: () throws -> Void) -> String? {
            do {
                try body()
                return nil
            } catch {
                return (error as? HTTPError)?.message
            }
        }
        #expect(message { _ = try form.text("a") } == "a: expected it once, found it 2 times")
        #expect(message { _ = try form.file("a") } == "a: expected one file, found 2 parts")
        #expect(message { _ = try form.file("big") } == "big: expected one file, found a text")
        #expect(message { _ = try form.file("none") } == "none: expected one file, found nothing")
        #expect(message { _ = try form.file("f") } == "f: the file is empty")
        #expect(message { _ = try form.text("f") }?.hasSuffix("found a file") == true)
        #expect(message { _ = try form.text("big") }?.contains("70000 bytes") == true)
    }

    /// A form's bytes by chance, and one of a form changed: refused or read, and never more than that.
    @Test func anyBytesAreRefusedOrRead() {
        let whole = Array((part(#"name="a""#, "1") + part("name=b; filename=c", "2") + "--AaB03x--").utf8)
        for index in whole.indices {
            for byte in [0, 0x0A, 0x0D, 0x22, 0x2D, 0x3B, 0xFF] as [UInt8] {
                var changed = whole
                changed[index] = byte
                if let form = try? MultipartForm(changed, contentType: Self.type) {
                    #expect(form.parts.allSatisfy { $0.range.upperBound <= changed.count })
                }
            }
        }
    }
}
