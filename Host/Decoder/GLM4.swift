import CKernels
import Weights

/// The GLM-4 family (GLM-4-0414): as llama, but with a second norm after attention and after the feed-forward network,
/// biases of query, key and value, gate and up in one matrix, and rotary positions that turn half of each head.
enum GLM4: DecoderFamily {
    static let name = "glm4"
    static let architecture: String? = "glm4"
    static let modelTypes = ["glm4"]

    static func plan(_ file: GGUFFile, _ shard: Shard) throws -> DecoderPlan {
        // The text decoder of GLM-4.1V goes by the same architecture; only the sections tell.
        let sections = try file.metadata.integers("glm4.rope.dimension_sections") ?? []
        if sections.contains(where: { $0 != 0 }) { return try GLM4V.plan(file, shard) }
        return try plan(file, shard, name: name, pairing: GH_ROPE_INTERLEAVED)
    }

    /// - Parameter name: Of the family that the file is of.
    static func plan(
        _ file: GGUFFile, _ shard: Shard, name: String, pairing: gh_rope_pairing
    ) throws -> DecoderPlan {
        let weights = WeightTable(file)
        let shape = try DecoderShape(
            GGUFHyperparameters(metadata: file.metadata, architecture: "glm4"), weights, pairing: pairing)
        let plan = try DecoderPlan(
            family: name, shape: shape, names: .gguf(isSandwiched: true, isFused: true), weights: weights,
            shard: shard)
        try weights.checkAllTaken(family: name)
        return plan
    }

    static func plan(_ checkpoint: Checkpoint, _ shard: Shard) throws -> DecoderPlan {
        let weights = WeightTable(checkpoint)
        let shape = try DecoderShape(
            try DecoderConfiguration(checkpoint), pairing: GH_ROPE_INTERLEAVED, rotaryShare: 0.5,
            needsAttentionBias: true)
        let plan = try DecoderPlan(
            family: name, shape: shape,
            names: .checkpoint(prefix: "model.", isSandwiched: true, isFused: true), weights: weights,
            shard: shard)
        try weights.checkAllTaken(family: name, isIgnored: TensorNames.isSpare)
        return plan
    }
}
