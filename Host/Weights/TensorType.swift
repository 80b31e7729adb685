/// Element types of tensors, numbered as in the file and as `gh_type` of the backend.
///
/// Quantised types store blocks of elements that lie next to each other in a row.
public enum TensorType: UInt32, Sendable, CaseIterable, CustomStringConvertible {
    case f32 = 0
    case f16 = 1
    case q4_0 = 2
    case q4_1 = 3
    case q5_0 = 6
    case q5_1 = 7
    case q8_0 = 8
    case q4_k = 12
    case q5_k = 13
    case q6_k = 14
    case bf16 = 30

    /// Elements in one block.
    public var blockElements: Int {
        switch self {
        case .f32, .f16, .bf16: 1
        case .q4_0, .q4_1, .q5_0, .q5_1, .q8_0: 32
        case .q4_k, .q5_k, .q6_k: 256
        }
    }

    /// Bytes of one block.
    public var blockBytes: Int {
        switch self {
        case .f32: 4
        case .f16, .bf16: 2
        case .q4_0: 2 + 16  // scale, nibbles
        case .q4_1: 4 + 16  // scale and minimum, nibbles
        case .q5_0: 2 + 4 + 16  // scale, fifth bits, nibbles
        case .q5_1: 4 + 4 + 16
        case .q8_0: 2 + 32
        case .q4_k: 4 + 12 + 128  // scale and minimum of the block, those of its eighths, nibbles
        case .q5_k: 4 + 12 + 32 + 128
        case .q6_k: 128 + 64 + 16 + 2  // nibbles, upper bits, scales of the sixteenths, scale
        }
    }

    /// The name that model files go by: "Q4_1".
    public var description: String {
        switch self {
        case .f32: "F32"
        case .f16: "F16"
        case .q4_0: "Q4_0"
        case .q4_1: "Q4_1"
        case .q5_0: "Q5_0"
        case .q5_1: "Q5_1"
        case .q8_0: "Q8_0"
        case .q4_k: "Q4_K"
        case .q5_k: "Q5_K"
        case .q6_k: "Q6_K"
        case .bf16: "BF16"
        }
    }
}
