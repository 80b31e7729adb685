import CKernels
import Weights

/// The llama family: RMSNorm before attention and before the feed-forward network, rotary positions,
/// grouped-query attention, SwiGLU, output tied to the embedding or its own.
enum Llama {
    static func plan(_ file: GGUFFile) throws -> DecoderPlan {
        let weights = WeightTable(file)
        let configuration = try Configuration(file.metadata)
        let hidden = configuration.hidden

        let embeddingName = "token_embd.weight"
        // Files pad the vocabulary differently, so the tensor itself says how many rows it has.
        let vocabulary = weights.rows(embeddingName) ?? configuration.vocabulary ?? 0
        guard vocabulary <= Int(Int32.max) else {
            throw DecoderError.unsupported(
                path: file.path, field: embeddingName, expected: "fewer than 2^31 rows",
                found: "\(vocabulary)")
        }
        let embedding = try weights.matrix(embeddingName, rows: vocabulary, columns: hidden)
        let outputNorm = try weights.vector("output_norm.weight", count: hidden)
        let output =
            weights.contains("output.weight")
            ? try weights.matrix("output.weight", rows: vocabulary, columns: hidden) : embedding
        let ropeFactors = try ropeFactors(configuration, weights)

        var layers: [gh_layer] = []
        for index in 0..<configuration.layers {
            layers.append(try layer(index, configuration, weights))
        }
        try weights.checkAllTaken(family: "llama")

        let description = gh_model_desc(
            layer_count: UInt32(configuration.layers), hidden: UInt32(hidden),
            heads: UInt32(configuration.heads),
            kv_heads: UInt32(configuration.keyValueHeads), head_dim: UInt32(configuration.headDimensions),
            ffn: UInt32(configuration.feedForward), vocabulary: UInt32(vocabulary),
            rope_dims: UInt32(configuration.ropeDimensions),
            // Converters permute the rows of query and key of this family so that pairs lie next to each other.
            rope_pairing: GH_ROPE_INTERLEAVED.rawValue,
            rope_base: configuration.ropeBase, rope_factors: ropeFactors,
            rope_sections: (0, 0, 0), norm_epsilon: configuration.normEpsilon, embedding: embedding,
            output_norm: outputNorm, output: output, output_first: 0, reserved: 0, layers: nil)
        return DecoderPlan(
            description: description, layers: layers, weights: weights, family: "llama",
            contextLength: configuration.contextLength)
    }

    private static func layer(
        _ index: Int, _ configuration: Configuration, _ weights: WeightTable
    ) throws(DecoderError) -> gh_layer {
        let hidden = configuration.hidden
        let queryWidth = configuration.heads * configuration.headDimensions
        let keyWidth = configuration.keyValueHeads * configuration.headDimensions
        let feedForward = configuration.feedForward
        let prefix = "blk.\(index)."
        return gh_layer(
            attention_norm: try weights.vector(prefix + "attn_norm.weight", count: hidden),
            query: try weights.matrix(prefix + "attn_q.weight", rows: queryWidth, columns: hidden),
            key: try weights.matrix(prefix + "attn_k.weight", rows: keyWidth, columns: hidden),
            value: try weights.matrix(prefix + "attn_v.weight", rows: keyWidth, columns: hidden),
            attention_output: try weights.matrix(
                prefix + "attn_output.weight", rows: hidden, columns: queryWidth),
            attention_post_norm: nil,
            ffn_norm: try weights.vector(prefix + "ffn_norm.weight", count: hidden),
            gate: try weights.matrix(prefix + "ffn_gate.weight", rows: feedForward, columns: hidden),
            up: try weights.matrix(prefix + "ffn_up.weight", rows: feedForward, columns: hidden),
            down: try weights.matrix(prefix + "ffn_down.weight", rows: hidden, columns: feedForward),
            ffn_post_norm: nil)
    }

    /// Divisors of the rotary frequencies: those in the file (Llama 3), times the factor of linear scaling.
    private static func ropeFactors(
        _ configuration: Configuration, _ weights: WeightTable
    ) throws(DecoderError) -> UnsafePointer<Float>? {
        let pairs = configuration.ropeDimensions / 2
        let stored =
            weights.contains("rope_freqs.weight")
            ? try weights.vector("rope_freqs.weight", count: pairs) : nil
        guard configuration.ropeScaling != 1 else { return stored }
        return weights.keep((0..<pairs).map { (stored?[$0] ?? 1) * configuration.ropeScaling })
    }
}

extension Llama {
    /// Sizes and constants, from the metadata under `llama.`.
    struct Configuration {
        var layers: Int
        var hidden: Int
        var heads: Int
        var keyValueHeads: Int
        var headDimensions: Int
        var feedForward: Int
        var vocabulary: Int?
        var contextLength: Int
        var ropeDimensions: Int
        var ropeBase: Float
        /// Positions are divided by this.
        var ropeScaling: Float
        var normEpsilon: Float

        init(_ metadata: GGUFMetadata) throws {
            func unsupported(_ key: String, _ expected: String, _ found: String) -> DecoderError {
                .unsupported(path: metadata.path, field: key, expected: expected, found: found)
            }
            func size(_ key: String, default standard: Int? = nil, most: Int = 1 << 20) throws -> Int {
                let value = try metadata.integer(key) ?? standard ?? metadata.require(key, metadata.integer)
                guard (1...most).contains(value) else {
                    throw unsupported(key, "a number from 1 to \(most)", "\(value)")
                }
                return value
            }
            func number(_ key: String, default standard: Double? = nil) throws -> Float {
                let value = try metadata.float(key) ?? standard ?? metadata.require(key, metadata.float)
                guard value > 0, Float(value).isFinite else {
                    throw unsupported(key, "a number above 0", "\(value)")
                }
                return Float(value)
            }

            layers = try size("llama.block_count")
            hidden = try size("llama.embedding_length")
            heads = try size("llama.attention.head_count")
            keyValueHeads = try size("llama.attention.head_count_kv", default: heads)
            guard heads.isMultiple(of: keyValueHeads) else {
                throw unsupported(
                    "llama.attention.head_count_kv", "a divisor of \(heads) heads", "\(keyValueHeads)")
            }
            headDimensions = try size("llama.attention.key_length", default: hidden / heads)
            guard headDimensions.isMultiple(of: 2) else {
                throw unsupported("llama.attention.key_length", "an even number", "\(headDimensions)")
            }
            let valueDimensions = try size("llama.attention.value_length", default: headDimensions)
            guard valueDimensions == headDimensions else {
                throw unsupported(
                    "llama.attention.value_length", "\(headDimensions), as for keys", "\(valueDimensions)")
            }
            feedForward = try size("llama.feed_forward_length")
            if let experts = try metadata.integer("llama.expert_count"), experts > 0 {
                throw unsupported("llama.expert_count", "a model without experts", "\(experts) experts")
            }
            vocabulary = try metadata.integer("llama.vocab_size")
            contextLength = try size("llama.context_length", most: Int(Int32.max))

            ropeDimensions = try size("llama.rope.dimension_count", default: headDimensions)
            guard ropeDimensions.isMultiple(of: 2), ropeDimensions <= headDimensions else {
                throw unsupported(
                    "llama.rope.dimension_count", "an even number up to \(headDimensions)",
                    "\(ropeDimensions)")
            }
            ropeBase = try number("llama.rope.freq_base", default: 10_000)
            switch try metadata.string("llama.rope.scaling.type") {
            case nil, "none": ropeScaling = 1
            case "linear": ropeScaling = try number("llama.rope.scaling.factor")
            case .some(let other): throw unsupported("llama.rope.scaling.type", "none or linear", other)
            }
            normEpsilon = try number("llama.attention.layer_norm_rms_epsilon")
        }
    }
}
