import GatehouseSDK

/// The samples of a RIFF WAVE file of 16-bit integers.
struct WAVSound {
    let sampleRate: Int
    let channels: Int
    /// Channels interleaved, -1 … 1.
    let samples: [Float]

    init(_ bytes: UnsafeRawBufferPointer) throws(PluginError) {
        func number(_ offset: Int, _ size: Int) -> Int {
            (0..<size).reduce(0) { $0 | Int(bytes[offset + $1]) << (8 * $1) }
        }
        func name(_ offset: Int) -> String { String(decoding: bytes[offset..<offset + 4], as: UTF8.self) }
        guard bytes.count >= 12, name(0) == "RIFF", name(8) == "WAVE" else {
            throw .badInput("no WAVE file: it does not begin with RIFF and WAVE")
        }
        var format: (rate: Int, channels: Int)?
        var offset = 12
        while offset + 8 <= bytes.count {
            let (chunk, size) = (name(offset), number(offset + 4, 4))
            offset += 8
            if chunk == "fmt ", size >= 16, offset + 16 <= bytes.count {
                let kind = number(offset, 2)
                let bits = number(offset + 14, 2)
                guard kind == 1, bits == 16 else {
                    throw .badInput("a WAVE file of format \(kind), \(bits) bits; expected 1, 16 bits")
                }
                format = (number(offset + 4, 4), number(offset + 2, 2))
            } else if chunk == "data" {
                guard let format, (1000...384_000).contains(format.rate), (1...64).contains(format.channels)
                else {
                    throw .badInput(
                        "a WAVE file without a format, or beyond 64 channels or 1,000 to 384,000 Hz")
                }
                // A file that was cut is read as far as it goes.
                let count = min(size, bytes.count - offset) / (2 * format.channels) * format.channels
                samples = (0..<count).map { index in
                    Float(Int16(truncatingIfNeeded: number(offset + 2 * index, 2))) / 32768
                }
                (sampleRate, channels) = format
                return
            }
            offset += size + size & 1
        }
        throw .badInput("a WAVE file without samples")
    }
}
