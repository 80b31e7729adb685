import Foundation

/// The body of a form with files (`multipart/form-data`, RFC 7578 over RFC 2046), taken apart where it lies.
package struct MultipartForm {
    package struct Part {
        package let name: String
        /// nil where the part is a field of text.
        package let fileName: String?
        /// As the client said; nil where it did not.
        package let mediaType: String?
        /// Of the body.
        package let range: Range<Int>
    }

    private enum Limit {
        static let parts = 64
        /// Bytes of all header lines of a part.
        static let head = 8 << 10
        /// Bytes of a field of text.
        static let field = 64 << 10
    }

    package let parts: [Part]
    private let body: [UInt8]

    /// - Parameter contentType: the request's header field of that name.
    package init(_ body: [UInt8], contentType: String?) throws(HTTPError) {
        let boundary = try Self.boundary(contentType)
        self.body = body
        let delimiter = Array("--\(boundary)".utf8)
        var position = try Self.first(delimiter, in: body)
        var parts: [Part] = []
        while true {
            // Behind a delimiter: two hyphens end the form, white space may stand before the line's end.
            if body[position...].starts(with: "--".utf8) { break }
            while position < body.count, body[position] == 0x20 || body[position] == 0x09 { position += 1 }
            guard body[position...].starts(with: "\r\n".utf8) else {
                throw Self.malformed("a boundary is followed by neither a line's end nor --")
            }
            guard parts.count < Limit.parts else { throw Self.malformed("it has over \(Limit.parts) parts") }
            let head = position + 2
            // A part without header lines has its empty line at once.
            guard let end = Self.find("\r\n\r\n".utf8, in: body, from: position), end - head <= Limit.head
            else {
                throw Self.malformed(
                    "the head of part \(parts.count) does not end within \(Limit.head) bytes")
            }
            let start = end + 4
            guard let next = Self.find([0x0D, 0x0A] + delimiter, in: body, from: start) else {
                throw Self.malformed("part \(parts.count) is not ended by the boundary")
            }
            parts.append(
                try Self.part(body[min(head, end)..<end], number: parts.count, range: start..<next))
            position = next + 2 + delimiter.count
        }
        self.parts = parts
    }

    /// The text of a field; nil where there is none. A field that comes twice is refused.
    package func text(_ name: String) throws(HTTPError) -> String? {
        let texts = try texts(name)
        guard texts.count <= 1 else {
            throw HTTPError(
                status: 400, message: "\(name): expected it once, found it \(texts.count) times", param: name,
                code: "invalid_value")
        }
        return texts.first
    }

    /// Every text of a field that may come several times.
    package func texts(_ name: String) throws(HTTPError) -> [String] {
        var texts: [String] = []
        for part in parts where part.name == name {
            guard part.fileName == nil, part.range.count <= Limit.field,
                let text = String(validating: body[part.range], as: UTF8.self)
            else {
                throw HTTPError(
                    status: 400,
                    message: "\(name): expected a text of UTF-8 of at most \(Limit.field) bytes, found "
                        + (part.fileName == nil ? "\(part.range.count) bytes of something else" : "a file"),
                    param: name, code: "invalid_value")
            }
            texts.append(text)
        }
        return texts
    }

    /// The one file of that name, with its bytes.
    package func file(_ name: String) throws(HTTPError) -> (part: Part, bytes: [UInt8]) {
        let found = parts.filter { $0.name == name }
        guard found.count == 1, found[0].fileName != nil else {
            throw HTTPError(
                status: 400,
                message: "\(name): expected one file, found "
                    + (found.isEmpty ? "nothing" : found.count == 1 ? "a text" : "\(found.count) parts"),
                param: name, code: "invalid_value")
        }
        guard !found[0].range.isEmpty else {
            throw HTTPError(
                status: 400, message: "\(name): the file is empty", param: name, code: "invalid_value")
        }
        return (found[0], Array(body[found[0].range]))
    }

    // MARK: Reading

    private static func malformed(_ what: String) -> HTTPError {
        HTTPError(status: 400, message: "The form cannot be read: \(what).", code: "invalid_multipart")
    }

    /// 1 to 70 characters (RFC 2046, section 5.1.1).
    private static func boundary(_ contentType: String?) throws(HTTPError) -> String {
        let header = contentType ?? ""
        let fields = parameters(header)
        guard fields.first?.value.lowercased() == "multipart/form-data",
            let boundary = fields.dropFirst().first(where: { $0.name == "boundary" })?.value,
            (1...70).contains(boundary.utf8.count), boundary.utf8.allSatisfy({ (0x20..<0x7F).contains($0) }),
            boundary.last != " "
        else {
            throw HTTPError(
                status: 400,
                message:
                    "Content-Type: expected multipart/form-data with a boundary of 1 to 70 characters, found \"\(header.prefix(100))\"",
                code: "invalid_multipart")
        }
        return boundary
    }

    /// Where the first delimiter ends; what stands before it is not of the form.
    private static func first(_ delimiter: [UInt8], in body: [UInt8]) throws(HTTPError) -> Int {
        if body.starts(with: delimiter) { return delimiter.count }
        guard let found = find([0x0D, 0x0A] + delimiter, in: body, from: 0) else {
            throw malformed("its boundary does not occur in it")
        }
        return found + 2 + delimiter.count
    }

    private static func find(_ needle: some Collection<UInt8>, in body: [UInt8], from start: Int) -> Int? {
        let needle = Array(needle)
        return body.withUnsafeBytes { body in
            guard let base = body.baseAddress else { return nil }
            var position = start
            while body.count - position >= needle.count,
                let found = memchr(base + position, Int32(needle[0]), body.count - position)
            {
                position = UnsafeRawPointer(found) - base
                if body.count - position >= needle.count, memcmp(base + position, needle, needle.count) == 0 {
                    return position
                }
                position += 1
            }
            return nil
        }
    }

    private static func part(
        _ head: ArraySlice<UInt8>, number: Int, range: Range<Int>
    ) throws(HTTPError) -> Part {
        guard let text = String(validating: head, as: UTF8.self) else {
            throw malformed("the head of part \(number) is not UTF-8")
        }
        var disposition: [(name: String, value: String)]?
        var mediaType: String?
        for line in text.components(separatedBy: "\r\n") where !line.isEmpty {
            guard let colon = line.firstIndex(of: ":") else {
                throw malformed("a line in the head of part \(number) has no colon")
            }
            let value = String(line[line.index(after: colon)...])
            switch line[..<colon].lowercased() {
            case "content-disposition": disposition = parameters(value)
            case "content-type": mediaType = value.trimmingCharacters(in: .whitespaces)
            default: break
            }
        }
        func field(_ name: String) -> String? {
            disposition?.dropFirst().first { $0.name == name }?.value
        }
        guard disposition?.first?.value.lowercased() == "form-data", let name = field("name") else {
            throw malformed("part \(number) has no Content-Disposition: form-data with a name")
        }
        return Part(name: name, fileName: field("filename"), mediaType: mediaType, range: range)
    }

    /// `text; a=b; c="d\"e"`: first the text, under an empty name, then the parameters, whose names are lower case.
    private static func parameters(_ header: String) -> [(name: String, value: String)] {
        var found: [(name: String, value: String)] = []
        var rest = header[...]
        func trimmed(_ text: Substring) -> String { text.trimmingCharacters(in: .whitespaces) }
        let first = rest.prefix { $0 != ";" }
        rest = rest.dropFirst(first.count)
        found.append(("", trimmed(first)))
        while rest.first == ";" {
            rest.removeFirst()
            let name = rest.prefix { $0 != "=" && $0 != ";" }
            rest = rest.dropFirst(name.count)
            guard rest.first == "=" else { continue }
            rest = rest.dropFirst().drop { $0 == " " }
            var value = ""
            if rest.first == "\"" {
                rest.removeFirst()
                while let next = rest.popFirst(), next != "\"" {
                    // Only quotes and backslashes are escaped: browsers send paths of Windows as they are.
                    if next == "\\", let escaped = rest.first, escaped == "\"" || escaped == "\\" {
                        value.append(rest.removeFirst())
                    } else {
                        value.append(next)
                    }
                }
                rest = rest.drop { $0 != ";" }
            } else {
                let plain = rest.prefix { $0 != ";" }
                rest = rest.dropFirst(plain.count)
                value = trimmed(plain)
            }
            found.append((trimmed(name).lowercased(), value))
        }
        return found
    }
}
