import CKernels
import Weights

/// Hands out a model's tensors in the form the backend wants, and remembers which were taken.
///
/// What it hands out stays valid while the table lives, or until it is released: matrices point into the mapped files,
/// quantised matrices and vectors that are not stored as float32 into memory of the table.
final class WeightTable {
    /// How matrices of floating-point numbers are quantised on their way.
    struct Quantizing {
        var quantization: WeightQuantization
        var threads: Int
        var progress: LoadProgress?
    }

    /// A part of a matrix that has been quantised: an output that is the embedding's is not done again.
    private struct QuantizedPart: Hashable {
        var name: String
        var rows: Range<Int>
        var columns: Range<Int>
    }

    private let source: any TensorSource
    private let quantizing: Quantizing?
    private var taken: Set<String> = []
    private var converted: [UnsafeMutableBufferPointer<Float>] = []
    private var quantized: [QuantizedPart: UnsafeMutableRawBufferPointer] = [:]
    /// Where in its tensor a matrix that was handed out begins.
    private var lent: [UnsafeRawPointer: (tensor: Tensor, first: Int)] = [:]
    /// Bytes of the files that quantising has read.
    private var bytesRead = 0

    init(_ source: any TensorSource, quantizing: Quantizing? = nil) {
        self.source = source
        self.quantizing = quantizing
    }

    deinit {
        for vector in converted { vector.deallocate() }
        for matrix in quantized.values { matrix.deallocate() }
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
    ///   - isVocabulary: Whether its rows are tokens: of an embedding or an output.
    func matrix(
        _ name: String, rows: Int, columns: Int, part: Part = .all, bias: String? = nil,
        isVocabulary: Bool = false
    ) throws -> gh_matrix {
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
                throw DecoderError.unsupported(
                    path: source.path, field: "tensor \(name)",
                    expected: "columns that can be cut at multiples of \(block), the block of \(tensor.type)",
                    found: "a cut at \(range)")
            }
        }
        guard let partRows = UInt32(exactly: rowRange.count),
            let partColumns = UInt32(exactly: columnRange.count)
        else {
            throw DecoderError.unsupported(
                path: source.path, field: "tensor \(name)", expected: "extents below 2^32",
                found: "\(tensor.shape)")
        }
        let first = rowRange.lowerBound * stride + columnRange.lowerBound / block * tensor.type.blockBytes
        let biases = try bias.map { name throws(DecoderError) in try vector(name, count: rows) } ?? nil
        var matrix = gh_matrix(
            data: tensor.bytes.baseAddress?.advanced(by: first),
            bias: biases?.advanced(by: rowRange.lowerBound),
            stride: UInt64(stride), type: tensor.type.rawValue, rows: partRows, cols: partColumns, reserved: 0
        )
        if let data = matrix.data { lent[data] = (tensor, first) }
        if let quantizing, tensor.isFloat,
            let type = quantizing.quantization.type(columns: columnRange.count, isVocabulary: isVocabulary)
        {
            let part = QuantizedPart(name: name, rows: rowRange, columns: columnRange)
            matrix.data = UnsafeRawPointer(try quantize(tensor, part, as: type, quantizing).baseAddress)
            matrix.stride = 0
            matrix.type = type.rawValue
        }
        return matrix
    }

    /// Gives back the memory of a matrix that nobody will read again: its own, or the pages that hold the file's.
    func release(_ matrix: gh_matrix) {
        guard let data = matrix.data else { return }
        if let (part, memory) = quantized.first(where: { UnsafeRawPointer($1.baseAddress) == data }) {
            quantized[part] = nil
            memory.deallocate()
        } else if let (tensor, first) = lent[data] {
            tensor.releasePages(first..<min(tensor.byteCount, first + Int(matrix.rows) * Int(matrix.stride)))
        }
    }

    /// The part's rows one after the other, in memory of the table.
    private func quantize(
        _ tensor: Tensor, _ part: QuantizedPart, as type: TensorType, _ quantizing: Quantizing
    ) throws -> UnsafeMutableRawBufferPointer {
        if let done = quantized[part] { return done }
        let encoder = TensorEncoder(
            tensor, of: source.path, as: type, columns: part.columns, threads: quantizing.threads)
        let matrix = UnsafeMutableRawBufferPointer.allocate(
            byteCount: max(1, part.rows.count * encoder.rowBytes), alignment: 64)
        quantized[part] = matrix
        let total = source.tensors.reduce(0) { $0 + ($1.isFloat && $1.shape.count == 2 ? $1.byteCount : 0) }
        var written = 0
        try encoder.encode(part.rows) { read in
            bytesRead += read
            quantizing.progress?.report(bytesRead, total)
        } append: { bytes in
            UnsafeMutableRawBufferPointer(rebasing: matrix[written...]).copyMemory(from: bytes)
            written += bytes.count
        }
        return matrix
    }

    /// A vector `[count]` as float32, converted where it is stored in another float type.
    func vector(_ name: String, count: Int) throws(DecoderError) -> UnsafePointer<Float>? {
        let tensor = try take(name, shape: [count])
        guard tensor.isFloat else {
            throw .wrongType(
                path: source.path, name: name, expected: "F32, F16 or BF16", found: "\(tensor.type)")
        }
        let start = tensor.bytes.baseAddress
        if tensor.type == .f32, Int(bitPattern: start).isMultiple(of: MemoryLayout<Float>.alignment) {
            return start?.assumingMemoryBound(to: Float.self)
        }
        var numbers = [Float](repeating: 0, count: count)
        let status = gh_dequantize_row(tensor.type.rawValue, start, &numbers, UInt64(count))
        try DecoderError.check(status, "reading tensor \(name) of \(source.path)")
        return keep(numbers)
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
