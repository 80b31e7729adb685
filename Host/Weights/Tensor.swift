import Foundation

/// A tensor of a model: a view that keeps alive the memory that it shows.
public struct Tensor: @unchecked Sendable {  // nobody writes to `bytes`
    public let name: String
    /// Extents, row-major, outermost first: a weight matrix is `[outputs, inputs]`. The last is a multiple of the
    /// type's block. (GGUF lists them the other way round and has one to four, each at least 1; safetensors may have
    /// none, for a single number, and zeros.)
    public let shape: [Int]
    public let type: TensorType
    /// The data, read-only, little-endian; of GGUF aligned to 8 bytes or more, of safetensors of any alignment. Valid
    /// while this view lives.
    public let bytes: UnsafeRawBufferPointer
    private let owner: any AnyObject & Sendable

    /// A view of `bytes`, which stay valid and unchanged while `owner` lives.
    public init(
        name: String, shape: [Int], type: TensorType, bytes: UnsafeRawBufferPointer,
        owner: any AnyObject & Sendable
    ) {
        self.name = name
        self.shape = shape
        self.type = type
        self.bytes = bytes
        self.owner = owner
    }

    /// Number of elements.
    public var count: Int { shape.reduce(1, *) }

    public var byteCount: Int { bytes.count }

    /// Whether it holds floating-point numbers as they are, not quantised.
    public var isFloat: Bool { type == .f32 || type == .f16 || type == .bf16 }

    /// Gives the pages under `range` of ``bytes`` back to the kernel. They stay readable: a mapped file is read again.
    /// Only for tensors of mapped files.
    public func releasePages(_ range: Range<Int>) {
        guard let base = bytes.baseAddress else { return }
        let page = Int(getpagesize())
        let start = (Int(bitPattern: base) + range.lowerBound + page - 1) / page * page
        let end = (Int(bitPattern: base) + range.upperBound) / page * page
        guard start < end, let address = UnsafeMutableRawPointer(bitPattern: start) else { return }
        madvise(address, end - start, Int32(MADV_DONTNEED))
    }
}
