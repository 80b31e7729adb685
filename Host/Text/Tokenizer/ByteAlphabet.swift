/// GPT-2's spelling of bytes: a printable character for each, so that token strings hold no spaces or controls.
///
/// Bytes 0x21…0x7E, 0xA1…0xAC and 0xAE…0xFF stand for themselves; the others, in order, are U+0100, U+0101, …
enum ByteAlphabet {
    /// The character of each byte.
    static let scalars: [Unicode.Scalar] = {
        var spare: UInt32 = 0x100
        return (UInt8.min...UInt8.max).map { byte in
            switch byte {
            case 0x21...0x7E, 0xA1...0xAC, 0xAE...0xFF:
                return Unicode.Scalar(byte)
            default:
                defer { spare += 1 }
                return Unicode.Scalar(spare) ?? "?"
            }
        }
    }()

    private static let bytes: [UInt32: UInt8] = Dictionary(
        uniqueKeysWithValues: zip(scalars.map(\.value), UInt8.min...UInt8.max))

    /// The bytes that `token` spells, or its own UTF-8 where it has characters outside the alphabet.
    static func bytes(of token: String) -> [UInt8] {
        var spelled: [UInt8] = []
        spelled.reserveCapacity(token.utf8.count)
        for scalar in token.unicodeScalars {
            if scalar.value > 0x20, scalar.value < 0x7F {
                spelled.append(UInt8(scalar.value))
            } else if let byte = bytes[scalar.value] {
                spelled.append(byte)
            } else {
                return Array(token.utf8)
            }
        }
        return spelled
    }

    // The spelling of each byte in UTF-8, one or two bytes.
    private static let spellings: [[UInt8]] = scalars.map { Array(String($0).utf8) }

    /// The spelling of `bytes`, in UTF-8.
    static func spelling(of bytes: some Sequence<UInt8>) -> [UInt8] {
        var spelled: [UInt8] = []
        for byte in bytes { spelled.append(contentsOf: spellings[Int(byte)]) }
        return spelled
    }

    /// Calls `body` with the bytes that `text`, of this alphabet alone, spells.
    static func withBytes(
        spelledBy text: UnsafeBufferPointer<UInt8>, _ body: (UnsafeBufferPointer<UInt8>) -> Void
    ) {
        let bytes = String(decoding: text, as: UTF8.self).unicodeScalars.compactMap { Self.bytes[$0.value] }
        bytes.withUnsafeBufferPointer(body)
    }
}
