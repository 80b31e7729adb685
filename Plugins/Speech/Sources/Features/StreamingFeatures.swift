import GatehouseNumerics
import Glibc
import Sounds

/// The features of a sound as it comes. Each band is normalised by the mean and deviation of what was heard so far, older
/// sound counting less, since nobody knows those of the whole utterance yet.
///
/// Frames are normalised in blocks: those of block b by all frames up to the end of block max(b, first - 1), or to the end of
/// the sound. So what comes out depends on no pushes. One thread at a time.
public final class StreamingFeatures {
    /// Seconds after which a frame counts 1/e of a new one.
    public static let memory = 30.0

    public let extractor: FeatureExtractor
    private let block: Int
    private let first: Int
    private let decay: Double
    /// Emphasised samples from the next frame's first on; before the sound there are zeros.
    private var samples: [Float]
    private var previous: Float = 0
    private var sampleCount = 0
    /// Logarithms of frames that are counted but not yet normalised.
    private var pending: [Float] = []
    private var counted = 0
    private var normalised = 0
    /// Of each band, over all frames counted, with `weight` in all.
    private var means: [Double]
    private var squares: [Double]
    private var weight = 0.0

    /// - Parameters:
    ///   - block: frames that are normalised at once.
    ///   - first: blocks that wait for each other at the start.
    public init(_ extractor: FeatureExtractor, block: Int, first: Int) {
        precondition(block > 0 && first > 0, "frames come in blocks")
        self.extractor = extractor
        self.block = block
        self.first = first
        decay = exp(-Double(extractor.hop) / (Double(extractor.rate) * Self.memory))
        samples = [Float](repeating: 0, count: extractor.lead)
        means = [Double](repeating: 0, count: extractor.bands)
        squares = means
    }

    /// Takes samples; returns the features that became known, whole blocks of them, row by row.
    public func push(_ input: UnsafeBufferPointer<Float>, _ team: ThreadTeam) -> [Float] {
        let start = samples.count
        samples.append(contentsOf: input)
        samples.withUnsafeMutableBufferPointer { samples in
            if let base = samples.baseAddress {
                extractor.emphasise(input, after: previous, into: base + start)
            }
        }
        previous = input.last ?? previous
        sampleCount += input.count
        let window = extractor.mel.configuration.windowLength
        let whole = samples.count < window ? 0 : (samples.count - window) / extractor.hop + 1
        // A narrow window may be full before its frame's time is over.
        return take(min(whole, extractor.frames(sampleCount) - counted), team)
    }

    /// The features of what is left; none where the sound was too short for any.
    public func finish(_ team: ThreadTeam) -> [Float] {
        let left = extractor.frames(sampleCount) - counted
        guard left > 0 || counted > normalised else { return [] }
        if left > 0 {
            let needed = (left - 1) * extractor.hop + extractor.mel.configuration.windowLength
            samples += [Float](repeating: 0, count: max(0, needed - samples.count))
        }
        var features = take(max(0, left), team)
        features += normalise(counted - normalised)
        return features
    }

    /// Counts further frames, one block's end after the other.
    private func take(_ frames: Int, _ team: ThreadTeam) -> [Float] {
        guard frames > 0 else { return [] }
        let (bands, hop) = (extractor.bands, extractor.hop)
        let logarithms = Matrix(uninitializedRows: frames, columns: bands)
        samples.withUnsafeBufferPointer { samples in
            if let base = samples.baseAddress { extractor.mel.logarithms(base, team, into: logarithms) }
        }
        samples.removeFirst(min(samples.count, frames * hop))
        var features: [Float] = []
        for index in 0..<frames {
            count(logarithms.row(index))
            if counted % block == 0, counted >= first * block { features += normalise(counted - normalised) }
        }
        return features
    }

    /// Welford's update of mean and squared deviations, with weights that fade.
    private func count(_ row: UnsafeMutableBufferPointer<Float>) {
        weight = weight * decay + 1
        for band in row.indices {
            let value = Double(row[band])
            let difference = value - means[band]
            means[band] += difference / weight
            squares[band] = squares[band] * decay + difference * (value - means[band])
        }
        pending.append(contentsOf: row)
        counted += 1
    }

    /// The next frames by what is counted now.
    private func normalise(_ frames: Int) -> [Float] {
        let bands = extractor.bands
        let factors = squares.map {
            weight > 1 ? 1 / (($0 / (weight - 1)).squareRoot() + FeatureExtractor.epsilon) : 0
        }
        let features = (0..<frames * bands).map { index in
            Float((Double(pending[index]) - means[index % bands]) * factors[index % bands])
        }
        pending.removeFirst(frames * bands)
        normalised += frames
        return features
    }
}
