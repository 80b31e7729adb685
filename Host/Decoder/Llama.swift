import CKernels
import Weights

/// The llama family: RMSNorm before attention and before the feed-forward network, rotary positions,
/// grouped-query attention, SwiGLU, output tied to the embedding or its own.
enum Llama {
    static let family = "llama"

    static func plan(_ file: GGUFFile, shard: Shard) throws -> DecoderPlan {
        let weights = WeightTable(file)
        let shape = try DecoderShape(
            GGUFHyperparameters(metadata: file.metadata, architecture: family), weights,
            // Converters permute the rows of query and key of this family so that pairs lie next to each other.
            pairing: GH_ROPE_INTERLEAVED)
        let plan = try DecoderPlan(
            family: family, shape: shape, names: .gguf(isSandwiched: false, isFused: false), weights: weights,
            shard: shard)
        try weights.checkAllTaken(family: family)
        return plan
    }
}
