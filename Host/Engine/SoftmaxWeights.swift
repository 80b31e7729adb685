/// Probabilities of tokens over that of the most likely one: e to the power (logit - best) / temperature.
///
/// Computed by a polynomial of its own instead of the system's `exp`: eight at a time, and the same bits with every
/// C library.
package struct SoftmaxWeights {
    /// Tokens that one element of `blockSums` covers.
    static let blockTokens = 64

    /// One for each token, zero where the logit is not finite, then zeros up to a whole block.
    private(set) var values: [Float] = []
    /// Sums of `values` by blocks.
    private(set) var blockSums: [Double] = []
    private(set) var total = 0.0

    /// - Parameters:
    ///   - best: The greatest finite logit.
    ///   - floor: Lesser weights become zero.
    mutating func compute(
        _ logits: UnsafeBufferPointer<Float>, best: Float, temperature: Float, floor: Float
    ) {
        let blocks = (logits.count + Self.blockTokens - 1) / Self.blockTokens
        if blockSums.count != blocks {
            values = [Float](repeating: 0, count: blocks * Self.blockTokens)
            blockSums = [Double](repeating: 0, count: blocks)
        }
        values.withUnsafeMutableBufferPointer { values in
            for block in 0..<blocks {
                var sum = SIMD8<Float>.zero
                let start = block * Self.blockTokens
                for index in stride(from: start, to: start + Self.blockTokens, by: 8) {
                    let weights = Self.exponential(
                        (Self.load(logits, index, beyond: -.infinity) - best) / temperature, floor: floor)
                    Self.store(weights, values, index)
                    sum += weights
                }
                blockSums[block] = Double(sum.sum())
            }
        }
        total = blockSums.reduce(0, +)
    }

    /// Eight elements from `index` on; past the end, `beyond`.
    static func load(_ values: UnsafeBufferPointer<Float>, _ index: Int, beyond: Float) -> SIMD8<Float> {
        if index + 8 <= values.count {
            return UnsafeRawBufferPointer(values).loadUnaligned(
                fromByteOffset: 4 * index, as: SIMD8<Float>.self)
        }
        var eight = SIMD8<Float>(repeating: beyond)
        for lane in 0..<max(0, values.count - index) { eight[lane] = values[index + lane] }
        return eight
    }

    private static func store(
        _ eight: SIMD8<Float>, _ values: UnsafeMutableBufferPointer<Float>, _ index: Int
    ) {
        UnsafeMutableRawBufferPointer(values).storeBytes(
            of: eight, toByteOffset: 4 * index, as: SIMD8<Float>.self)
    }

    /// eˣ for x ≤ 0 within 3 units in the last place; 0 where it is less than `floor` or where x is below -87,
    /// above 0 or not a number.
    package static func exponential(_ x: SIMD8<Float>, floor: Float) -> SIMD8<Float> {
        let inRange = (x .>= -87) .& (x .<= 0)
        let x = x.replacing(with: 0, where: .!inRange)
        // x = n · ln 2 + r with |r| ≤ ln 2 / 2. Adding 1.5 · 2²³ rounds to an integer in the low bits of the sum.
        let magic: Float = 0x1.8p23
        let shifted = x * 1.442_695_04 + magic
        let n = shifted - magic
        let r = x - n * 0.693_359_375 + n * 2.121_944_4e-4  // ln 2 in two parts; the first times n is exact
        // The Taylor series to the seventh power: its error, r⁸ / 8!, is below 6e-9.
        var e = r * (1 / 5040) + 1 / 720
        e = e * r + 1 / 120
        e = e * r + 1 / 24
        e = e * r + 1 / 6
        e = e * r + 0.5
        e = e * r + 1
        e = e * r + 1
        let power =
            (unsafeBitCast(shifted, to: SIMD8<Int32>.self) &- Int32(bitPattern: magic.bitPattern) &+ 127)
            &<< 23
        let result = e * unsafeBitCast(power, to: SIMD8<Float>.self)
        return result.replacing(with: 0, where: .!inRange .| (result .< floor))
    }
}
