import GatehouseNumerics
import Sounds

/// What an encoder takes of a sound, as `ParakeetFeatureExtractor` of transformers makes it: pre-emphasis, logarithms of the
/// power on the mel scale, and each band normalised over the utterance.
public struct FeatureExtractor: Sendable {
    /// Keeps a band that never changes from a division by zero.
    static let epsilon = 1e-5

    public let mel: MelSpectrum
    /// y[n] = x[n] - preemphasis · x[n - 1].
    public let preemphasis: Float

    /// - Parameter file: `preprocessor_config.json`.
    public init(_ file: ConfigurationFile) throws(TensorFileError) {
        let rate = try file.extent("sampling_rate", default: 16000)
        guard SoundLimits.rates.contains(rate) else {
            throw file.error(
                "sampling_rate", "\(SoundLimits.rates.lowerBound) to \(SoundLimits.rates.upperBound)",
                "\(rate)")
        }
        let size = try file.extent("n_fft", default: 512)
        guard size >= 2, size <= 1 << 16, size & (size - 1) == 0 else {
            throw file.error("n_fft", "a power of two from 2 to 65536", "\(size)")
        }
        let window = try file.extent("win_length", default: 400)
        guard (2...size).contains(window) else {
            throw file.error("win_length", "2 to n_fft \(size)", "\(window)")
        }
        let bands = try file.extent("feature_size", default: 80)
        guard bands <= 1024 else { throw file.error("feature_size", "1 to 1024", "\(bands)") }
        let hop = try file.extent("hop_length", default: 160)
        guard hop <= window else { throw file.error("hop_length", "1 to win_length \(window)", "\(hop)") }
        preemphasis = Float(try file.number("preemphasis", default: 0.97))
        mel = MelSpectrum(
            MelSpectrum.Configuration(
                rate: rate, bands: bands, hop: hop, windowLength: window, transformSize: size,
                guardValue: 0x1p-24))
    }

    /// Samples a second.
    public var rate: Int { mel.configuration.rate }
    public var bands: Int { mel.configuration.bands }
    /// Samples from frame to frame.
    public var hop: Int { mel.configuration.hop }
    /// Of frame 0, what lies before sample 0: the window stands in the middle of a transform centred on each frame's time.
    var lead: Int {
        let configuration = mel.configuration
        return configuration.transformSize / 2
            - (configuration.transformSize - configuration.windowLength) / 2
    }

    /// Frames of so many samples. A mean and a deviation need two.
    public func frames(_ samples: Int) -> Int { samples / hop }

    /// `[frames, bands]`, each band with mean 0 and deviation 1.
    public func features(
        _ samples: UnsafeBufferPointer<Float>, _ team: ThreadTeam
    ) throws(SoundError) -> Matrix {
        let frames = frames(samples.count)
        guard frames >= 2 else {
            guard !samples.isEmpty else { throw .badInput("the sound has no samples") }
            func milliseconds(_ samples: Int) -> Double { 1000 * Double(samples) / Double(rate) }
            throw .badInput(
                "the sound lasts \(milliseconds(samples.count)) ms: at least \(milliseconds(2 * hop)) ms are needed"
            )
        }
        let logarithms = Matrix(uninitializedRows: frames, columns: bands)
        let padded = Matrix(
            rows: 1, columns: max(lead + samples.count, (frames - 1) * hop + mel.configuration.windowLength))
        emphasise(samples, after: 0, into: padded.base + lead)
        mel.logarithms(padded.base, team, into: logarithms)
        normalise(logarithms)
        return logarithms
    }

    /// The difference of each sample to the one before it; the first one's is `previous`.
    func emphasise(
        _ samples: UnsafeBufferPointer<Float>, after previous: Float, into output: UnsafeMutablePointer<Float>
    ) {
        var previous = previous
        for index in samples.indices {
            output[index] = samples[index] - preemphasis * previous
            previous = samples[index]
        }
    }

    private func normalise(_ rows: Matrix) {
        let count = Double(rows.rows)
        var means = [Double](repeating: 0, count: bands)
        var squares = [Double](repeating: 0, count: bands)
        for index in 0..<rows.rows {
            let row = rows.row(index)
            for band in 0..<bands { means[band] += Double(row[band]) }
        }
        for band in 0..<bands { means[band] /= count }
        for index in 0..<rows.rows {
            let row = rows.row(index)
            for band in 0..<bands {
                let difference = Double(row[band]) - means[band]
                squares[band] += difference * difference
            }
        }
        let factors = squares.map { 1 / (($0 / (count - 1)).squareRoot() + Self.epsilon) }
        for index in 0..<rows.rows {
            let row = rows.row(index)
            for band in 0..<bands { row[band] = Float((Double(row[band]) - means[band]) * factors[band]) }
        }
    }
}
