import CKernels
import Foundation

/// The decoder of `gh_model_desc` in float64, written from the description's formulas and nothing else: no pages,
/// no tiles, no cache. The oracle of the step tests.
struct ReferenceDecoder {
    let decoder: TinyDecoder

    /// y[o] = Σ_i w[o][i] · x[i].
    private func multiply(_ weights: RandomMatrix, _ x: [Double]) -> [Double] {
        let values = weights.values
        return stride(from: 0, to: values.count, by: x.count).map { row in
            x.indices.reduce(0) { $0 + Double(values[row + $1]) * x[$1] }
        }
    }

    private func norm(_ x: [Double], _ weight: [Float]) -> [Double] {
        let mean = x.reduce(0) { $0 + $1 * $1 } / Double(x.count)
        let scale = 1 / (mean + Double(decoder.normEpsilon)).squareRoot()
        return zip(x, weight).map { $0 * scale * Double($1) }
    }

    /// Rotates each head of `x`, after RoFormer (Su et al., 2021), equation 34. Pair i turns by the axis of `position`
    /// whose section it is in.
    private func rotate(_ x: [Double], position: [Int32]) -> [Double] {
        let shape = decoder.shape
        let axes =
            shape.ropeSections.isEmpty
            ? [Int](repeating: 0, count: shape.ropeDims / 2)
            : shape.ropeSections.enumerated().flatMap { [Int](repeating: $0, count: Int($1)) }
        var x = x
        for head in stride(from: 0, to: x.count, by: shape.headDim) {
            for i in 0..<shape.ropeDims / 2 {
                let factor = shape.ropeFactors.isEmpty ? 1 : Double(shape.ropeFactors[i])
                let frequency =
                    pow(Double(decoder.ropeBase), -2 * Double(i) / Double(shape.ropeDims)) / factor
                let angle = Double(position[axes[i]]) * frequency
                let interleaved = shape.pairing == GH_ROPE_INTERLEAVED
                let a = head + (interleaved ? 2 * i : i)
                let b = interleaved ? a + 1 : a + shape.ropeDims / 2
                (x[a], x[b]) = (x[a] * cos(angle) - x[b] * sin(angle), x[a] * sin(angle) + x[b] * cos(angle))
            }
        }
        return x
    }

    /// Logits of every position, `[tokens, vocabulary]`.
    ///
    /// - Parameters:
    ///   - positions: `[tokens, axes]`; nil counts from 0 on every axis.
    ///   - gates: The exponential of a span's weight multiplies the unnormalised attention that rows after the span
    ///     pay to it.
    func logits(
        _ tokens: [Int32], positions: [Int32]? = nil, gates: [gh_gated_span] = []
    ) -> [[Double]] {
        let shape = decoder.shape
        let places = positions ?? shape.positions(0..<tokens.count)
        let position = tokens.indices.map { Array(places[shape.axes * $0..<shape.axes * ($0 + 1)]) }
        let embeddings = decoder.embedding.values
        var residual = tokens.map { token in
            embeddings[Int(token) * shape.hidden..<(Int(token) + 1) * shape.hidden].map(Double.init)
        }
        for layer in decoder.layers {
            let normed = residual.map { norm($0, layer.attentionNorm) }
            let queries = normed.indices.map {
                rotate(add(multiply(layer.query, normed[$0]), layer.queryBias), position: position[$0])
            }
            let keys = normed.indices.map {
                rotate(add(multiply(layer.key, normed[$0]), layer.keyBias), position: position[$0])
            }
            let values = normed.map { add(multiply(layer.value, $0), layer.valueBias) }
            for row in residual.indices {
                let shares = (0...row).map { key -> Double in
                    let gate = gates.first { $0.begin <= key && key < $0.end && row >= $0.end }
                    return exp(Double(gate?.log_weight ?? 0))
                }
                let attended = attend(queries[row], Array(keys[...row]), Array(values[...row]), shares)
                let change = multiply(layer.attentionOutput, attended)
                residual[row] = zip(residual[row], post(change, layer.attentionPostNorm)).map(+)
            }
            for row in residual.indices {
                let normed = norm(residual[row], layer.ffnNorm)
                let gate = multiply(layer.gate, normed).map { $0 / (1 + exp(-$0)) }
                let up = multiply(layer.up, normed)
                let change = multiply(layer.down, zip(gate, up).map(*))
                residual[row] = zip(residual[row], post(change, layer.ffnPostNorm)).map(+)
            }
        }
        return residual.map { multiply(decoder.output, norm($0, decoder.outputNorm)) }
    }

    private func add(_ x: [Double], _ bias: [Float]) -> [Double] {
        bias.isEmpty ? x : zip(x, bias).map { $0 + Double($1) }
    }

    private func post(_ x: [Double], _ weight: [Float]) -> [Double] {
        weight.isEmpty ? x : norm(x, weight)
    }

    /// - Parameter shares: What multiplies the unnormalised attention to each key.
    private func attend(
        _ query: [Double], _ keys: [[Double]], _ values: [[Double]], _ shares: [Double]
    ) -> [Double] {
        let shape = decoder.shape
        let dim = shape.headDim
        return (0..<shape.heads).flatMap { head -> [Double] in
            let kvHead = head / (shape.heads / shape.kvHeads)
            let scores = keys.map { key in
                (0..<dim).reduce(0) { $0 + query[head * dim + $1] * key[kvHead * dim + $1] }
                    / Double(dim).squareRoot()
            }
            let largest = scores.max() ?? 0
            let weights = zip(scores, shares).map { exp($0 - largest) * $1 }
            let sum = weights.reduce(0, +)
            return (0..<dim).map { d in
                zip(weights, values).reduce(0) { $0 + $1.0 * $1.1[kvHead * dim + d] } / sum
            }
        }
    }
}
