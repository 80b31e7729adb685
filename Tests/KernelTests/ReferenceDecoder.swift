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

    /// Rotates each head of `x`, after RoFormer (Su et al., 2021), equation 34.
    private func rotate(_ x: [Double], position: Int) -> [Double] {
        let shape = decoder.shape
        var x = x
        for head in stride(from: 0, to: x.count, by: shape.headDim) {
            for i in 0..<shape.ropeDims / 2 {
                let factor = shape.ropeFactors.isEmpty ? 1 : Double(shape.ropeFactors[i])
                let frequency =
                    pow(Double(decoder.ropeBase), -2 * Double(i) / Double(shape.ropeDims)) / factor
                let angle = Double(position) * frequency
                let interleaved = shape.pairing == GH_ROPE_INTERLEAVED
                let a = head + (interleaved ? 2 * i : i)
                let b = interleaved ? a + 1 : a + shape.ropeDims / 2
                (x[a], x[b]) = (x[a] * cos(angle) - x[b] * sin(angle), x[a] * sin(angle) + x[b] * cos(angle))
            }
        }
        return x
    }

    /// Logits of every position, `[tokens, vocabulary]`.
    func logits(_ tokens: [Int32]) -> [[Double]] {
        let shape = decoder.shape
        let embeddings = decoder.embedding.values
        var residual = tokens.map { token in
            embeddings[Int(token) * shape.hidden..<(Int(token) + 1) * shape.hidden].map(Double.init)
        }
        for layer in decoder.layers {
            let normed = residual.map { norm($0, layer.attentionNorm) }
            let queries = normed.indices.map { rotate(multiply(layer.query, normed[$0]), position: $0) }
            let keys = normed.indices.map { rotate(multiply(layer.key, normed[$0]), position: $0) }
            let values = normed.map { multiply(layer.value, $0) }
            for row in residual.indices {
                let attended = attend(queries[row], Array(keys[...row]), Array(values[...row]))
                let change = multiply(layer.attentionOutput, attended)
                residual[row] = zip(residual[row], change).map(+)
            }
            for row in residual.indices {
                let normed = norm(residual[row], layer.ffnNorm)
                let gate = multiply(layer.gate, normed).map { $0 / (1 + exp(-$0)) }
                let up = multiply(layer.up, normed)
                residual[row] = zip(residual[row], multiply(layer.down, zip(gate, up).map(*))).map(+)
            }
        }
        return residual.map { multiply(decoder.output, norm($0, decoder.outputNorm)) }
    }

    private func attend(_ query: [Double], _ keys: [[Double]], _ values: [[Double]]) -> [Double] {
        let shape = decoder.shape
        let dim = shape.headDim
        return (0..<shape.heads).flatMap { head -> [Double] in
            let kvHead = head / (shape.heads / shape.kvHeads)
            let scores = keys.map { key in
                (0..<dim).reduce(0) { $0 + query[head * dim + $1] * key[kvHead * dim + $1] }
                    / Double(dim).squareRoot()
            }
            let largest = scores.max() ?? 0
            let weights = scores.map { exp($0 - largest) }
            let sum = weights.reduce(0, +)
            return (0..<dim).map { d in
                zip(weights, values).reduce(0) { $0 + $1.0 * $1.1[kvHead * dim + d] } / sum
            }
        }
    }
}
