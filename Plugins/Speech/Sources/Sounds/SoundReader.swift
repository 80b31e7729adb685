import CSoundFiles

/// Sound as samples of one channel at one rate, decoded as they are asked for.
///
/// One thread at a time. What it was made from stays where it is while the reader is used.
public final class SoundReader {
    private enum Source {
        case file(OpaquePointer)
        case samples(UnsafeBufferPointer<Float>, channels: Int)
    }

    /// Samples a second of what comes out.
    public let rate: Int
    private let source: Source
    private var info = SoundInfo()
    /// nil where the source has the rate that is wanted.
    private let resampler: Resampler?
    /// Frames of the source; nil where it does not tell.
    private let frames: Int?
    private var framesRead = 0
    private var block = [Float](repeating: 0, count: 4096)
    private var pending = 0..<0
    private var hasEnded = false

    /// Decodes a file.
    ///
    /// - Throws: what `SoundLimits` forbid, and files that are not what their media type says; damage further on is thrown
    ///   where it is met.
    public init(
        decoding bytes: UnsafeRawBufferPointer, as format: SoundFormat, rate: Int
    ) throws(SoundError) {
        guard !bytes.isEmpty else { throw .badInput("the sound has no bytes") }
        guard bytes.count <= SoundLimits.mostBytes else {
            throw .badInput(
                "the sound has \(bytes.count) bytes: at most \(SoundLimits.mostBytes) are taken")
        }
        let data = bytes.baseAddress?.assumingMemoryBound(to: UInt8.self)
        let found = sound_format(data, Int64(bytes.count))
        guard found == format.code else {
            let name =
                SoundFormat.allCases.first { $0.code == found }?.name
                ?? "neither WAV, FLAC, Ogg nor MPEG audio"
            throw .badInput("the bytes are \(name), but the media type says \(format.rawValue)")
        }
        var file: OpaquePointer?
        let status = sound_open(found, data, Int64(bytes.count), &file, &info)
        guard status == SOUND_OK, let file else { throw Self.error(status, info) }
        do {
            try SoundLimits.check(rate: Int(info.rate), channels: Int(info.channels))
            if info.frames >= 0 {
                try Self.check(seconds: Double(info.frames) / Double(info.rate))
            }
            resampler = try Resampler(from: Int(info.rate), to: rate, isLive: false)
        } catch {
            sound_close(file)
            throw error
        }
        source = .file(file)
        frames = info.frames > 0 ? Int(info.frames) : nil
        self.rate = rate
    }

    /// Takes interleaved samples, `channels` of them at a time.
    public init(
        samples: UnsafeBufferPointer<Float>, rate from: Int, channels: Int, rate: Int
    ) throws(SoundError) {
        try SoundLimits.check(rate: from, channels: channels)
        guard samples.count % channels == 0 else {
            throw .badInput(
                "the sound has \(samples.count) samples: expected as many for each of \(channels) channels")
        }
        try Self.check(seconds: Double(samples.count / channels) / Double(from))
        source = .samples(samples, channels: channels)
        frames = samples.count / channels
        resampler = try Resampler(from: from, to: rate, isLive: false)
        self.rate = rate
    }

    deinit {
        if case .file(let file) = source { sound_close(file) }
    }

    /// How much of the source was read, 0 … 1; 0 while it does not tell.
    public var fraction: Double { frames.map { min(1, Double(framesRead) / Double($0)) } ?? 0 }

    /// The next samples, at most as many as fit; 0 at the end.
    public func read(into output: UnsafeMutableBufferPointer<Float>) throws(SoundError) -> Int {
        var made = 0
        while made < output.count {
            if pending.isEmpty, !hasEnded {
                let count = try readSource()
                hasEnded = count == 0
                pending = 0..<count
            }
            let rest = UnsafeMutableBufferPointer(rebasing: output[made...])
            let taken: Int
            let given: Int
            if let resampler {
                (taken, given) = try block.withUnsafeBufferPointer { block throws(SoundError) in
                    try resampler.process(
                        UnsafeBufferPointer(rebasing: block[pending]), ended: hasEnded, into: rest)
                }
            } else {
                taken = min(pending.count, rest.count)
                given = taken
                _ = rest.update(fromContentsOf: block[pending.lowerBound..<pending.lowerBound + taken])
            }
            pending = pending.lowerBound + taken..<pending.upperBound
            made += given
            if hasEnded, given == 0 { break }
        }
        return made
    }

    /// Fills the block; returns the frames in it.
    private func readSource() throws(SoundError) -> Int {
        let count: Int
        switch source {
        case .file(let file):
            count = block.withUnsafeMutableBufferPointer {
                Int(sound_read(file, $0.baseAddress, Int64($0.count), &info))
            }
            guard count >= 0 else { throw Self.error(SOUND_DAMAGED, info) }
            try Self.check(seconds: Double(framesRead + count) / Double(info.rate))
        case .samples(let samples, let channels):
            count = min(block.count, samples.count / channels - framesRead)
            let start = samples.baseAddress.map { $0 + framesRead * channels }
            let areNumbers = block.withUnsafeMutableBufferPointer {
                sound_mix(start, Int64(count), Int32(channels), $0.baseAddress) != 0
            }
            guard areNumbers else { throw .badInput("the sound has samples that are no numbers") }
        }
        framesRead += count
        return count
    }

    private static func check(seconds: Double) throws(SoundError) {
        guard seconds <= SoundLimits.mostSeconds else {
            throw .badInput(
                "the sound lasts longer than \(Int(SoundLimits.mostSeconds / 3600)) hours, which is the most that is taken"
            )
        }
    }

    private static func error(_ status: SoundStatus, _ info: SoundInfo) -> SoundError {
        let message = withUnsafeBytes(of: info.message) {
            String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
        }
        return status == SOUND_NO_MEMORY ? .outOfMemory(message) : .badInput(message)
    }
}
