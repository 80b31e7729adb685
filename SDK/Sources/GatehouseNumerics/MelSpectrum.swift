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
    private let plan: MelPlan

    /// - Precondition: the transform's size is a power of two and at least the window's length, which is at least 2.
    public init(_ configuration: Configuration) {
        let size = configuration.transformSize
        precondition(
            size >= 2 && size & (size - 1) == 0 && (2...size).contains(configuration.windowLength)
                && configuration.hop > 0 && configuration.bands > 0 && configuration.rate > 1,
            "a transform has a power of two of samples and holds the window")
        self.configuration = configuration
        plan = MelPlan(configuration)
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
            for first in stride(from: rows.lowerBound, to: rows.upperBound, by: together) {
                let count = min(together, rows.upperBound - first)
                gn_log_mel(
                    plan.pointer, Int64(count), samples + first * hop, Int64(hop), scratch,
                    output.base + first * output.stride, Int64(output.stride))
            }
        }
    }
}

/// The tables of a spectrum, in memory that stays where it is.
private final class MelPlan: @unchecked Sendable {  // nobody writes to it once it is made
    let pointer: UnsafeMutablePointer<gn_mel>
    private var tables: [UnsafeMutableRawPointer] = []

    init(_ configuration: MelSpectrum.Configuration) {
        pointer = .allocate(capacity: 1)
        let size = configuration.transformSize
        let bits = size.trailingZeroBitCount
        // In float32, as PyTorch makes it: in quiet bands beside loud ones its rounding is heard.
        let step = Float(2 * Double.pi / Double(configuration.windowLength - 1))
        let window = (0..<configuration.windowLength).map { cosf(Float($0) * step) * -0.5 + 0.5 }
        let angles = (0..<size / 2).map { 2 * .pi * Double($0) / Double(size) }
        let reversed = (0..<size).map { index in
            Int32((0..<bits).reduce(0) { $0 | (index >> $1 & 1) << (bits - 1 - $1) })
        }
        let (firsts, counts, weights) = Self.filters(configuration)
        pointer.initialize(
            to: gn_mel(
                size: Int64(size), window_length: Int64(configuration.windowLength), window: kept(window),
                cosines: kept(angles.map { cos($0) }), sines: kept(angles.map { sin($0) }),
                reversed: kept(reversed), bands: Int64(configuration.bands), firsts: kept(firsts),
                counts: kept(counts), weights: kept(weights), guard: configuration.guardValue))
    }

    deinit {
        for table in tables { table.deallocate() }
        pointer.deallocate()
    }

    private func kept<Element>(_ elements: [Element]) -> UnsafePointer<Element> {
        let table = UnsafeMutablePointer<Element>.allocate(capacity: max(1, elements.count))
        table.initialize(from: elements, count: elements.count)
        tables.append(table)
        return UnsafePointer(table)
    }

    /// Of each band the first frequency with a weight, the number of them, and the weights of all bands in a row.
    private static func filters(_ configuration: MelSpectrum.Configuration) -> ([Int32], [Int32], [Float]) {
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
