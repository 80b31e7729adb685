/// What is checked on a request's head before any of its body is read.
///
/// libmicrohttpd lets through what two readers of one byte stream can understand differently, and so what lets
/// a request be smuggled past a proxy (RFC 9112, section 11.2). All of it is refused here.
struct RequestHead {
    enum BodyLength: Equatable {
        case known(UInt64)
        case chunked
    }

    let headers: HTTPHeaders
    let length: BodyLength

    /// `version` as in the request line: `HTTP/1.0` or `HTTP/1.1`.
    init(headers: HTTPHeaders, version: String) throws(HTTPError) {
        for field in headers.fields {
            guard !field.name.isEmpty, field.name.utf8.allSatisfy(Self.isToken) else {
                throw Self.malformed("a header field's name holds a character that names cannot hold")
            }
            // libmicrohttpd appends a folded line to the field's name, which would hide the field from this check.
            for framing in ["Content-Length", "Transfer-Encoding"] {
                let start = String(decoding: field.name.utf8.prefix(framing.utf8.count), as: UTF8.self)
                guard !HTTPHeaders.same(start, framing) || HTTPHeaders.same(field.name, framing) else {
                    throw Self.malformed("its \(framing) header goes on in a second line")
                }
            }
            guard field.value.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7f || $0 == 0x09 }) else {
                throw Self.malformed("the header field \(field.name) holds a control character")
            }
        }
        guard headers.all("Host").count <= 1 else {
            throw Self.malformed("it has more than one Host header")
        }
        let lengths = headers.all("Content-Length")
        let codings = headers.all("Transfer-Encoding")
        guard lengths.count <= 1 else {
            throw Self.malformed("it has more than one Content-Length header")
        }
        guard codings.isEmpty || lengths.isEmpty else {
            throw Self.malformed("it has both Content-Length and Transfer-Encoding")
        }
        guard codings.isEmpty || version == "HTTP/1.1" else {
            throw Self.malformed("it has a Transfer-Encoding, which \(version) does not know")
        }
        guard codings.isEmpty || (codings.count == 1 && HTTPHeaders.same(codings[0], "chunked")) else {
            throw Self.malformed("its Transfer-Encoding is not chunked, the one this server reads")
        }
        if let text = lengths.first {
            guard !text.isEmpty, text.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }), let count = UInt64(text)
            else {
                throw Self.malformed("its Content-Length is not a number of bytes")
            }
            length = .known(count)
        } else {
            length = codings.isEmpty ? .known(0) : .chunked
        }
        self.headers = headers
    }

    private static func malformed(_ what: String) -> HTTPError {
        HTTPError(status: 400, message: "The request cannot be read: \(what).", code: "malformed_request")
    }

    /// `tchar` of RFC 9110, section 5.6.2.
    private static func isToken(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "A")...UInt8(ascii: "Z"):
            true
        default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
        }
    }

    /// Percent-decodes a path or a query value (RFC 3986, section 2.1). An encoded NUL, a broken escape and bytes
    /// that are not UTF-8 are refused, so that no later reader can see another path than this one.
    static func percentDecode(_ text: String) throws(HTTPError) -> String {
        guard text.utf8.contains(UInt8(ascii: "%")) else { return text }
        var bytes: [UInt8] = []
        var rest = text.utf8[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard let high = rest.popFirst().flatMap(hexValue), let low = rest.popFirst().flatMap(hexValue)
            else {
                throw malformed("its URL holds a % that two hexadecimal digits do not follow")
            }
            bytes.append(high << 4 | low)
        }
        guard !bytes.contains(0), let decoded = String(validating: bytes, as: UTF8.self) else {
            throw malformed("its URL does not decode to UTF-8 text")
        }
        return decoded
    }

    private static func hexValue(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}
