import CSoundFiles

/// From one rate to another, a stretch at a time. One thread at a time.
final class Resampler {
    private let resampler: OpaquePointer

    /// nil where the rates are the same. One for live sound holds back 30 ms at most.
    init?(from: Int, to: Int, isLive: Bool) throws(SoundError) {
        guard from != to else { return nil }
        guard let resampler = sound_resampler_open(Double(from), Double(to), isLive ? 1 : 0) else {
            throw .outOfMemory("there is no memory for a resampler")
        }
        self.resampler = resampler
    }

    deinit { sound_resampler_close(resampler) }

    /// Takes samples, and once `ended` none, and makes as many as there are and fit.
    func process(
        _ samples: UnsafeBufferPointer<Float>, ended: Bool, into output: UnsafeMutableBufferPointer<Float>
    ) throws(SoundError) -> (taken: Int, made: Int) {
        var taken: Int64 = 0
        let made = sound_resample(
            resampler, samples.baseAddress, Int64(samples.count), ended && samples.isEmpty ? 1 : 0,
            output.baseAddress, Int64(output.count), &taken)
        guard made >= 0 else { throw .outOfMemory("there is no memory to resample the sound in") }
        return (Int(taken), Int(made))
    }
}
