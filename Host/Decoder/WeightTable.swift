import CKernels
import Weights

/// Hands out a model file's tensors in the form the backend wants, and remembers which were taken.
///
/// What it hands out stays valid while the table lives: matrices point into the mapped file, vectors that are not
/// stored as float32 into memory of the table.
final class WeightTable {
    private let file: GGUFFile
    private var taken: Set<String> = []
    private var converted: [UnsafeMutableBufferPointer<Float>] = []

    init(_ file: GGUFFile) {
        self.file = file
    }

    deinit {
        for vector in converted { vector.deallocate() }
    }

    func contains(_ name: String) -> Bool { file.tensor(named: name) != nil }

    /// The rows of a matrix; nil where there is no such tensor or it is not a matrix.
    func rows(_ name: String) -> Int? {
        guard let tensor = file.tensor(named: name), tensor.shape.count == 2 else { return nil }
        return tensor.shape[0]
    }

    /// A weight matrix `[rows, columns]` of any type the backend takes.
    func matrix(_ name: String, rows: Int, columns: Int) throws(DecoderError) -> gh_matrix {
        let tensor = try take(name, shape: [rows, columns])
        guard let rows = UInt32(exactly: rows), let columns = UInt32(exactly: columns) else {
            throw .unsupported(
                path: file.path, field: "tensor \(name)", expected: "extents below 2^32",
                found: "\(tensor.shape)")
        }
        return gh_matrix(
            data: tensor.bytes.baseAddress, bias: nil, stride: 0, type: tensor.type.rawValue, rows: rows,
            cols: columns, reserved: 0)
    }

    /// A vector `[count]` as float32, converted where it is stored in another float type.
    func vector(_ name: String, count: Int) throws(DecoderError) -> UnsafePointer<Float>? {
        let tensor = try take(name, shape: [count])
        switch tensor.type {
        case .f32:
            return tensor.bytes.baseAddress?.assumingMemoryBound(to: Float.self)
        case .f16:
            let halves = tensor.bytes.assumingMemoryBound(to: UInt16.self)
            return keep(halves.map { Float(Float16(bitPattern: UInt16(littleEndian: $0))) })
        case .bf16:
            let halves = tensor.bytes.assumingMemoryBound(to: UInt16.self)
            return keep(halves.map { Float(bitPattern: UInt32(UInt16(littleEndian: $0)) << 16) })
        default:
            throw .wrongType(
                path: file.path, name: name, expected: "F32, F16 or BF16", found: "\(tensor.type)")
        }
    }

    /// Copies numbers into memory that lives as long as the table.
    func keep(_ numbers: [Float]) -> UnsafePointer<Float>? {
        let vector = UnsafeMutableBufferPointer<Float>.allocate(capacity: numbers.count)
        _ = vector.initialize(from: numbers)
        converted.append(vector)
        return UnsafePointer(vector.baseAddress)
    }

    /// Throws if the file holds a tensor that nobody took.
    func checkAllTaken(family: String) throws(DecoderError) {
        for tensor in file.tensors where !taken.contains(tensor.name) {
            throw .unusedTensor(path: file.path, name: tensor.name, family: family)
        }
    }

    private func take(_ name: String, shape: [Int]) throws(DecoderError) -> Tensor {
        guard let tensor = file.tensor(named: name) else {
            throw .missingTensor(path: file.path, name: name, expected: shape)
        }
        guard tensor.shape == shape else {
            throw .wrongShape(path: file.path, name: name, expected: shape, found: tensor.shape)
        }
        taken.insert(name)
        return tensor
    }
}
