import Glibc

/// The discrete Fourier transform of a real signal whose length is a power of two, by Cooley and Tukey's radix-2 algorithm
/// (Mathematics of Computation 19, 1965), in place, decimation in time.
struct FastFourierTransform {
    /// Values that go in.
    let size: Int
    /// exp(-2πik/size) for k below size / 2.
    private let cosines: [Double]
    private let sines: [Double]

    /// - Precondition: `size` is a power of two, at least 2.
    init(size: Int) {
        precondition(size >= 2 && size & (size - 1) == 0, "a power of two")
        self.size = size
        let angles = (0..<size / 2).map { -2 * Double.pi * Double($0) / Double(size) }
        cosines = angles.map { cos($0) }
        sines = angles.map { sin($0) }
    }

    /// |X(k)|² for k = 0 … size / 2 of `signal`, which is continued with zeros.
    func powers(_ signal: [Double]) -> [Double] {
        precondition(signal.count <= size, "longer than the transform")
        var real = signal + [Double](repeating: 0, count: size - signal.count)
        var imaginary = [Double](repeating: 0, count: size)
        real.withUnsafeMutableBufferPointer { real in
            imaginary.withUnsafeMutableBufferPointer { imaginary in
                transform(real, imaginary)
            }
        }
        return (0...size / 2).map { real[$0] * real[$0] + imaginary[$0] * imaginary[$0] }
    }

    private func transform(
        _ real: UnsafeMutableBufferPointer<Double>, _ imaginary: UnsafeMutableBufferPointer<Double>
    ) {
        var reversed = 0
        for index in 0..<size - 1 {
            if index < reversed { real.swapAt(index, reversed) }
            var bit = size >> 1
            while reversed & bit != 0 {
                reversed ^= bit
                bit >>= 1
            }
            reversed |= bit
        }
        var half = 1
        while half < size {
            let stride = size / (2 * half)
            for block in Swift.stride(from: 0, to: size, by: 2 * half) {
                for k in 0..<half {
                    let (c, s) = (cosines[k * stride], sines[k * stride])
                    let (upper, lower) = (block + k, block + k + half)
                    let turnedReal = real[lower] * c - imaginary[lower] * s
                    let turnedImaginary = real[lower] * s + imaginary[lower] * c
                    real[lower] = real[upper] - turnedReal
                    imaginary[lower] = imaginary[upper] - turnedImaginary
                    real[upper] += turnedReal
                    imaginary[upper] += turnedImaginary
                }
            }
            half *= 2
        }
    }
}
