import Foundation
import Reference
import TestSupport

extension SplitMix64 {
    fileprivate mutating func pick<Element>(_ elements: [Element]) -> Element {
        elements[Int.random(in: elements.indices, using: &self)]
    }

    /// Sums of uniform numbers: near enough to a normal distribution of that deviation.
    fileprivate mutating func floats(_ count: Int, deviation: Float, around centre: Float = 0) -> [Float] {
        (0..<count).map { _ in
            let sum = (0..<4).reduce(Float(0)) { sum, _ in sum + Float.random(in: -1...1, using: &self) }
            return centre + deviation * sum * 0.866
        }
    }
}

/// A checkpoint of random family, dimensions, storage types and configuration, and a prompt for it.
public struct RandomCheckpoint {
    public let family: String
    public let builder: CheckpointBuilder
    public let prompt: ReferencePrompt

    public init(seed: UInt64) {
        var numbers = SplitMix64(state: seed << 32)
        let dimensions = Dimensions(using: &numbers)
        family = dimensions.family
        var builder = CheckpointBuilder(config: dimensions.config(using: &numbers))
        dimensions.addTensors(to: &builder, using: &numbers)
        self.builder = builder
        prompt = dimensions.prompt(using: &numbers)
    }
}

private struct Dimensions {
    let family: String
    let layers: Int
    let keyValueHeads: Int
    let heads: Int
    let headWidth: Int
    let hidden: Int
    let feedForward: Int
    let vocabulary: Int
    /// Pairs that turn.
    let pairs: Int
    let isTied: Bool
    let hasBias: Bool

    init(using numbers: inout SplitMix64) {
        family = numbers.pick(["llama", "glm4", "glm4v"])
        layers = Int.random(in: 1...3, using: &numbers)
        keyValueHeads = Int.random(in: 1...3, using: &numbers)
        heads = keyValueHeads * Int.random(in: 1...4, using: &numbers)
        headWidth =
            family == "llama" ? 2 * Int.random(in: 1...12, using: &numbers) : numbers.pick([4, 8, 12, 20])
        // Transformers gives the heads of glm4v no width of their own.
        hidden = family == "glm4v" ? heads * headWidth : Int.random(in: 5...70, using: &numbers)
        feedForward = Int.random(in: 3...90, using: &numbers)
        vocabulary = Int.random(in: 9...120, using: &numbers)
        pairs = family == "llama" ? headWidth / 2 : headWidth / 4
        isTied = numbers.pick([false, false, true])
        hasBias = family == "llama" ? numbers.pick([false, true]) : true
    }

    func config(using numbers: inout SplitMix64) -> [String: Any] {
        var text: [String: Any] = [
            "model_type": family, "hidden_size": hidden, "intermediate_size": feedForward,
            "num_attention_heads": heads, "num_key_value_heads": keyValueHeads, "num_hidden_layers": layers,
            "vocab_size": vocabulary, "rms_norm_eps": numbers.pick([1e-5, 1e-6]),
            "max_position_embeddings": 1 << 12, "hidden_act": "silu", "attention_bias": hasBias,
        ]
        if family != "glm4v" { text["head_dim"] = headWidth }
        let theta = numbers.pick([10_000.0, 500_000.0, 1_000.0])
        var scaling: [String: Any]?
        if family == "glm4v" {
            let first = Int.random(in: 0...pairs, using: &numbers)
            let second = Int.random(in: 0...pairs - first, using: &numbers)
            scaling = ["rope_type": "default", "mrope_section": [first, second, pairs - first - second]]
        } else {
            scaling = numbers.pick([
                nil, ["rope_type": "linear", "factor": 3.5],
                [
                    "rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
                    "original_max_position_embeddings": 128,
                ],
            ])
        }
        let part: [String: Any] = family == "llama" ? [:] : ["partial_rotary_factor": 0.5]
        if numbers.pick([false, true]) {
            let whole: [String: Any] = ["rope_type": "default", "rope_theta": theta]
            text["rope_parameters"] = whole.merging(part) { $1 }.merging(scaling ?? [:]) { $1 }
        } else {
            text["rope_theta"] = theta
            text["rope_scaling"] = scaling ?? NSNull()
            text.merge(part) { $1 }
        }
        guard family == "glm4v" else {
            text["tie_word_embeddings"] = isTied
            return text
        }
        return ["model_type": "glm4v", "text_config": text, "tie_word_embeddings": isTied]
    }

    func addTensors(to builder: inout CheckpointBuilder, using numbers: inout SplitMix64) {
        func add(_ name: String, _ shape: [Int], _ values: [Float], _ numbers: inout SplitMix64) {
            builder.add(name, numbers.pick(["F32", "F16", "BF16"]), shape: shape, values)
        }
        func matrix(
            _ name: String, _ rows: Int, _ columns: Int, gain: Float = 1, _ numbers: inout SplitMix64
        ) {
            let values = numbers.floats(rows * columns, deviation: gain / Float(columns).squareRoot())
            add(name + ".weight", [rows, columns], values, &numbers)
        }
        func vector(_ name: String, _ count: Int, around centre: Float = 1, _ numbers: inout SplitMix64) {
            add(name, [count], numbers.floats(count, deviation: 0.25, around: centre), &numbers)
        }
        let prefix = family == "glm4v" ? numbers.pick(["model.", "model.language_model."]) : "model."
        add(
            prefix + "embed_tokens.weight", [vocabulary, hidden],
            numbers.floats(vocabulary * hidden, deviation: 0.7), &numbers)
        vector(prefix + "norm.weight", hidden, &numbers)
        if !isTied { matrix("lm_head", vocabulary, hidden, &numbers) }
        for index in 0..<layers {
            let layer = "\(prefix)layers.\(index)."
            vector(layer + "input_layernorm.weight", hidden, &numbers)
            vector(layer + "post_attention_layernorm.weight", hidden, &numbers)
            for (name, count, gain) in [
                ("q_proj", heads, Float(1.3)), ("k_proj", keyValueHeads, 1.3), ("v_proj", keyValueHeads, 1),
            ] {
                matrix(layer + "self_attn.\(name)", count * headWidth, hidden, gain: gain, &numbers)
                if hasBias {
                    vector(layer + "self_attn.\(name).bias", count * headWidth, around: 0, &numbers)
                }
            }
            matrix(layer + "self_attn.o_proj", hidden, heads * headWidth, &numbers)
            if family == "llama" {
                if hasBias { vector(layer + "self_attn.o_proj.bias", hidden, around: 0, &numbers) }
                matrix(layer + "mlp.gate_proj", feedForward, hidden, &numbers)
                matrix(layer + "mlp.up_proj", feedForward, hidden, &numbers)
            } else {
                vector(layer + "post_self_attn_layernorm.weight", hidden, around: 0.6, &numbers)
                vector(layer + "post_mlp_layernorm.weight", hidden, around: 0.6, &numbers)
                matrix(layer + "mlp.gate_up_proj", 2 * feedForward, hidden, &numbers)
            }
            matrix(layer + "mlp.down_proj", hidden, feedForward, &numbers)
        }
    }

    /// Tokens and given rows that may reach over a page's border, with gated segments; those of glm4v lie anywhere.
    func prompt(using numbers: inout SplitMix64) -> ReferencePrompt {
        let count = numbers.pick([1, 7, 40, 64, 65, 90])
        let rows = (0..<count).map { _ -> ReferencePrompt.Row in
            numbers.pick([true, true, false])
                ? .token(Int.random(in: 0..<vocabulary, using: &numbers))
                : .embedding(numbers.floats(hidden, deviation: 0.7))
        }
        var gates: [ReferencePrompt.Gate] = []
        var start = Int.random(in: 0...10, using: &numbers)
        while start < count {
            let end = start + Int.random(in: 1...20, using: &numbers)
            gates.append(
                .init(segment: start..<end, weight: numbers.pick([1, 0.6, 0.05])))
            start = end + Int.random(in: 0...30, using: &numbers)
        }
        guard family == "glm4v" else { return ReferencePrompt(rows: rows, gates: gates) }
        let positions = rows.map { _ in (0..<3).map { _ in Int.random(in: 0...200, using: &numbers) } }
        return ReferencePrompt(rows: rows, positions: positions, gates: gates)
    }
}
