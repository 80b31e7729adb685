import CKernels
import Weights

/// The llama family: RMSNorm before attention and before the feed-forward network, rotary positions,
/// grouped-query attention, SwiGLU, output tied to the embedding or its own.
enum Llama: DecoderFamily {
    static let name = "llama"
    static let modelTypes = ["llama"]

    static var gguf: GGUFLayout {
        GGUFLayout(
            architecture: "llama", names: .gguf(isSandwiched: false, isFused: false),
            // Converters permute the rows of query and key of this family so that pairs lie next to each other.
            pairing: GH_ROPE_INTERLEAVED, hasRotaryFactors: true)
    }

    static func layout(_ checkpoint: Checkpoint) throws -> CheckpointLayout {
        CheckpointLayout(
            shape: try DecoderShape(try DecoderConfiguration(checkpoint), pairing: GH_ROPE_HALVES),
            names: .checkpoint(prefix: "model.", isSandwiched: false, isFused: false))
    }
}
