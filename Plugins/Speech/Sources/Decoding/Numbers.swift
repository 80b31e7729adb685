import Glibc

/// The n-th root.
func root(_ value: Double, _ degree: Int) -> Double { pow(value, 1 / Double(degree)) }

/// log(exp a + exp b).
func logSum(_ a: Double, _ b: Double) -> Double {
    let (less, more) = a < b ? (a, b) : (b, a)
    return less == -.infinity ? more : more + log1p(exp(less - more))
}

/// Where bytes stop being whole characters of UTF-8.
enum UTF8Prefix {
    /// Bytes without the beginning of a character at their end.
    static func count(_ bytes: [UInt8]) -> Int {
        // A character has at most three bytes after its first.
        for back in 1...4 where back <= bytes.count {
            let byte = bytes[bytes.count - back]
            if byte & 0xC0 == 0x80 { continue }
            let length = byte < 0x80 ? 1 : byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4
            return length > back ? bytes.count - back : bytes.count
        }
        return bytes.count
    }
}
