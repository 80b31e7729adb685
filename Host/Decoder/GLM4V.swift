import CKernels
import Weights

/// The text decoder of GLM-4.1V and AutoGLM-Phone: ``GLM4`` with positions of three axes, time, height and width
/// (M-RoPE). The vision tower beside it in the checkpoint is another's business.
enum GLM4V {
    static let family = "glm4v"
}
