import CKernels

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
    public var blockElements: Int { Int(gh_type_block_size(rawValue)) }

    /// Bytes of one block.
    public var blockBytes: Int { Int(gh_type_block_bytes(rawValue)) }

    /// The name that model files go by: "Q4_1".
    public var description: String {
        gh_type_name(rawValue).map { String(cString: $0) } ?? "type \(rawValue)"
    }
}
