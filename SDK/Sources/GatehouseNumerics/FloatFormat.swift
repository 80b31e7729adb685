import CNumerics
import GatehouseTensorFiles

/// How weights of floating point are stored.
public enum FloatFormat: Sendable {
    case float32
    case float16
    case bfloat16

    /// The format of a type of safetensors files; nil for integers and whatever is not read here.
    public init?(_ type: SafetensorsType) {
        switch type {
        case .f32: self = .float32
        case .f16: self = .float16
        case .bf16: self = .bfloat16
        default: return nil
        }
    }

    /// Bytes of an element.
    public var byteCount: Int { self == .float32 ? 4 : 2 }

    /// Elements of any alignment to float32.
    ///
    /// - Precondition: `floats` has room for all of them.
    public func widen(_ bytes: UnsafeRawBufferPointer, into floats: UnsafeMutablePointer<Float>) {
        guard let base = bytes.baseAddress else { return }
        switch self {
        case .float32: UnsafeMutableRawPointer(floats).copyMemory(from: base, byteCount: bytes.count)
        case .float16: gn_widen_float16(Int64(bytes.count / 2), base, floats)
        case .bfloat16: gn_widen_bfloat16(Int64(bytes.count / 2), base, floats)
        }
    }
}
