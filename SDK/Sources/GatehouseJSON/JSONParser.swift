/// Reads JSON (RFC 8259) in one pass. Foundation's decoder takes a second for a kilobyte of brackets nested 500 deep,
/// and this reads what strangers send.
///
/// An escaped lone surrogate, as cut texts of JavaScript have them, becomes U+FFFD.
struct JSONParser {
    /// Arrays and objects that may lie in each other; each takes a frame of the stack.
    static let deepest = 256
    private static let digits = UInt8(ascii: "0")...UInt8(ascii: "9")

    /// Where the text stops being JSON.
    struct Failure: Error {
        /// Byte of the text, from 0.
        var offset: Int
        var found: String

        /// The failure as users see it, with line and column.
        func problem(in bytes: UnsafeBufferPointer<UInt8>) -> JSONProblem {
            let before = bytes[..<offset]
            let newline = UInt8(ascii: "\n")
            let line = before.reduce(1) { $1 == newline ? $0 + 1 : $0 }
            let lineStart = before.lastIndex(of: newline).map { $0 + 1 } ?? 0
            return JSONProblem(
                path: "", expected: "valid JSON",
                found: "\(found) at line \(line), column \(offset - lineStart + 1)")
        }
    }

    private let bytes: UnsafeBufferPointer<UInt8>
    private let repeatedKeys: JSONValue.RepeatedKeys
    private var position = 0
    private var depth = 0
    /// The string that is read, where it holds escapes.
    private var unescaped: [UInt8] = []

    /// The value that `bytes` describe, all of them.
    static func parse(
        _ bytes: UnsafeBufferPointer<UInt8>, repeatedKeys: JSONValue.RepeatedKeys
    ) throws(Failure) -> JSONValue {
        var parser = JSONParser(bytes: bytes, repeatedKeys: repeatedKeys)
        // Some editors begin a file with a byte order mark.
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { parser.position = 3 }
        let value = try parser.value()
        parser.skipSpace()
        guard parser.position == bytes.count else { throw parser.failure("more after its end") }
        return value
    }

    private init(bytes: UnsafeBufferPointer<UInt8>, repeatedKeys: JSONValue.RepeatedKeys) {
        self.bytes = bytes
        self.repeatedKeys = repeatedKeys
    }

    private mutating func value() throws(Failure) -> JSONValue {
        skipSpace()
        switch peek {
        case UInt8(ascii: "{"): return try object()
        case UInt8(ascii: "["): return try array()
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try word("true", .bool(true))
        case UInt8(ascii: "f"): return try word("false", .bool(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        case let byte? where byte == UInt8(ascii: "-") || Self.digits.contains(byte):
            return .number(try number())
        default: throw unexpected("a value")
        }
    }

    private mutating func object() throws(Failure) -> JSONValue {
        try enter()
        defer { depth -= 1 }
        var members = JSONObject()
        if accept("}") { return .object(members) }
        while true {
            skipSpace()
            guard peek == UInt8(ascii: "\"") else { throw unexpected("a key in quotes") }
            let start = position
            let key = try string()
            guard accept(":") else { throw unexpected("\":\"") }
            if members.set(try value(), for: key), repeatedKeys == .refused {
                throw Failure(offset: start, found: "the key \"\(key)\" a second time")
            }
            if accept("}") { return .object(members) }
            guard accept(",") else { throw unexpected("\",\" or \"}\"") }
        }
    }

    private mutating func array() throws(Failure) -> JSONValue {
        try enter()
        defer { depth -= 1 }
        var values: [JSONValue] = []
        if accept("]") { return .array(values) }
        while true {
            values.append(try value())
            if accept("]") { return .array(values) }
            guard accept(",") else { throw unexpected("\",\" or \"]\"") }
        }
    }

    private mutating func enter() throws(Failure) {
        guard depth < Self.deepest else { throw failure("more than \(Self.deepest) nested levels") }
        position += 1
        depth += 1
    }

    // MARK: Strings

    private mutating func string() throws(Failure) -> String {
        let start = position
        position += 1
        let first = position
        var allBits: UInt8 = 0
        while let byte = peek, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\"), byte >= 0x20 {
            allBits |= byte
            position += 1
        }
        // Most strings hold no escape; the longest, base64, never do.
        if peek == UInt8(ascii: "\"") {
            defer { position += 1 }
            let span = UnsafeBufferPointer(rebasing: bytes[first..<position])
            // ASCII needs no validation, and most texts are ASCII.
            return allBits < 0x80 ? String(decoding: span, as: UTF8.self) : try text(span, at: start)
        }
        unescaped.removeAll(keepingCapacity: true)
        unescaped.append(contentsOf: bytes[first..<position])
        while let byte = peek {
            position += 1
            switch byte {
            case UInt8(ascii: "\""): return try text(unescaped, at: start)
            case UInt8(ascii: "\\"): unescaped.append(contentsOf: try escape().utf8)
            case ..<0x20:
                position -= 1
                throw failure("a control character in a string")
            default: unescaped.append(byte)
            }
        }
        throw Failure(offset: start, found: "a string that does not end")
    }

    private func text(_ bytes: some Sequence<UInt8>, at start: Int) throws(Failure) -> String {
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw Failure(offset: start, found: "a string that is not UTF-8")
        }
        return text
    }

    /// What an escape stands for whose backslash has been read.
    private mutating func escape() throws(Failure) -> Unicode.Scalar {
        let byte = peek
        position += 1
        switch byte {
        case UInt8(ascii: "\""): return "\""
        case UInt8(ascii: "\\"): return "\\"
        case UInt8(ascii: "/"): return "/"
        case UInt8(ascii: "b"): return "\u{8}"
        case UInt8(ascii: "f"): return "\u{C}"
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "u"): return try escapedScalar()
        default:
            position -= 1
            throw failure("an unknown escape")
        }
    }

    private mutating func escapedScalar() throws(Failure) -> Unicode.Scalar {
        let code = try hexadecimal()
        guard (0xD800...0xDBFF).contains(code) else { return Unicode.Scalar(code) ?? "\u{FFFD}" }
        let mark = position
        if bytes[position...].starts(with: [UInt8(ascii: "\\"), UInt8(ascii: "u")]) {
            position += 2
            let low = try hexadecimal()
            if (0xDC00...0xDFFF).contains(low) {
                return Unicode.Scalar(0x10000 + (code - 0xD800) << 10 + (low - 0xDC00)) ?? "\u{FFFD}"
            }
            position = mark
        }
        return "\u{FFFD}"
    }

    private mutating func hexadecimal() throws(Failure) -> UInt32 {
        var code: UInt32 = 0
        for _ in 0..<4 {
            let digit: UInt8
            switch peek {
            case let byte? where Self.digits.contains(byte): digit = byte - UInt8(ascii: "0")
            case let byte? where (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte | 0x20):
                digit = (byte | 0x20) - UInt8(ascii: "a") + 10
            default: throw failure("an escape without four hexadecimal digits")
            }
            code = code << 4 | UInt32(digit)
            position += 1
        }
        return code
    }

    // MARK: Numbers and words

    private mutating func number() throws(Failure) -> JSONNumber {
        let start = position
        let isNegative = take("-")
        let first = position
        if !take("0") { try digits() }
        guard peek != UInt8(ascii: "."), peek != UInt8(ascii: "e"), peek != UInt8(ascii: "E") else {
            return try double(from: start)
        }
        var magnitude: UInt64 = 0
        for byte in bytes[first..<position] {
            let (product, tooLarge) = magnitude.multipliedReportingOverflow(by: 10)
            let (sum, overflow) = product.addingReportingOverflow(UInt64(byte - Self.digits.lowerBound))
            guard !tooLarge, !overflow else { return try double(from: start) }
            magnitude = sum
        }
        guard isNegative else { return JSONNumber(magnitude) }
        guard magnitude <= Int.min.magnitude else { return try double(from: start) }
        return JSONNumber(Int(truncatingIfNeeded: 0 &- magnitude))
    }

    /// A number with fraction or exponent, or beyond the integers; its sign and whole part have been read.
    private mutating func double(from start: Int) throws(Failure) -> JSONNumber {
        if take(".") { try digits() }
        if take("e") || take("E") {
            if !take("+") { _ = take("-") }
            try digits()
        }
        guard let number = Double(String(decoding: bytes[start..<position], as: UTF8.self)), number.isFinite
        else {
            throw Failure(offset: start, found: "a number beyond the range of a double")
        }
        return JSONNumber(number)
    }

    private mutating func digits() throws(Failure) {
        let start = position
        while let byte = peek, Self.digits.contains(byte) { position += 1 }
        if position == start { throw unexpected("a digit") }
    }

    private mutating func word(_ word: String, _ value: JSONValue) throws(Failure) -> JSONValue {
        guard bytes[position...].starts(with: word.utf8) else { throw unexpected("a value") }
        position += word.utf8.count
        return value
    }

    // MARK: Bytes

    private var peek: UInt8? { position < bytes.count ? bytes[position] : nil }

    private mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard peek == UInt8(ascii: character) else { return false }
        position += 1
        return true
    }

    private mutating func accept(_ character: Unicode.Scalar) -> Bool {
        skipSpace()
        return take(character)
    }

    private mutating func skipSpace() {
        while let byte = peek, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { position += 1 }
    }

    private func failure(_ found: String) -> Failure { Failure(offset: position, found: found) }

    private func unexpected(_ wanted: String) -> Failure {
        guard let byte = peek else { return failure("its end instead of \(wanted)") }
        let shown = (0x21..<0x7F).contains(byte) ? "'\(Unicode.Scalar(byte))'" : "byte \(byte)"
        return failure("\(shown) instead of \(wanted)")
    }
}
