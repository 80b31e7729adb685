import CSoundFiles

/// Live sound as samples of one channel at one rate, block by block. One thread at a time.
public final class LiveSound {
    private let channels: Int
    /// nil where the rates are the same.
    private let resampler: Resampler?

    /// - Parameters:
    ///   - from: samples a second that come, of each channel.
    ///   - rate: samples a second that are wanted.
    public init(from: Int, channels: Int, rate: Int) throws(SoundError) {
        try SoundLimits.check(rate: from, channels: channels)
        self.channels = channels
        resampler = try Resampler(from: from, to: rate, isLive: true)
    }

    /// Takes interleaved samples; returns what they become, but for a little that is held back.
    public func push(_ samples: UnsafeBufferPointer<Float>) throws(SoundError) -> [Float] {
        let frames = samples.count / channels
        var areNumbers = true
        let mixed = [Float](unsafeUninitializedCapacity: frames) { mixed, count in
            areNumbers =
                sound_mix(samples.baseAddress, Int64(frames), Int32(channels), mixed.baseAddress) != 0
            count = frames
        }
        guard areNumbers else { throw .badInput("the sound has samples that are no numbers") }
        return mixed.isEmpty ? [] : try resampled(mixed)
    }

    /// Takes the end of the sound; returns what was held back.
    public func finish() throws(SoundError) -> [Float] { resampler == nil ? [] : try resampled([]) }

    private func resampled(_ samples: [Float]) throws(SoundError) -> [Float] {
        guard let resampler else { return samples }
        var output: [Float] = []
        var room = [Float](repeating: 0, count: 4096)
        var place = 0
        while true {
            let (taken, made) = try samples.withUnsafeBufferPointer { samples throws(SoundError) in
                try room.withUnsafeMutableBufferPointer { room throws(SoundError) in
                    try resampler.process(
                        UnsafeBufferPointer(rebasing: samples[place...]), ended: samples.isEmpty, into: room)
                }
            }
            place += taken
            output += room[..<made]
            if made == 0, place == samples.count { return output }
        }
    }
}
