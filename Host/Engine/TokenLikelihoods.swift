import Foundation

/// A token and the logarithm of its probability.
public struct TokenLikelihood: Sendable, Equatable {
    public var id: Int32
    public var logprob: Float

    public init(id: Int32, logprob: Float) {
        self.id = id
        self.logprob = logprob
    }
}

/// Computes how likely tokens are by the model's own word: at temperature 1, before penalties, bias and filters. Holds
/// scratch memory only.
package struct TokenLikelihoods {
    private var weights = SoftmaxWeights()

    package init() {}

    /// The likelihood of `token`, and the `count` most likely ones, greater first, the lower id among equals. Logits
    /// that are not finite are as if they were not there.
    ///
    /// - Precondition: The logit of `token` is finite.
    package mutating func compute(
        _ logits: UnsafeBufferPointer<Float>, token: Int32, count: Int
    ) -> (token: TokenLikelihood, most: [TokenLikelihood]) {
        let best = Sampler.mostLikely(logits).map { logits[$0] } ?? 0
        weights.compute(logits, best: best, temperature: 1, floor: 0)
        let logTotal = log(weights.total)
        func likelihood(_ id: Int32) -> TokenLikelihood {
            TokenLikelihood(id: id, logprob: Float(Double(logits[Int(id)] - best) - logTotal))
        }
        return (likelihood(token), Self.greatest(count, of: logits).map(likelihood))
    }

    /// Where the greatest finite logits stand, in falling order.
    private static func greatest(_ count: Int, of logits: UnsafeBufferPointer<Float>) -> [Int32] {
        guard count > 0 else { return [] }
        var greatest: [Int32] = []
        for (index, logit) in logits.enumerated() where logit.isFinite {
            if greatest.count == count {
                guard let last = greatest.last, logit > logits[Int(last)] else { continue }
                greatest.removeLast()
            }
            let place = greatest.firstIndex { logits[Int($0)] < logit } ?? greatest.count
            greatest.insert(Int32(index), at: place)
        }
        return greatest
    }
}
