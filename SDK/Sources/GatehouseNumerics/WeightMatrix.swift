/// A matrix of weights, `[outputs, inputs]`: as float32, or as its file has it, to be widened where it is used.
public struct WeightMatrix: @unchecked Sendable {  // nobody writes to it once it is made
    public let outputs: Int
    public let inputs: Int
    private let storage: Storage

    private enum Storage {
        case float(Matrix)
        case stored(FloatFormat, UnsafeRawBufferPointer, owner: AnyObject)
    }

    public init(_ matrix: Matrix) {
        outputs = matrix.rows
        inputs = matrix.columns
        storage = .float(matrix)
    }

    /// Elements as stored, row-major and of any alignment, that stay valid while `owner` lives.
    ///
    /// - Precondition: `bytes` holds `outputs × inputs` of them.
    public init(
        outputs: Int, inputs: Int, format: FloatFormat, bytes: UnsafeRawBufferPointer, owner: AnyObject
    ) {
        precondition(bytes.count == outputs * inputs * format.byteCount, "weights are [outputs, inputs]")
        self.outputs = outputs
        self.inputs = inputs
        storage = .stored(format, bytes, owner: owner)
    }

    /// Calls `body` with the weights of some outputs as float32.
    func withFloats(_ range: Range<Int>, _ body: (Matrix) -> Void) {
        switch storage {
        case .float(let matrix): body(matrix.rows(range))
        case .stored(let format, let bytes, _):
            let widened = Matrix(rows: range.count, columns: inputs)
            let row = inputs * format.byteCount
            format.widen(
                UnsafeRawBufferPointer(rebasing: bytes[range.lowerBound * row..<range.upperBound * row]),
                into: widened.base)
            body(widened)
        }
    }
}
