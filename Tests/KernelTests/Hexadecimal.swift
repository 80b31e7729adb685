/// Hexadecimal digits of fixtures.
enum Hexadecimal {
    /// Two digits a byte.
    static func bytes(_ digits: String) -> [UInt8] {
        let nibbles = digits.utf8.compactMap { Character(UnicodeScalar($0)).hexDigitValue }
        return stride(from: 0, to: nibbles.count - 1, by: 2).map { UInt8(nibbles[$0] << 4 | nibbles[$0 + 1]) }
    }

    /// Words of 32 bits, big-endian.
    static func words(_ digits: String) -> [UInt32] {
        let bytes = bytes(digits)
        return stride(from: 0, to: bytes.count, by: 4).map { start in
            bytes[start..<start + 4].reduce(0) { $0 << 8 | UInt32($1) }
        }
    }
}
