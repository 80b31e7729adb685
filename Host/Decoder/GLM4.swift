import CKernels
import Weights

/// The GLM-4 family (GLM-4-0414): as llama, but with a second norm after attention and after the feed-forward network,
/// biases of query, key and value, gate and up in one matrix, and rotary positions that turn half of each head.
enum GLM4: DecoderFamily {
    static let name = "glm4"
    static let modelTypes = ["glm4"]

    static var gguf: GGUFLayout {
        GGUFLayout(
            architecture: "glm4", names: .gguf(isSandwiched: true, isFused: true),
            pairing: GH_ROPE_INTERLEAVED)
    }

    static func layout(_ checkpoint: Checkpoint) throws -> CheckpointLayout {
        CheckpointLayout(
            shape: try DecoderShape(
                try DecoderConfiguration(checkpoint), pairing: GH_ROPE_INTERLEAVED, rotaryShare: 0.5,
                needsAttentionBias: true),
            names: .checkpoint(prefix: "model.", isSandwiched: true, isFused: true))
    }
}
