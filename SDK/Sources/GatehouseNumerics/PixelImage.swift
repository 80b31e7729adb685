import CNumerics
import Glibc

/// A picture of 8-bit samples, row by row, the channels of a pixel next to each other.
public struct PixelImage: Sendable {
    public let width: Int
    public let height: Int
    public let channels: Int
    /// `[height, width, channels]`.
    public let samples: [UInt8]

    public init(width: Int, height: Int, channels: Int, samples: [UInt8]) {
        precondition(
            width > 0 && height > 0 && channels > 0 && samples.count == width * height * channels,
            "a picture has a sample for each channel of each pixel")
        self.width = width
        self.height = height
        self.channels = channels
        self.samples = samples
    }
}

/// How new pixels are made from old ones; each widens with the shrinking, so that nothing aliases.
public enum ResamplingFilter: Int, Sendable {
    // Numbered as `resample` of published preprocessor configurations.
    case lanczos = 1
    case bilinear = 2
    case bicubic = 3

    /// Pixels to each side that bear on a new one.
    var support: Double {
        switch self {
        case .lanczos: 3
        case .bilinear: 1
        case .bicubic: 2
        }
    }

    func weight(at distance: Double) -> Double {
        let x = abs(distance)
        switch self {
        case .lanczos: return x < 3 ? sinc(x) * sinc(x / 3) : 0
        case .bilinear: return max(0, 1 - x)
        case .bicubic: return Cubic.weight(x, sharpness: -0.5)
        }
    }

    private func sinc(_ x: Double) -> Double { x == 0 ? 1 : sin(x * .pi) / (x * .pi) }
}

/// How finely the weights of a resizing are rounded. The two differ by one level of 255 here and there.
public enum ResamplingPrecision: Sendable {
    /// 22 fractional bits, as Pillow's `resize`.
    case pillow
    /// As many as let the largest weight of an axis fit in 16 bits: PyTorch's antialiased resizing of bytes, which is that
    /// of published processors today.
    case pytorch

    fileprivate func fractionBits(largest: Double) -> Int {
        guard self == .pytorch else { return 22 }
        return (0..<22).first { Int(0.5 + largest * Double(1 << ($0 + 1))) >= 1 << 15 } ?? 22
    }
}

/// Keys' cubic convolution kernel: "Cubic convolution interpolation for digital image processing" (1981).
enum Cubic {
    /// `sharpness` is a of the paper: -0.5 in imaging libraries, -0.75 in PyTorch's plain interpolation.
    static func weight(_ x: Double, sharpness a: Double) -> Double {
        if x < 1 { return ((a + 2) * x - (a + 3)) * x * x + 1 }
        if x < 2 { return ((x - 5) * x + 8) * x * a - 4 * a }
        return 0
    }
}

extension ThreadTeam {
    /// The picture in another size: along rows, then along columns, in fixed point, rounded to 8 bits between. The same to
    /// the bit as the library that `precision` names makes it.
    public func resize(
        _ image: PixelImage, width: Int, height: Int, filter: ResamplingFilter,
        precision: ResamplingPrecision = .pillow
    ) -> PixelImage {
        precondition(width > 0 && height > 0, "a picture has pixels")
        var image = image
        if width != image.width { image = resizeRows(image, to: width, filter, precision) }
        if height != image.height { image = resizeColumns(image, to: height, filter, precision) }
        return image
    }

    private func resizeRows(
        _ image: PixelImage, to width: Int, _ filter: ResamplingFilter, _ precision: ResamplingPrecision
    ) -> PixelImage {
        let taps = ResamplingTaps(from: image.width, to: width, filter, precision)
        let samples = Self.samples(width * image.height * image.channels) { output in
            let output = Destination(base: output)
            split(image.height) { rows in
                image.samples.withUnsafeBufferPointer { samples in
                    for row in rows {
                        gn_blend_pixels(
                            Int64(width), Int64(image.channels),
                            samples.baseAddress.map { $0 + row * image.width * image.channels }, taps.firsts,
                            taps.counts, Int64(taps.most), taps.weights, Int32(taps.fractionBits),
                            output.base + row * width * image.channels)
                    }
                }
            }
        }
        return PixelImage(width: width, height: image.height, channels: image.channels, samples: samples)
    }

    private func resizeColumns(
        _ image: PixelImage, to height: Int, _ filter: ResamplingFilter, _ precision: ResamplingPrecision
    ) -> PixelImage {
        let taps = ResamplingTaps(from: image.height, to: height, filter, precision)
        let stride = image.width * image.channels
        let samples = Self.samples(stride * height) { output in
            let output = Destination(base: output)
            split(height) { rows in
                image.samples.withUnsafeBufferPointer { samples in
                    taps.weights.withUnsafeBufferPointer { weights in
                        guard let samples = samples.baseAddress, let weights = weights.baseAddress else {
                            return
                        }
                        for row in rows {
                            gn_blend_rows(
                                Int64(stride), samples + Int(taps.firsts[row]) * stride, Int64(stride),
                                Int64(taps.counts[row]), weights + row * taps.most, Int32(taps.fractionBits),
                                output.base + row * stride)
                        }
                    }
                }
            }
        }
        return PixelImage(width: image.width, height: height, channels: image.channels, samples: samples)
    }

    private static func samples(_ count: Int, _ fill: (UnsafeMutablePointer<UInt8>) -> Void) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: count) { buffer, written in
            if let base = buffer.baseAddress { fill(base) }
            written = count
        }
    }

    /// Where threads write, each to rows of its own.
    private struct Destination: @unchecked Sendable {
        let base: UnsafeMutablePointer<UInt8>
    }
}

/// Which old samples make each new one along an axis, and with what weights in fixed point.
private struct ResamplingTaps: Sendable {
    private(set) var firsts: [Int32] = []
    private(set) var counts: [Int32] = []
    /// `[new samples, most]`.
    private(set) var weights: [Int32] = []
    let most: Int
    let fractionBits: Int

    init(from old: Int, to new: Int, _ filter: ResamplingFilter, _ precision: ResamplingPrecision) {
        let scale = Double(old) / Double(new)
        let stretch = max(scale, 1)
        let support = filter.support * stretch
        most = Int(support.rounded(.up)) * 2 + 1
        firsts.reserveCapacity(new)
        counts.reserveCapacity(new)
        var values: [Double] = []
        values.reserveCapacity(new * most)
        for index in 0..<new {
            let center = (Double(index) + 0.5) * scale
            let first = max(0, Int(center - support + 0.5))
            let end = min(old, Int(center + support + 0.5))
            let taps = (first..<end).map { filter.weight(at: (Double($0) - center + 0.5) / stretch) }
            let sum = taps.reduce(0, +)
            firsts.append(Int32(first))
            counts.append(Int32(taps.count))
            values += sum == 0 ? taps : taps.map { $0 / sum }
            values += repeatElement(0, count: most - taps.count)
        }
        let bits = precision.fractionBits(largest: values.max() ?? 0)
        weights = values.map { Int32(($0 * Double(1 << bits)).rounded(.toNearestOrAwayFromZero)) }
        fractionBits = bits
    }
}
