import CKernels
import Weights

/// The text decoder of GLM-4.1V and AutoGLM-Phone: ``GLM4`` with positions of three axes, time, height and width
/// (M-RoPE). The vision tower beside it in the checkpoint is another's business.
enum GLM4V: DecoderFamily {
    static let name = "glm4v"
    /// Its GGUF files say `glm4`.
    static let architecture: String? = nil
    static let modelTypes = ["glm4v", "glm4v_text"]

    static func plan(_ file: GGUFFile, _ shard: Shard) throws -> DecoderPlan {
        // Converters permute the rows of query and key so that a pair lies half of the turning dimensions apart.
        try GLM4.plan(file, shard, name: name, pairing: GH_ROPE_HALVES)
    }

    static func plan(_ checkpoint: Checkpoint, _ shard: Shard) throws -> DecoderPlan {
        let weights = WeightTable(checkpoint)
        let configuration = try DecoderConfiguration(checkpoint)
        let shape = try DecoderShape(
            configuration, pairing: GH_ROPE_INTERLEAVED, rotaryShare: 0.5, needsAttentionBias: true)
        guard shape.rotary.sections != nil else {
            throw configuration.text.unsupported(
                "rope_parameters.mrope_section", "three numbers", "no such key")
        }
        // Since transformers 4.52 the decoder has a name of its own inside the model.
        let newer = "model.language_model."
        let prefix = checkpoint.tensors.contains { $0.name.hasPrefix(newer) } ? newer : "model."
        let plan = try DecoderPlan(
            family: name, shape: shape, names: .checkpoint(prefix: prefix, isSandwiched: true, isFused: true),
            weights: weights, shard: shard)
        try weights.checkAllTaken(family: name) { tensor in
            TensorNames.isSpare(tensor) || tensor.hasPrefix("model.visual.") || tensor.hasPrefix("visual.")
        }
        return plan
    }
}
