import CNumerics
import Glibc

/// Logarithms of a short-time power spectrum on the mel scale.
///
/// The scale is that of M. Slaney, "Auditory Toolbox" (1998): linear below 1000 Hz, logarithmic above; a band is a triangle
/// over three neighbouring points of it, of the same area for all bands.
public struct MelSpectrum: Sendable {
    public struct Configuration: Sendable, Equatable {
        /// Samples a second.
        public var rate: Int
        public var bands: Int
        /// Samples from frame to frame.
        public var hop: Int
        /// Samples of a frame, under a symmetric Hann window.
        public var windowLength: Int
        /// Of the Fourier transform, which the window is filled up to with zeros.
        public var transformSize: Int
        /// Added to a band's power before the logarithm.
        public var guardValue: Double

        public init(
            rate: Int, bands: Int, hop: Int, windowLength: Int, transformSize: Int, guardValue: Double
        ) {
            self.rate = rate
            self.bands = bands
            self.hop = hop
            self.windowLength = windowLength
            self.transformSize = transformSize
            self.guardValue = guardValue
        }
    }

    public let configuration: Configuration
    private let window: [Float]
    private let cosines: [Double]
    private let sines: [Double]
    private let reversed: [Int32]
    private let firsts: [Int32]
    private let counts: [Int32]
    private let weights: [Float]

    /// - Precondition: the transform's size is a power of two and at least the window's length, which is at least 2.
    public init(_ configuration: Configuration) {
        let size = configuration.transformSize
        precondition(
            size >= 2 && size & (size - 1) == 0 && (2...size).contains(configuration.windowLength)
                && configuration.hop > 0 && configuration.bands > 0 && configuration.rate > 1,
            "a transform has a power of two of samples and holds the window")
        self.configuration = configuration
        // In float32, as PyTorch makes it: in quiet bands beside loud ones its rounding is heard.
        let step = Float(2 * Double.pi / Double(configuration.windowLength - 1))
        window = (0..<configuration.windowLength).map { cosf(Float($0) * step) * -0.5 + 0.5 }
        cosines = (0..<size / 2).map { cos(2 * .pi * Double($0) / Double(size)) }
        sines = (0..<size / 2).map { sin(2 * .pi * Double($0) / Double(size)) }
        let bits = size.trailingZeroBitCount
        reversed = (0..<size).map { index in
            Int32((0..<bits).reduce(0) { $0 | (index >> $1 & 1) << (bits - 1 - $1) })
        }
        (firsts, counts, weights) = Self.filters(configuration)
    }

    /// Rows of `[frames, bands]`, frame i of the `windowLength` samples from `i · hop` on.
    ///
    /// - Precondition: `samples` has `(frames - 1) · hop + windowLength` of them.
    public func logarithms(_ samples: UnsafePointer<Float>, _ team: ThreadTeam, into output: Matrix) {
        precondition(output.columns == configuration.bands, "a column a band")
        let (hop, together) = (configuration.hop, Int(GN_FRAMES))
        // Read only, while this call lasts.
        nonisolated(unsafe) let samples = samples
        team.split(output.rows, unit: together) { rows in
            let scratch = UnsafeMutablePointer<Double>.allocate(
                capacity: Int(gn_mel_scratch(Int64(configuration.transformSize))))
            defer { scratch.deallocate() }
            withPlan { plan in
                for first in stride(from: rows.lowerBound, to: rows.upperBound, by: together) {
                    let count = min(together, rows.upperBound - first)
                    gn_log_mel(
                        plan, Int64(count), samples + first * hop, Int64(hop), scratch,
                        output.base + first * output.stride, Int64(output.stride))
                }
            }
        }
    }

    private func withPlan(_ body: (UnsafePointer<gn_mel>) -> Void) {
        window.withUnsafeBufferPointer { window in
            cosines.withUnsafeBufferPointer { cosines in
                sines.withUnsafeBufferPointer { sines in
                    reversed.withUnsafeBufferPointer { reversed in
                        firsts.withUnsafeBufferPointer { firsts in
                            counts.withUnsafeBufferPointer { counts in
                                weights.withUnsafeBufferPointer { weights in
                                    var plan = gn_mel(
                                        size: Int64(configuration.transformSize),
                                        window_length: Int64(configuration.windowLength),
                                        window: window.baseAddress, cosines: cosines.baseAddress,
                                        sines: sines.baseAddress, reversed: reversed.baseAddress,
                                        bands: Int64(configuration.bands), firsts: firsts.baseAddress,
                                        counts: counts.baseAddress, weights: weights.baseAddress,
                                        guard: configuration.guardValue)
                                    body(&plan)
                                }
                            }
                        }
                    }
                }
            }
        }
    }

    /// Of each band the first frequency with a weight, the number of them, and the weights of all bands in a row.
    private static func filters(_ configuration: Configuration) -> ([Int32], [Int32], [Float]) {
        let bins = configuration.transformSize / 2 + 1
        let highest = mels(Double(configuration.rate) / 2)
        let points = (0..<configuration.bands + 2).map {
            hertz(highest * Double($0) / Double(configuration.bands + 1))
        }
        var firsts: [Int32] = []
        var counts: [Int32] = []
        var weights: [Float] = []
        for band in 0..<configuration.bands {
            let (low, middle, high) = (points[band], points[band + 1], points[band + 2])
            let all = (0..<bins).map { bin in
                let frequency = Double(configuration.rate / 2) * Double(bin) / Double(bins - 1)
                let slope = min((frequency - low) / (middle - low), (high - frequency) / (high - middle))
                return max(0, slope) * 2 / (high - low)
            }
            let first = all.firstIndex { $0 > 0 } ?? 0
            let end = (all.lastIndex { $0 > 0 } ?? -1) + 1
            firsts.append(Int32(first))
            counts.append(Int32(max(0, end - first)))
            weights += all[first..<max(first, end)].map { Float($0) }
        }
        return (firsts, counts, weights)
    }

    private static let linearEnd = (hertz: 1000.0, mels: 15.0)
    private static let logarithmicStep = log(6.4) / 27

    private static func mels(_ hertz: Double) -> Double {
        hertz < linearEnd.hertz
            ? hertz * 3 / 200 : linearEnd.mels + log(hertz / linearEnd.hertz) / logarithmicStep
    }

    private static func hertz(_ mels: Double) -> Double {
        mels < linearEnd.mels
            ? mels * 200 / 3 : linearEnd.hertz * exp(logarithmicStep * (mels - linearEnd.mels))
    }
}
