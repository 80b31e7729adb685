import CKernels
import Weights

/// The GLM-4 family (GLM-4-0414): as llama, but with a second norm after attention and after the feed-forward network,
/// biases of query, key and value, gate and up in one matrix, and rotary positions that turn half of each head.
enum GLM4 {
    static let family = "glm4"

    static func plan(_ file: GGUFFile, shard: Shard) throws -> DecoderPlan {
        let weights = WeightTable(file)
        // The text decoder of GLM-4.1V goes by the same architecture; only the sections tell.
        let hasSections = try file.metadata.integers("glm4.rope.dimension_sections")?.contains { $0 > 0 }
        let family = hasSections == true ? GLM4V.family : family
        let shape = try DecoderShape(
            GGUFHyperparameters(metadata: file.metadata, architecture: "glm4"), weights,
            // Converters leave query and key as they were trained, unless there are sections.
            pairing: hasSections == true ? GH_ROPE_HALVES : GH_ROPE_INTERLEAVED)
        let plan = try DecoderPlan(
            family: family, shape: shape, names: .gguf(isSandwiched: true, isFused: true), weights: weights,
            shard: shard)
        try weights.checkAllTaken(family: family)
        return plan
    }
}
