import Foundation

extension ReferenceDecoder {
    /// Reads a checkpoint as Hugging Face transformers publishes it.
    ///
    /// - Parameters:
    ///   - config: The bytes of `config.json`, in the words of transformers 4 or 5.
    ///   - tensors: By published name.
    public init(config: Data, tensors: ReferenceTensors) throws {
        let root = try Fields(JSONSerialization.jsonObject(with: config))
        let text = root.fields("text_config") ?? root
        let family = try root.require("model_type", root.string)
        guard ["llama", "glm4", "glm4v"].contains(family) else {
            throw ReferenceError("the family \(family) is not known")
        }
        let hidden = try text.require("hidden_size", text.integer)
        let heads = try text.require("num_attention_heads", text.integer)
        // Transformers gives the heads of glm4v no width of their own.
        let width = (family == "glm4v" ? nil : text.integer("head_dim")) ?? hidden / heads

        // model.layers.0 in llama, glm4 and the older glm4v.
        let prefix =
            try tensors.find("model.language_model.norm.weight") == nil ? "model." : "model.language_model."
        let embedding = try tensors.vector(prefix + "embed_tokens.weight")
        self.init(
            heads: heads, keyValueHeads: text.integer("num_key_value_heads") ?? heads, hidden: hidden,
            rotary: try Self.rotary(text, family: family, headWidth: width),
            normEpsilon: try text.require("rms_norm_eps", text.number), embedding: embedding,
            layers: try (0..<text.require("num_hidden_layers", text.integer)).map { index in
                let layer = prefix + "layers.\(index)."
                return family == "llama" ? try Self.llama(layer, tensors) : try Self.glm4(layer, tensors)
            },
            outputNorm: try tensors.vector(prefix + "norm.weight"),
            output: Linear(try tensors.find("lm_head.weight")?.values ?? embedding))
    }

    private static func llama(_ layer: String, _ tensors: ReferenceTensors) throws -> Layer {
        Layer(
            attentionNorm: try tensors.vector(layer + "input_layernorm.weight"),
            query: try tensors.linear(layer + "self_attn.q_proj"),
            key: try tensors.linear(layer + "self_attn.k_proj"),
            value: try tensors.linear(layer + "self_attn.v_proj"),
            attentionOutput: try tensors.linear(layer + "self_attn.o_proj"),
            feedForwardNorm: try tensors.vector(layer + "post_attention_layernorm.weight"),
            gate: try tensors.linear(layer + "mlp.gate_proj"), up: try tensors.linear(layer + "mlp.up_proj"),
            down: try tensors.linear(layer + "mlp.down_proj"))
    }

    private static func glm4(_ layer: String, _ tensors: ReferenceTensors) throws -> Layer {
        let (gate, up) = try halves(of: tensors.vector(layer + "mlp.gate_up_proj.weight"))
        return Layer(
            attentionNorm: try tensors.vector(layer + "input_layernorm.weight"),
            query: try tensors.linear(layer + "self_attn.q_proj"),
            key: try tensors.linear(layer + "self_attn.k_proj"),
            value: try tensors.linear(layer + "self_attn.v_proj"),
            attentionOutput: try tensors.linear(layer + "self_attn.o_proj"),
            postAttentionNorm: try tensors.vector(layer + "post_self_attn_layernorm.weight"),
            feedForwardNorm: try tensors.vector(layer + "post_attention_layernorm.weight"),
            gate: gate, up: up, down: try tensors.linear(layer + "mlp.down_proj"),
            postFeedForwardNorm: try tensors.vector(layer + "post_mlp_layernorm.weight"))
    }

    /// Gate and up of the fused matrix, whose upper half is the gate.
    static func halves(of fused: [Float]) -> (gate: Linear, up: Linear) {
        (Linear(Array(fused[..<(fused.count / 2)])), Linear(Array(fused[(fused.count / 2)...])))
    }

    private static func rotary(_ text: Fields, family: String, headWidth: Int) throws -> Rotary {
        let rope = text.fields("rope_parameters") ?? text.fields("rope_scaling") ?? Fields()
        let base = rope.number("rope_theta") ?? text.number("rope_theta") ?? 10_000
        let part =
            rope.number("partial_rotary_factor") ?? text.number("partial_rotary_factor")
            ?? (family == "llama" ? 1 : 0.5)
        let width = Int(Double(headWidth) * part)
        var rotary = Rotary(
            width: width, base: base, pairing: family == "llama" ? .halves : .interleaved,
            sections: rope.integers("mrope_section") ?? [])
        switch rope.string("rope_type") ?? rope.string("type") ?? "default" {
        case "default": break
        case "linear":
            rotary.divisors = try .init(
                repeating: rope.require("factor", rope.number), count: width / 2)
        case "llama3":
            rotary.divisors = Rotary.llama3(
                width: width, base: base, factor: try rope.require("factor", rope.number),
                low: try rope.require("low_freq_factor", rope.number),
                high: try rope.require("high_freq_factor", rope.number),
                context: try rope.require("original_max_position_embeddings", rope.number))
        case let other: throw ReferenceError("rope_type: \(other) is not known")
        }
        return rotary
    }
}

/// The fields of a JSON object. Null is as good as absent.
private struct Fields {
    private var values: [String: Any] = [:]

    init() {}

    init(_ value: Any) throws {
        guard let values = value as? [String: Any] else { throw ReferenceError("config.json is no object") }
        self.values = values
    }

    func fields(_ name: String) -> Fields? { values[name].flatMap { try? Fields($0) } }
    func string(_ name: String) -> String? { values[name] as? String }
    func integer(_ name: String) -> Int? { values[name] as? Int }
    func number(_ name: String) -> Double? { (values[name] as? NSNumber)?.doubleValue }
    func integers(_ name: String) -> [Int]? { values[name] as? [Int] }

    func require<Value>(_ name: String, _ read: (String) -> Value?) throws -> Value {
        guard let value = read(name) else { throw ReferenceError("config.json has no \(name)") }
        return value
    }
}
