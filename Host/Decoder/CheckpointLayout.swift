import CKernels
import Weights

/// How a family lies in a checkpoint.
struct CheckpointLayout {
    var shape: DecoderShape
    var names: TensorNames
    /// Tensors that are no part of the decoder.
    var isIgnored: (String) -> Bool = TensorNames.isSpare
}

/// How a family lies in a GGUF file, as llama.cpp's converter writes it.
struct GGUFLayout {
    /// The value of `general.architecture`, with which hyperparameters begin.
    var architecture: String
    var names: TensorNames
    /// How the dimensions of a head pair; where the checkpoint pairs them otherwise, rows of query and key move.
    var pairing: gh_rope_pairing
    /// Whether positions have three axes. Families of one architecture are told apart by that.
    var hasSections = false
    /// Whether readers of the architecture know divisors of the rotary frequencies.
    var hasRotaryFactors = false
}

extension RotaryEmbedding {
    /// Where in a head the checkpoint keeps the row that GGUF has at `row`.
    func storedRow(_ row: Int, in gguf: gh_rope_pairing) -> Int {
        guard pairing != gguf, row < dimensions else { return row }
        let half = dimensions / 2
        // Of neighbours, the pair is `row / 2`; of halves, it is `row` modulo a half.
        return gguf == GH_ROPE_INTERLEAVED ? row / 2 + row % 2 * half : row % half * 2 + row / half
    }
}
