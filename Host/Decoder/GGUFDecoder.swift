import CKernels
import Weights

// What decoders in GGUF files have in common, whatever the family: the names of hyperparameters and tensors.

/// The metadata of a decoder, whose keys begin with its architecture.
struct GGUFHyperparameters: Hyperparameters {
    let metadata: GGUFMetadata
    let architecture: String

    var path: String { metadata.path }

    func field(_ key: String) -> String { key }
    func key(_ name: String) -> String { "\(architecture).\(name)" }
    func integer(_ key: String) throws -> Int? { try metadata.integer(key) }
    func number(_ key: String) throws -> Double? { try metadata.float(key) }
}

extension DecoderShape {
    /// - Parameters:
    ///   - tensors: Where `rope_freqs.weight` may lie.
    ///   - pairing: How the file's family pairs the dimensions that turn together.
    init(_ file: GGUFHyperparameters, _ tensors: WeightTable, pairing: gh_rope_pairing) throws {
        layers = try file.size(file.key("block_count"))
        hidden = try file.size(file.key("embedding_length"))
        heads = try file.size(file.key("attention.head_count"))
        keyValueHeads = try file.keyValueHeads(file.key("attention.head_count_kv"), heads: heads)
        headDimensions = try file.headDimensions(
            file.key("attention.key_length"), hidden: hidden, heads: heads)
        let valueDimensions = try file.size(file.key("attention.value_length"), default: headDimensions)
        guard valueDimensions == headDimensions else {
            throw file.unsupported(
                file.key("attention.value_length"), "\(headDimensions), as for keys", "\(valueDimensions)")
        }
        feedForward = try file.size(file.key("feed_forward_length"))
        if let experts = try file.integer(file.key("expert_count")), experts > 0 {
            throw file.unsupported(file.key("expert_count"), "a model without experts", "\(experts) experts")
        }
        vocabulary = try file.integer(file.key("vocab_size"))
        contextLength = try file.size(file.key("context_length"), most: Int(Int32.max))
        normEpsilon = try file.positive(file.key("attention.layer_norm_rms_epsilon"))
        rotary = try RotaryEmbedding(file, tensors, headDimensions: headDimensions, pairing: pairing)
        // There is no field for it: converters leave the output out.
        isTied = !tensors.contains("output.weight")
    }
}

extension RotaryEmbedding {
    init(
        _ file: GGUFHyperparameters, _ tensors: WeightTable, headDimensions: Int, pairing: gh_rope_pairing
    ) throws {
        dimensions = try file.size(file.key("rope.dimension_count"), default: headDimensions)
        guard dimensions.isMultiple(of: 2), dimensions <= headDimensions else {
            throw file.unsupported(
                file.key("rope.dimension_count"), "an even number up to \(headDimensions)", "\(dimensions)")
        }
        self.pairing = pairing
        base = try file.positive(file.key("rope.freq_base"), default: 10_000)

        // Divisors in the file (Llama 3), times the factor of linear scaling.
        let pairs = dimensions / 2
        if tensors.contains("rope_freqs.weight") {
            factors = Array(
                UnsafeBufferPointer(
                    start: try tensors.vector("rope_freqs.weight", count: pairs), count: pairs))
        }
        let scalingKey = file.key("rope.scaling.type")
        switch try file.metadata.string(scalingKey) {
        case nil, "none": break
        case "linear":
            let factor = try file.positive(file.key("rope.scaling.factor"))
            factors = (factors ?? [Float](repeating: 1, count: pairs)).map { $0 * factor }
        case .some(let other): throw file.unsupported(scalingKey, "none or linear", other)
        }

        let sectionsKey = file.key("rope.dimension_sections")
        if let stored = try file.metadata.integers(sectionsKey), stored.contains(where: { $0 != 0 }) {
            // Four numbers, the last of them for an axis that no family here has.
            guard stored.count >= 3, stored[3...].allSatisfy({ $0 == 0 }),
                stored.allSatisfy({ (0...pairs).contains($0) }), stored.reduce(0, +) == pairs
            else {
                throw file.unsupported(sectionsKey, "three numbers whose sum is \(pairs)", "\(stored)")
            }
            sections = Array(stored[..<3])
        }
    }
}

extension TensorNames {
    /// - Parameters:
    ///   - isSandwiched: Whether there are norms after attention and feed-forward network.
    ///   - isFused: Whether gate and up lie in one tensor, under the name of the latter.
    static func gguf(isSandwiched: Bool, isFused: Bool) -> TensorNames {
        TensorNames(embedding: "token_embd", outputNorm: "output_norm", output: "output") { index in
            let block = "blk.\(index)."
            return LayerNames(
                attentionNorm: block + "attn_norm", query: block + "attn_q", key: block + "attn_k",
                value: block + "attn_v", attentionOutput: block + "attn_output",
                attentionPostNorm: isSandwiched ? block + "post_attention_norm" : nil,
                ffnNorm: block + "ffn_norm", gate: block + (isFused ? "ffn_up" : "ffn_gate"),
                up: block + "ffn_up", down: block + "ffn_down",
                ffnPostNorm: isSandwiched ? block + "post_ffw_norm" : nil)
        }
    }
}
