import Foundation
import Modalities

/// A `data:` URL taken apart, as RFC 2397 has it and with the leniency of the WHATWG Fetch standard.
struct DataURL {
    /// What is wrong with a text that should be a `data:` URL.
    struct Problem: Error {
        var expected: String
    }

    /// Lower case, without parameters; `text/plain` where the URL names none.
    let mediaType: String
    let bytes: [UInt8]

    init(_ text: String) throws(Problem) {
        let url = text.utf8
        let scheme = "data:"
        guard url.count >= scheme.count, text.prefix(scheme.count).lowercased() == scheme,
            let comma = url.firstIndex(of: UInt8(ascii: ","))
        else {
            throw Problem(expected: "a data: URL with the bytes in it")
        }
        var fields = text[url.index(url.startIndex, offsetBy: scheme.utf8.count)..<comma]
            .split(separator: ";", omittingEmptySubsequences: false)
            .map { $0.trimmingCharacters(in: .whitespaces) }
        let isBase64 = fields.count > 1 && fields.last?.lowercased() == "base64"
        if isBase64 { fields.removeLast() }
        guard let type = fields[0].isEmpty ? "text/plain" : MediaType.normalised(fields[0]) else {
            throw Problem(expected: "a media type such as image/png after data:")
        }
        let data = Self.percentDecoded(url[url.index(after: comma)...])
        if isBase64 {
            guard let decoded = Self.decode(base64: data) else {
                throw Problem(expected: "valid base64 after the comma")
            }
            bytes = decoded
        } else {
            bytes = data
        }
        mediaType = type
    }

    /// Forgiving base64 (WHATWG Infra standard): white space and missing padding are fine; nil for anything else.
    static func decode(base64: some Sequence<UInt8>) -> [UInt8]? {
        var digits = base64.filter { !($0 == 0x20 || (0x09...0x0D).contains($0)) }
        while !digits.count.isMultiple(of: 4), digits.count % 4 != 1 { digits.append(UInt8(ascii: "=")) }
        return Data(base64Encoded: Data(digits)).map { [UInt8]($0) }
    }

    /// A percent sign without two digits stands for itself.
    private static func percentDecoded(_ text: Substring.UTF8View) -> [UInt8] {
        let source = Array(text)
        guard source.contains(UInt8(ascii: "%")) else { return source }
        func digit(_ index: Int) -> UInt8? {
            guard index < source.count else { return nil }
            return Character(Unicode.Scalar(source[index])).hexDigitValue.map { UInt8($0) }
        }
        var decoded: [UInt8] = []
        var index = 0
        while index < source.count {
            if source[index] == UInt8(ascii: "%"), let high = digit(index + 1), let low = digit(index + 2) {
                decoded.append(high << 4 | low)
                index += 3
            } else {
                decoded.append(source[index])
                index += 1
            }
        }
        return decoded
    }
}
