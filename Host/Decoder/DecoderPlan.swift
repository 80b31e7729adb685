import CKernels
import Weights

/// A decoder as a family reads it from its files: what the backend needs to build it, and what others ask about it.
struct DecoderPlan {
    /// Without its `layers`, which stand below.
    var description: gh_model_desc
    var layers: [gh_layer]
    /// Keeps alive what `description` and `layers` point to.
    var weights: WeightTable
    var family: String
    /// Tokens the model was trained for.
    var contextLength: Int

    /// Bytes of the weights that a step reads whatever it is for: all but the embedding, of which it takes single rows.
    var stepBytes: Int {
        let hidden = Int(description.hidden) * MemoryLayout<Float>.stride
        return layers.reduce(description.output.byteCount + hidden) { bytes, layer in
            let matrices = [
                layer.query, layer.key, layer.value, layer.attention_output, layer.gate, layer.up, layer.down,
            ]
            let norms = [
                layer.attention_norm, layer.attention_post_norm, layer.ffn_norm, layer.ffn_post_norm,
            ]
            return bytes + matrices.reduce(0) { $0 + $1.byteCount } + norms.count { $0 != nil } * hidden
        }
    }
}

extension gh_matrix {
    /// Bytes of its blocks and its bias, without gaps between rows.
    fileprivate var byteCount: Int {
        let blocks = Int(rows) * Int(cols) / Int(gh_type_block_size(type))
        return blocks * Int(gh_type_block_bytes(type))
            + (bias == nil ? 0 : Int(rows) * MemoryLayout<Float>.stride)
    }
}

/// What a family's files call its tensors, without `.weight` and `.bias`.
struct TensorNames {
    var embedding: String
    var outputNorm: String
    /// May be absent: the output is then the embedding.
    var output: String
    var layer: (Int) -> LayerNames
}

/// The tensors of one block.
struct LayerNames {
    var attentionNorm: String
    var query: String
    var key: String
    var value: String
    var attentionOutput: String
    /// nil where the family has no norm there.
    var attentionPostNorm: String?
    var ffnNorm: String
    /// Equal to `up` where both lie in one tensor, `[2 · feedForward, hidden]`, gate first.
    var gate: String
    var up: String
    var down: String
    var ffnPostNorm: String?
}

extension DecoderPlan {
    /// Takes the tensors of one part of a decoder.
    init(
        family: String, shape: DecoderShape, names: TensorNames, weights: WeightTable, shard: Shard
    ) throws {
        try shard.check(shape, path: weights.path)
        let embeddingName = names.embedding + ".weight"
        let vocabulary = weights.rows(embeddingName) ?? shape.vocabulary ?? 0
        guard vocabulary <= Int(Int32.max) else {
            throw DecoderError.unsupported(
                path: weights.path, field: embeddingName, expected: "fewer than 2^31 rows",
                found: "\(vocabulary)")
        }
        let outputRows = shard.rows(of: vocabulary)
        let output = try weights.matrix(
            shape.isTied ? embeddingName : names.output + ".weight", rows: vocabulary, columns: shape.hidden,
            part: .rows(outputRows), isVocabulary: true)
        let rotary = shape.rotary
        let sections = (rotary.sections ?? [0, 0, 0]).map(UInt32.init)

        description = gh_model_desc(
            layer_count: UInt32(shape.layers), hidden: UInt32(shape.hidden),
            heads: UInt32(shape.heads / shard.count),
            kv_heads: UInt32(shard.keyValueHeads(of: shape).count), head_dim: UInt32(shape.headDimensions),
            ffn: UInt32(shape.feedForward / shard.count), vocabulary: UInt32(vocabulary),
            rope_dims: UInt32(rotary.dimensions), rope_pairing: rotary.pairing.rawValue,
            rope_base: rotary.base, rope_factors: rotary.factors.flatMap(weights.keep),
            rope_sections: (sections[0], sections[1], sections[2]), norm_epsilon: shape.normEpsilon,
            embedding: try weights.matrix(
                embeddingName, rows: vocabulary, columns: shape.hidden, isVocabulary: true),
            output_norm: try weights.vector(names.outputNorm + ".weight", count: shape.hidden),
            output: output, output_first: UInt32(outputRows.lowerBound), reserved: 0, layers: nil)
        layers = try (0..<shape.layers).map { index in
            try BlockReader(shape: shape, weights: weights, shard: shard).layer(names.layer(index))
        }
        self.weights = weights
        self.family = family
        contextLength = shape.contextLength
    }
}

/// Takes the tensors of one block.
private struct BlockReader {
    let shape: DecoderShape
    let weights: WeightTable
    let shard: Shard

    func layer(_ names: LayerNames) throws -> gh_layer {
        let head = shape.headDimensions
        let keyValueHeads = shard.keyValueHeads(of: shape)
        let keyRows = keyValueHeads.lowerBound * head..<keyValueHeads.upperBound * head
        let queryRows = shard.range(of: shape.heads * head)
        let inner = shard.range(of: shape.feedForward)
        let isFused = names.gate == names.up
        let innerRows = isFused ? 2 * shape.feedForward : shape.feedForward
        let upRows =
            isFused ? inner.lowerBound + shape.feedForward..<inner.upperBound + shape.feedForward : inner
        let needsBias = shape.needsAttentionBias

        return gh_layer(
            attention_norm: try norm(names.attentionNorm),
            query: try outputs(names.query, of: shape.heads * head, queryRows, needsBias: needsBias),
            key: try outputs(names.key, of: shape.keyValueHeads * head, keyRows, needsBias: needsBias),
            value: try outputs(names.value, of: shape.keyValueHeads * head, keyRows, needsBias: needsBias),
            attention_output: try inputs(names.attentionOutput, of: shape.heads * head, queryRows),
            attention_post_norm: try names.attentionPostNorm.flatMap(norm),
            ffn_norm: try norm(names.ffnNorm),
            gate: try outputs(names.gate, of: innerRows, inner),
            up: try outputs(names.up, of: innerRows, upRows),
            down: try inputs(names.down, of: shape.feedForward, inner),
            ffn_post_norm: try names.ffnPostNorm.flatMap(norm))
    }

    private func norm(_ name: String) throws(DecoderError) -> UnsafePointer<Float>? {
        try weights.vector(name + ".weight", count: shape.hidden)
    }

    /// Some of the outputs of a matrix `[total, hidden]`.
    private func outputs(
        _ name: String, of total: Int, _ rows: Range<Int>, needsBias: Bool = false
    ) throws -> gh_matrix {
        try weights.matrix(
            name + ".weight", rows: total, columns: shape.hidden, part: .rows(rows),
            bias: needsBias || weights.contains(name + ".bias") ? name + ".bias" : nil)
    }

    /// Some of the inputs of a matrix `[hidden, total]`, whose outputs the parts add up: the first brings the bias.
    private func inputs(
        _ name: String, of total: Int, _ columns: Range<Int>
    ) throws -> gh_matrix {
        let bias = weights.contains(name + ".bias") ? name + ".bias" : nil
        var matrix = try weights.matrix(
            name + ".weight", rows: shape.hidden, columns: total, part: .columns(columns), bias: bias)
        if shard.index > 0 { matrix.bias = nil }
        return matrix
    }
}
