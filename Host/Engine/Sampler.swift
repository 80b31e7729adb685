import Decoder

/// Draws tokens from logits. Holds scratch memory only: what it draws depends on its arguments alone.
package struct Sampler {
    private var weights = SoftmaxWeights()
    private var kept: [Candidate] = []

    package init() {}

    /// Draws the token that follows `position`, or nil where no logit is finite.
    ///
    /// - Parameters:
    ///   - seed: With `choice` and `position` it determines the random number.
    ///   - position: Of the row that gave the logits, counted from the start of the prompt.
    package mutating func draw(
        _ logits: UnsafeBufferPointer<Float>, _ sampling: Sampling, seed: UInt64, choice: Int, position: Int
    ) -> Int32? {
        guard let best = Self.mostLikely(logits) else { return nil }
        guard sampling.temperature > 0 else { return Int32(best) }

        let random = Self.uniform(seed: seed, choice: choice, position: position)
        let needsOrder = sampling.topK > 0 || sampling.topP < 1
        // A weight is a share of the most likely token, so min p is a floor under it. Where top p counts, it counts
        // what min p is yet to drop.
        weights.compute(
            logits, best: logits[best], temperature: sampling.temperature,
            floor: needsOrder ? 0 : sampling.minP)
        guard needsOrder else { return pickFromAll(random) }
        keepMostLikely(sampling)
        kept.removeAll { $0.weight < sampling.minP }
        return pickFromKept(random)
    }

    /// A number in 0 ..< 1 that depends on the three arguments only.
    package static func uniform(seed: UInt64, choice: Int, position: Int) -> Double {
        let stream = splitmix64(splitmix64(seed) ^ UInt64(bitPattern: Int64(choice)))
        let bits = splitmix64(stream ^ UInt64(bitPattern: Int64(position)))
        return Double(bits >> 11) * 0x1p-53
    }

    /// Where the greatest finite logit stands, the first among equals.
    static func mostLikely(_ logits: UnsafeBufferPointer<Float>) -> Int? {
        var best = SIMD8<Float>(repeating: -.infinity)
        for index in stride(from: 0, to: logits.count, by: 8) {
            let eight = SoftmaxWeights.load(logits, index, beyond: -.infinity)
            best.replace(with: eight, where: (eight .> best) .& (eight .< .infinity))
        }
        let greatest = best.max()
        return greatest.isFinite ? logits.firstIndex(of: greatest) : nil
    }

    /// Puts into `kept`, most likely first, what top k and top p leave.
    private mutating func keepMostLikely(_ sampling: Sampling) {
        // The tokens above a bound are the most likely ones; a low enough bound is found in a few passes, and only
        // what lies above it is sorted instead of the vocabulary.
        for bound: Float in [0.4, 0.1, 0.02, 1e-3, 1e-5, 1e-9, .leastNonzeroMagnitude] {
            collect(from: bound)
            let isEnough =
                sampling.topK > 0
                ? kept.count >= sampling.topK : sum(kept) >= Double(sampling.topP) * weights.total
            if isEnough { break }
        }
        kept.sort { $0.precedes($1) }
        if sampling.topK > 0, sampling.topK < kept.count { kept.removeSubrange(sampling.topK...) }
        guard sampling.topP < 1 else { return }

        let limit = Double(sampling.topP) * (sampling.topK > 0 ? sum(kept) : weights.total)
        var reached = 0.0
        let last = kept.firstIndex { candidate in
            reached += Double(candidate.weight)
            return reached >= limit
        }
        if let last { kept.removeSubrange((last + 1)...) }
    }

    private mutating func collect(from bound: Float) {
        kept.removeAll(keepingCapacity: true)
        weights.values.withUnsafeBufferPointer { values in
            for start in stride(from: 0, to: values.count, by: 8) {
                let eight = SoftmaxWeights.load(values, start, beyond: 0)
                guard eight.max() >= bound else { continue }
                for lane in 0..<8 where eight[lane] >= bound {
                    kept.append(Candidate(weight: eight[lane], token: Int32(start + lane)))
                }
            }
        }
    }

    private func sum(_ candidates: [Candidate]) -> Double {
        candidates.reduce(0) { $0 + Double($1.weight) }
    }

    /// The token at which the running sum of weights passes the random share of them all.
    private func pickFromKept(_ random: Double) -> Int32? {
        let target = random * sum(kept)
        var reached = 0.0
        for candidate in kept {
            reached += Double(candidate.weight)
            if reached > target { return candidate.token }
        }
        return kept.last?.token
    }

    /// The same over the whole vocabulary in the order of ids: first the block, then the token in it.
    private func pickFromAll(_ random: Double) -> Int32? {
        let target = random * weights.total
        var reached = 0.0
        // Sums in another order round differently, so a block may fall short by a hair; then it is its last token.
        var block = 0
        for (index, sum) in weights.blockSums.enumerated() where sum > 0 {
            block = index
            guard reached + sum <= target else { break }
            reached += sum
        }
        var token: Int32?
        let start = block * SoftmaxWeights.blockTokens
        for index in start..<start + SoftmaxWeights.blockTokens where weights.values[index] > 0 {
            token = Int32(index)
            reached += Double(weights.values[index])
            if reached > target { break }
        }
        return token
    }
}

/// A token and its probability over that of the most likely one.
struct Candidate {
    var weight: Float
    var token: Int32

    /// Greater weights first, lower ids among equals, so that the order is total.
    func precedes(_ other: Candidate) -> Bool {
        weight > other.weight || (weight == other.weight && token < other.token)
    }
}
