import CKernels
import Foundation
import Weights

// What decoders in Hugging Face checkpoints have in common, whatever the family: the keys of `config.json`, as
// transformers 4 and 5 write them, and the names of tensors.

extension Configuration: Hyperparameters {
    func number(_ key: String) throws -> Double? { try float(key) }
    func field(_ key: String) -> String { place.isEmpty ? key : "\(place).\(key)" }
}

/// `config.json` of a decoder: its own numbers, and those of the whole that it may be a part of.
struct DecoderConfiguration {
    /// The whole file.
    let root: Configuration
    /// Where the text decoder's numbers stand: `text_config` where there is one, else the file itself.
    let text: Configuration

    init(_ checkpoint: Checkpoint) throws {
        root = checkpoint.configuration
        text = try root.object("text_config") ?? root
        if root["quantization_config"] != nil {
            throw root.unsupported(
                "quantization_config", "weights of float32, float16 or bfloat16", "quantised ones")
        }
    }
}

extension DecoderShape {
    /// - Parameters:
    ///   - pairing: How the family pairs the dimensions that turn together.
    ///   - rotaryShare: The part of each head that turns, where the file does not say.
    ///   - needsAttentionBias: Whether query, key and value have biases, where the file does not say.
    init(
        _ configuration: DecoderConfiguration, pairing: gh_rope_pairing, rotaryShare: Double = 1,
        needsAttentionBias: Bool = false
    ) throws {
        let text = configuration.text
        layers = try text.size("num_hidden_layers")
        hidden = try text.size("hidden_size")
        heads = try text.size("num_attention_heads")
        keyValueHeads = try text.keyValueHeads("num_key_value_heads", heads: heads)
        headDimensions = try text.headDimensions("head_dim", hidden: hidden, heads: heads)
        feedForward = try text.size("intermediate_size")
        vocabulary = try text.integer("vocab_size")
        contextLength = try text.size("max_position_embeddings", most: Int(Int32.max))
        normEpsilon = try text.positive("rms_norm_eps", default: 1e-6)
        rotary = try RotaryEmbedding(
            text, headDimensions: headDimensions, pairing: pairing, defaultShare: rotaryShare)
        // Transformers 4 wrote it beside the text decoder's numbers, transformers 5 at the root.
        isTied = try [configuration.root, text].contains { try $0.bool("tie_word_embeddings") == true }
        self.needsAttentionBias = try text.bool("attention_bias") ?? needsAttentionBias
        let activation = try text.string("hidden_act") ?? "silu"
        guard activation == "silu" else { throw text.unsupported("hidden_act", "silu", activation) }
    }
}

extension RotaryEmbedding {
    init(
        _ text: Configuration, headDimensions: Int, pairing: gh_rope_pairing, defaultShare: Double
    ) throws {
        // All in one place since transformers 5; before, only the scaling.
        let parameters = try text.object("rope_parameters") ?? text.object("rope_scaling")
        base = try (parameters?["rope_theta"] == nil ? text : parameters ?? text).positive(
            "rope_theta", default: 10_000)
        let share =
            try parameters?.float("partial_rotary_factor") ?? text.float("partial_rotary_factor")
            ?? defaultShare
        guard share > 0, share <= 1 else {
            throw text.unsupported("partial_rotary_factor", "a number above 0 and up to 1", "\(share)")
        }
        dimensions = Int(Double(headDimensions) * share)
        guard dimensions.isMultiple(of: 2), dimensions > 0 else {
            throw text.unsupported(
                "partial_rotary_factor", "an even number of a head's \(headDimensions) dimensions",
                "\(dimensions)")
        }
        self.pairing = pairing
        guard let parameters else { return }
        let pairs = dimensions / 2
        let type = try parameters.string("rope_type") ?? parameters.string("type") ?? "default"
        switch type {
        case "default", "mrope": break
        case "linear": factors = [Float](repeating: try parameters.positive("factor"), count: pairs)
        case "llama3": factors = try Self.llama3Factors(parameters, base: base, dimensions: dimensions)
        default: throw parameters.unsupported("rope_type", "default, linear, llama3 or mrope", type)
        }
        if let sections = try parameters.integers("mrope_section") {
            guard sections.count == 3, sections.allSatisfy({ (0...pairs).contains($0) }),
                sections.reduce(0, +) == pairs
            else {
                throw parameters.unsupported(
                    "mrope_section", "three numbers whose sum is \(pairs)", "\(sections)")
            }
            self.sections = sections
        }
    }

    /// Divisors of the frequencies as Llama 3.1 was trained with: none for wavelengths that are short against the
    /// original context, `factor` for long ones, and between them a mean of the two.
    /// Source: `_compute_llama3_parameters` of transformers, `modeling_rope_utils.py`.
    private static func llama3Factors(
        _ parameters: Configuration, base: Float, dimensions: Int
    ) throws -> [Float] {
        let factor = Double(try parameters.positive("factor"))
        let low = Double(try parameters.positive("low_freq_factor"))
        let high = Double(try parameters.positive("high_freq_factor"))
        let context = Double(
            try parameters.size("original_max_position_embeddings", most: Int(Int32.max)))
        guard high > low else {
            throw parameters.unsupported("high_freq_factor", "a number above \(low)", "\(high)")
        }
        return (0..<dimensions / 2).map { pair in
            let wavelength = 2 * Double.pi * pow(Double(base), 2 * Double(pair) / Double(dimensions))
            // 1 where the context holds at least `high` wavelengths, 0 where it holds at most `low`.
            let nearness = min(max((context / wavelength - low) / (high - low), 0), 1)
            return Float(1 / ((1 - nearness) / factor + nearness))
        }
    }
}

extension TensorNames {
    /// - Parameters:
    ///   - prefix: Before the decoder's own names: `model.`.
    ///   - isSandwiched: Whether there are norms after attention and feed-forward network.
    ///   - isFused: Whether gate and up lie in one tensor.
    static func checkpoint(prefix: String, isSandwiched: Bool, isFused: Bool) -> TensorNames {
        TensorNames(
            embedding: prefix + "embed_tokens", outputNorm: prefix + "norm", output: "lm_head"
        ) { index in
            let block = "\(prefix)layers.\(index)."
            let attention = block + "self_attn."
            return LayerNames(
                attentionNorm: block + "input_layernorm", query: attention + "q_proj",
                key: attention + "k_proj", value: attention + "v_proj", attentionOutput: attention + "o_proj",
                attentionPostNorm: isSandwiched ? block + "post_self_attn_layernorm" : nil,
                ffnNorm: block + "post_attention_layernorm",
                gate: block + (isFused ? "mlp.gate_up_proj" : "mlp.gate_proj"),
                up: block + (isFused ? "mlp.gate_up_proj" : "mlp.up_proj"), down: block + "mlp.down_proj",
                ffnPostNorm: isSandwiched ? block + "post_mlp_layernorm" : nil)
        }
    }

    /// Whether a checkpoint's tensor may be left alone: an output that a tied decoder has no use for, or frequencies that
    /// old checkpoints carry along.
    static func isSpare(_ name: String) -> Bool {
        name == "lm_head.weight" || name.hasSuffix("rotary_emb.inv_freq")
    }
}
