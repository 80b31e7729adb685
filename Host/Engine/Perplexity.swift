import Decoder
import Foundation

/// How well a decoder foretells a text.
public struct Perplexity: Sendable, Equatable {
    /// e to the mean of -log p(token | tokens before it).
    public let perplexity: Double
    /// Of `perplexity`, from the spread of the logarithms, as if they were independent.
    public let standardError: Double
    /// Tokens that were foretold.
    public let count: Int

    /// - Parameter losses: -log p of each token; at least one.
    init(losses: [Double]) {
        let mean = losses.reduce(0, +) / Double(losses.count)
        let variance = losses.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(max(1, losses.count - 1))
        count = losses.count
        perplexity = exp(mean)
        standardError = perplexity * (variance / Double(losses.count)).squareRoot()
    }
}

extension DecoderModel {
    /// The perplexity of a text that is read in windows of `window` tokens, each half a window further on: a token counts
    /// where at least half a window lies before it, those of the first window all but the first.
    public func perplexity(of tokens: [Int32], window: Int) throws -> Perplexity {
        guard tokens.count > 1 else { throw EngineError.emptyPrompt }
        precondition(window > 1)
        var losses: [Double] = []
        // The first token that has not been foretold.
        var next = 1
        var start = 0
        while next < tokens.count {
            let rows = Array(tokens[start..<min(start + window, tokens.count)])
            var position = start
            try logits(rows) { chunk in
                for first in stride(from: 0, to: chunk.count, by: vocabulary) {
                    position += 1
                    guard position >= next, position < start + rows.count else { continue }
                    let row = UnsafeBufferPointer(rebasing: chunk[first..<first + vocabulary])
                    losses.append(Self.loss(row, of: Int(tokens[position])))
                }
            }
            next = start + rows.count
            start = next - window / 2
        }
        return Perplexity(losses: losses)
    }

    /// -log of the softmax at `token`, in float64.
    private static func loss(_ logits: UnsafeBufferPointer<Float>, of token: Int) -> Double {
        let largest = Double(logits.max() ?? 0)
        let sum = logits.reduce(0.0) { $0 + exp(Double($1) - largest) }
        return largest + log(sum) - Double(logits[token])
    }
}
