import CKernels
import Weights

/// Hands out a model's tensors in the form the backend wants, and remembers which were taken.
///
/// What it hands out stays valid while the table lives: matrices point into the mapped files, vectors that are not
/// stored as float32 into memory of the table.
final class WeightTable {
    private let source: any TensorSource
    private var taken: Set<String> = []
    private var converted: [UnsafeMutableBufferPointer<Float>] = []

    init(_ source: any TensorSource) {
        self.source = source
    }

    deinit {
        for vector in converted { vector.deallocate() }
    }

    var path: String { source.path }

    func contains(_ name: String) -> Bool { source.tensor(named: name) != nil }

    /// The rows of a matrix; nil where there is no such tensor or it is not a matrix.
    func rows(_ name: String) -> Int? {
        guard let tensor = source.tensor(named: name), tensor.shape.count == 2 else { return nil }
        return tensor.shape[0]
    }

    /// Which part of a matrix is meant.
    enum Part {
        case all
        case rows(Range<Int>)
        /// The ends are multiples of the type's block.
        case columns(Range<Int>)
    }

    /// A weight matrix of any type the backend takes, or a part of it.
    ///
    /// - Parameters:
    ///   - name: Of the tensor, which is `[rows, columns]` as a whole.
    ///   - bias: Of the vector that is added to its outputs, `[rows]` as a whole; nil for none.
    func matrix(
        _ name: String, rows: Int, columns: Int, part: Part = .all, bias: String? = nil
    ) throws(DecoderError) -> gh_matrix {
        let tensor = try take(name, shape: [rows, columns])
        let block = tensor.type.blockElements
        let stride = columns / block * tensor.type.blockBytes
        var rowRange = 0..<rows
        var columnRange = 0..<columns
        switch part {
        case .all: break
        case .rows(let range): rowRange = range
        case .columns(let range):
            columnRange = range
            guard range.lowerBound.isMultiple(of: block), range.upperBound.isMultiple(of: block) else {
                throw .unsupported(
                    path: source.path, field: "tensor \(name)",
                    expected: "columns that can be cut at multiples of \(block), the block of \(tensor.type)",
                    found: "a cut at \(range)")
            }
        }
        guard let partRows = UInt32(exactly: rowRange.count),
            let partColumns = UInt32(exactly: columnRange.count)
        else {
            throw .unsupported(
                path: source.path, field: "tensor \(name)", expected: "extents below 2^32",
                found: "\(tensor.shape)")
        }
        let first = rowRange.lowerBound * stride + columnRange.lowerBound / block * tensor.type.blockBytes
        let biases = try bias.map { name throws(DecoderError) in try vector(name, count: rows) } ?? nil
        return gh_matrix(
            data: tensor.bytes.baseAddress?.advanced(by: first),
            bias: biases?.advanced(by: rowRange.lowerBound),
            stride: UInt64(stride), type: tensor.type.rawValue, rows: partRows, cols: partColumns, reserved: 0
        )
    }

    /// A vector `[count]` as float32, converted where it is stored in another float type.
    func vector(_ name: String, count: Int) throws(DecoderError) -> UnsafePointer<Float>? {
        let tensor = try take(name, shape: [count])
        switch tensor.type {
        case .f32:
            guard let start = tensor.bytes.baseAddress,
                Int(bitPattern: start).isMultiple(of: MemoryLayout<Float>.alignment)
            else {
                return keep(
                    (0..<count).map {
                        tensor.bytes.loadUnaligned(fromByteOffset: 4 * $0, as: Float.self)
                    })
            }
            return start.assumingMemoryBound(to: Float.self)
        case .f16: return keep(halves(of: tensor).map { Float(Float16(bitPattern: $0)) })
        case .bf16: return keep(halves(of: tensor).map { Float(bitPattern: UInt32($0) << 16) })
        default:
            throw .wrongType(
                path: source.path, name: name, expected: "F32, F16 or BF16", found: "\(tensor.type)")
        }
    }

    private func halves(of tensor: Tensor) -> [UInt16] {
        (0..<tensor.count).map {
            UInt16(littleEndian: tensor.bytes.loadUnaligned(fromByteOffset: 2 * $0, as: UInt16.self))
        }
    }

    /// Copies numbers into memory that lives as long as the table.
    func keep(_ numbers: [Float]) -> UnsafePointer<Float>? {
        let vector = UnsafeMutableBufferPointer<Float>.allocate(capacity: numbers.count)
        _ = vector.initialize(from: numbers)
        converted.append(vector)
        return UnsafePointer(vector.baseAddress)
    }

    /// Throws if there is a tensor that nobody took and that `isIgnored` does not name.
    func checkAllTaken(family: String, isIgnored: (String) -> Bool = { _ in false }) throws(DecoderError) {
        for tensor in source.tensors where !taken.contains(tensor.name) && !isIgnored(tensor.name) {
            throw .unusedTensor(path: source.path, name: tensor.name, family: family)
        }
    }

    private func take(_ name: String, shape: [Int]) throws(DecoderError) -> Tensor {
        guard let tensor = source.tensor(named: name) else {
            throw .missingTensor(path: source.path, name: name, expected: shape)
        }
        guard tensor.shape == shape else {
            throw .wrongShape(path: source.path, name: name, expected: shape, found: tensor.shape)
        }
        taken.insert(name)
        return tensor
    }
}
