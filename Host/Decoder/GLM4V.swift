import CKernels
import Weights

/// The text decoder of GLM-4.1V and AutoGLM-Phone: ``GLM4`` with positions of three axes, time, height and width
/// (M-RoPE). The vision tower beside it in the checkpoint is another's business.
enum GLM4V: DecoderFamily {
    static let name = "glm4v"
    static let modelTypes = ["glm4v", "glm4v_text"]

    static var gguf: GGUFLayout {
        GGUFLayout(
            architecture: "glm4", names: .gguf(isSandwiched: true, isFused: true),
            // Converters permute the rows of query and key so that a pair lies half of the turning dimensions apart.
            pairing: GH_ROPE_HALVES, hasSections: true)
    }

    static let encoderPrefixes = ["model.visual.", "visual."]

    static func layout(_ checkpoint: Checkpoint) throws -> CheckpointLayout {
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
        return CheckpointLayout(
            shape: shape, names: .checkpoint(prefix: prefix, isSandwiched: true, isFused: true),
            isIgnored: { TensorNames.isSpare($0) || isEncoders($0) })
    }
}
