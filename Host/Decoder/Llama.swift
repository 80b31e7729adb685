import CKernels
import Weights

/// The llama family: RMSNorm before attention and before the feed-forward network, rotary positions,
/// grouped-query attention, SwiGLU, output tied to the embedding or its own.
enum Llama: DecoderFamily {
    static let name = "llama"
    static let architecture: String? = "llama"
    static let modelTypes = ["llama"]

    static func plan(_ file: GGUFFile, _ shard: Shard) throws -> DecoderPlan {
        let weights = WeightTable(file)
        let shape = try DecoderShape(
            GGUFHyperparameters(metadata: file.metadata, architecture: "llama"), weights,
            // Converters permute the rows of query and key of this family so that pairs lie next to each other.
            pairing: GH_ROPE_INTERLEAVED)
        let plan = try DecoderPlan(
            family: name, shape: shape, names: .gguf(isSandwiched: false, isFused: false), weights: weights,
            shard: shard)
        try weights.checkAllTaken(family: name)
        return plan
    }

    static func plan(_ checkpoint: Checkpoint, _ shard: Shard) throws -> DecoderPlan {
        let weights = WeightTable(checkpoint)
        let plan = try DecoderPlan(
            family: name,
            shape: try DecoderShape(try DecoderConfiguration(checkpoint), pairing: GH_ROPE_HALVES),
            names: .checkpoint(prefix: "model.", isSandwiched: false, isFused: false), weights: weights,
            shard: shard)
        try weights.checkAllTaken(family: name, isIgnored: TensorNames.isSpare)
        return plan
    }
}
