import CKernels
import Foundation
import Reference

extension TinyDecoder {
    /// The same decoder in the reference engine.
    var reference: ReferenceDecoder {
        func linear(_ matrix: RandomMatrix, _ bias: [Float] = []) -> Linear {
            Linear(matrix.values, bias: bias.isEmpty ? nil : bias)
        }
        func post(_ norm: [Float]) -> [Float]? { norm.isEmpty ? nil : norm }
        return ReferenceDecoder(
            heads: shape.heads, keyValueHeads: shape.kvHeads, hidden: shape.hidden,
            rotary: Rotary(
                width: shape.ropeDims, base: Double(ropeBase),
                pairing: shape.pairing == GH_ROPE_INTERLEAVED ? .interleaved : .halves,
                divisors: shape.ropeFactors.map(Double.init), sections: shape.ropeSections.map(Int.init)),
            normEpsilon: Double(normEpsilon), embedding: embedding.values,
            layers: layers.map { layer in
                ReferenceDecoder.Layer(
                    attentionNorm: layer.attentionNorm, query: linear(layer.query, layer.queryBias),
                    key: linear(layer.key, layer.keyBias), value: linear(layer.value, layer.valueBias),
                    attentionOutput: linear(layer.attentionOutput),
                    postAttentionNorm: post(layer.attentionPostNorm), feedForwardNorm: layer.ffnNorm,
                    gate: linear(layer.gate), up: linear(layer.up), down: linear(layer.down),
                    postFeedForwardNorm: post(layer.ffnPostNorm))
            },
            outputNorm: outputNorm, output: linear(output))
    }
}

extension ReferencePrompt {
    /// A prompt in the words of a step.
    /// - Parameter positions: `[tokens, 3]`; nil counts from 0 on every axis.
    init(_ tokens: [Int32], positions: [Int32]? = nil, gates: [gh_gated_span] = []) {
        self.init(
            rows: tokens.map { .token(Int($0)) },
            positions: positions.map { positions in
                tokens.indices.map { row in (0..<3).map { Int(positions[3 * row + $0]) } }
            },
            gates: gates.map { gate in
                Gate(segment: Int(gate.begin)..<Int(gate.end), weight: exp(Double(gate.log_weight)))
            })
    }
}
