import PluginHost

/// Files with nothing to perceive in them: what a set-up without a choice feeds its encoders where a request has none.
enum BlankMedia {
    /// A blank file of the first of these types that one is known for; nil where there is none.
    static func part(of mediaTypes: [String]) -> MediaPart? {
        for type in mediaTypes {
            switch type {
            case "image/png": return MediaPart(mediaType: type, bytes: png(side: 224))
            case "audio/wav": return MediaPart(mediaType: type, bytes: wav(samples: 16_000))
            case "text/csv":
                return MediaPart(mediaType: type, bytes: Array("time,value\n0,0\n1,0\n2,0\n".utf8))
            case "text/plain": return MediaPart(mediaType: type, bytes: Array(" ".utf8))
            default: continue
            }
        }
        return nil
    }

    /// A white square of 8-bit grey, not compressed: PNG (W3C), zlib (RFC 1950), deflate (RFC 1951).
    private static func png(side: Int) -> [UInt8] {
        let row = [0] + [UInt8](repeating: 255, count: side)
        let pixels = [UInt8]((0..<side).map { _ in row }.joined())
        var data: [UInt8] = [0x78, 0x01]
        var start = 0
        while start < pixels.count {
            let piece = pixels[start..<min(start + 65_535, pixels.count)]
            start = piece.endIndex
            let count = UInt16(piece.count)
            data.append(start == pixels.count ? 1 : 0)
            data += littleEndian(count) + littleEndian(~count) + piece
        }
        data += bigEndian(adler32(pixels))
        return [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]
            + chunk("IHDR", bigEndian(UInt32(side)) + bigEndian(UInt32(side)) + [8, 0, 0, 0, 0])
            + chunk("IDAT", data) + chunk("IEND", [])
    }

    private static func chunk(_ name: String, _ data: [UInt8]) -> [UInt8] {
        let body = Array(name.utf8) + data
        return bigEndian(UInt32(data.count)) + body + bigEndian(crc32(body))
    }

    /// Silence in 16-bit samples of one channel at 16 kHz.
    private static func wav(samples: Int) -> [UInt8] {
        let size = UInt32(2 * samples)
        return Array("RIFF".utf8) + littleEndian(36 + size) + Array("WAVEfmt ".utf8)
            + littleEndian(UInt32(16)) + littleEndian(UInt16(1)) + littleEndian(UInt16(1))
            + littleEndian(UInt32(16_000)) + littleEndian(UInt32(32_000)) + littleEndian(UInt16(2))
            + littleEndian(UInt16(16)) + Array("data".utf8) + littleEndian(size)
            + [UInt8](repeating: 0, count: Int(size))
    }

    private static func crc32(_ bytes: [UInt8]) -> UInt32 {
        ~bytes.reduce(~0) { sum, byte in
            (0..<8).reduce(sum ^ UInt32(byte)) { sum, _ in sum & 1 == 1 ? sum >> 1 ^ 0xEDB8_8320 : sum >> 1 }
        }
    }

    private static func adler32(_ bytes: [UInt8]) -> UInt32 {
        var (low, high): (UInt32, UInt32) = (1, 0)
        for byte in bytes {
            low = (low + UInt32(byte)) % 65_521
            high = (high + low) % 65_521
        }
        return high << 16 | low
    }

    private static func bigEndian(_ number: UInt32) -> [UInt8] {
        withUnsafeBytes(of: number.bigEndian) { Array($0) }
    }

    private static func littleEndian(_ number: some FixedWidthInteger) -> [UInt8] {
        withUnsafeBytes(of: number.littleEndian) { Array($0) }
    }
}
