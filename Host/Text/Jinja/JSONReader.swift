/// Why text is not JSON.
public struct JSONError: Error, Equatable, CustomStringConvertible {
    /// Byte of the text, from 0.
    public var offset: Int
    public var message: String

    public var description: String { "JSON, byte \(offset): \(message)" }
}

extension JinjaValue {
    /// The value that JSON text describes; objects keep their order, and all strings count as data.
    ///
    /// Of equal keys the last value counts. Lone surrogates in escapes become U+FFFD.
    public init(json: some Sequence<UInt8>) throws(JSONError) {
        var reader = JSONReader(bytes: Array(json))
        self = try reader.read()
    }
}

private struct JSONReader {
    let bytes: [UInt8]
    var position = 0
    var depth = 0
    static let deepest = 100

    init(bytes: [UInt8]) {
        self.bytes = bytes
    }

    mutating func read() throws(JSONError) -> JinjaValue {
        let value = try value()
        skipSpace()
        guard position == bytes.count else { throw error("expected the end") }
        return value
    }

    private mutating func value() throws(JSONError) -> JinjaValue {
        skipSpace()
        switch peek {
        case UInt8(ascii: "{"): return try object()
        case UInt8(ascii: "["): return try array()
        case UInt8(ascii: "\""): return .string(TracedText(try string(), origin: .data))
        case UInt8(ascii: "t"): return try word("true", .bool(true))
        case UInt8(ascii: "f"): return try word("false", .bool(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        default: return try number()
        }
    }

    private mutating func object() throws(JSONError) -> JinjaValue {
        try enter()
        defer { depth -= 1 }
        var dict = JinjaDict()
        while true {
            skipSpace()
            if dict.count == 0, accept("}") { break }
            guard peek == UInt8(ascii: "\"") else { throw error("expected a key in quotes") }
            let key = JinjaValue.string(TracedText(try string(), origin: .data))
            skipSpace()
            guard accept(":") else { throw error("expected \":\"") }
            dict.set(key, try value())
            skipSpace()
            if accept("}") { break }
            guard accept(",") else { throw error("expected \",\" or \"}\"") }
        }
        return .dict(dict)
    }

    private mutating func array() throws(JSONError) -> JinjaValue {
        try enter()
        defer { depth -= 1 }
        var items: [JinjaValue] = []
        skipSpace()
        if accept("]") { return .list(items) }
        while true {
            items.append(try value())
            skipSpace()
            if accept("]") { return .list(items) }
            guard accept(",") else { throw error("expected \",\" or \"]\"") }
        }
    }

    private mutating func enter() throws(JSONError) {
        position += 1
        depth += 1
        guard depth <= Self.deepest else { throw error("nested deeper than \(Self.deepest) levels") }
    }

    private mutating func string() throws(JSONError) -> String {
        position += 1
        var text: [UInt8] = []
        while let byte = peek {
            position += 1
            switch byte {
            case UInt8(ascii: "\""): return String(decoding: text, as: UTF8.self)
            case UInt8(ascii: "\\"): try escape(into: &text)
            case ..<0x20: throw error("a control character in a string")
            default: text.append(byte)
            }
        }
        throw error("the string is not closed")
    }

    private mutating func escape(into text: inout [UInt8]) throws(JSONError) {
        guard let byte = peek else { throw error("the string is not closed") }
        position += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(byte)
        case UInt8(ascii: "b"): text.append(0x08)
        case UInt8(ascii: "f"): text.append(0x0C)
        case UInt8(ascii: "n"): text.append(0x0A)
        case UInt8(ascii: "r"): text.append(0x0D)
        case UInt8(ascii: "t"): text.append(0x09)
        case UInt8(ascii: "u"):
            var code = try hexadecimal()
            if (0xD800...0xDBFF).contains(code), accept("\\") {
                let mark = position
                if accept("u"), case let low = try hexadecimal(), (0xDC00...0xDFFF).contains(low) {
                    code = 0x10000 + (code - 0xD800) << 10 + (low - 0xDC00)
                } else {
                    position = mark - 1
                }
            }
            text.append(contentsOf: String(Unicode.Scalar(code) ?? "\u{FFFD}").utf8)
        default: throw error("unknown escape")
        }
    }

    private mutating func hexadecimal() throws(JSONError) -> UInt32 {
        let digits = bytes[position..<min(position + 4, bytes.count)]
        guard digits.count == 4, digits.allSatisfy({ Character(Unicode.Scalar($0)).isHexDigit }),
            let code = UInt32(String(decoding: digits, as: UTF8.self), radix: 16)
        else { throw error("expected four hexadecimal digits") }
        position += 4
        return code
    }

    private mutating func number() throws(JSONError) -> JinjaValue {
        let start = position
        while let byte = peek, "+-.eE0123456789".utf8.contains(byte) { position += 1 }
        let text = String(decoding: bytes[start..<position], as: UTF8.self)
        if text.first != "+", let value = Int(text) { return .int(value) }
        guard let value = Double(text), text.first != "+", text.first != ".", value.isFinite else {
            position = start
            throw error("expected a value")
        }
        return .float(value)
    }

    private mutating func word(_ word: String, _ value: JinjaValue) throws(JSONError) -> JinjaValue {
        guard bytes[position...].starts(with: word.utf8) else { throw error("expected a value") }
        position += word.utf8.count
        return value
    }

    private var peek: UInt8? { position < bytes.count ? bytes[position] : nil }

    private mutating func accept(_ character: Unicode.Scalar) -> Bool {
        guard peek == UInt8(ascii: character) else { return false }
        position += 1
        return true
    }

    private mutating func skipSpace() {
        while let byte = peek, byte == 0x20 || (0x09...0x0A).contains(byte) || byte == 0x0D { position += 1 }
    }

    private func error(_ message: String) -> JSONError {
        JSONError(offset: position, message: message)
    }
}
