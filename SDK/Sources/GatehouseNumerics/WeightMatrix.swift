import CNumerics

/// A matrix of weights, `[outputs, inputs]`: as float32 in the order in which products read it, or as its file has it, to be
/// brought into that order at each use.
public struct WeightMatrix: @unchecked Sendable {  // nobody writes to it once it is made
    public let outputs: Int
    public let inputs: Int
    private let storage: Storage

    private enum Storage {
        /// One row.
        case packed(Matrix)
        case stored(FloatFormat, UnsafeRawBufferPointer, owner: AnyObject)
    }

    /// A copy of `matrix`, `[outputs, inputs]`.
    public init(_ matrix: Matrix) {
        self.init(outputs: matrix.rows, inputs: matrix.columns) { range, panels in
            let part = matrix.rows(range)
            gn_pack_transposed(
                Int64(range.count), Int64(matrix.columns), part.base, Int64(part.stride), panels)
        }
    }

    /// A copy of elements in any format and of any alignment, row-major.
    ///
    /// - Precondition: `bytes` holds `outputs × inputs` of them.
    public init(outputs: Int, inputs: Int, format: FloatFormat, bytes: UnsafeRawBufferPointer) {
        precondition(bytes.count == outputs * inputs * format.byteCount, "weights are [outputs, inputs]")
        self.init(outputs: outputs, inputs: inputs) { range, panels in
            Self.pack(range, inputs, format, bytes, panels)
        }
    }

    /// The same without a copy: the elements stay as stored, and valid while `owner` lives.
    public init(
        outputs: Int, inputs: Int, format: FloatFormat, bytes: UnsafeRawBufferPointer, owner: AnyObject
    ) {
        precondition(bytes.count == outputs * inputs * format.byteCount, "weights are [outputs, inputs]")
        self.outputs = outputs
        self.inputs = inputs
        storage = .stored(format, bytes, owner: owner)
    }

    private init(outputs: Int, inputs: Int, _ pack: (Range<Int>, UnsafeMutablePointer<Float>) -> Void) {
        let panels = Matrix(uninitializedRows: 1, columns: Self.wholePanels(outputs) * inputs)
        pack(0..<outputs, panels.base)
        self.outputs = outputs
        self.inputs = inputs
        storage = .packed(panels)
    }

    /// Outputs that stand side by side.
    static let panel = Int(GN_PANEL)

    /// `count` rounded up to a multiple of ``panel``.
    static func wholePanels(_ count: Int) -> Int { (count + panel - 1) / panel * panel }

    /// Calls `body` with the panels of some outputs, the first of them the first of a panel.
    func withPanels(_ range: Range<Int>, _ body: (UnsafePointer<Float>) -> Void) {
        switch storage {
        case .packed(let panels): body(panels.base + range.lowerBound * inputs)
        case .stored(let format, let bytes, _):
            let panels = Matrix(uninitializedRows: 1, columns: Self.wholePanels(range.count) * inputs)
            Self.pack(range, inputs, format, bytes, panels.base)
            body(panels.base)
        }
    }

    private static func pack(
        _ outputs: Range<Int>, _ inputs: Int, _ format: FloatFormat, _ bytes: UnsafeRawBufferPointer,
        _ panels: UnsafeMutablePointer<Float>
    ) {
        let widened = Matrix(uninitializedRows: min(panel, outputs.count), columns: inputs)
        let row = inputs * format.byteCount
        for first in stride(from: outputs.lowerBound, to: outputs.upperBound, by: panel) {
            let end = min(first + panel, outputs.upperBound)
            format.widen(UnsafeRawBufferPointer(rebasing: bytes[first * row..<end * row]), into: widened.base)
            gn_pack_transposed(
                Int64(end - first), Int64(inputs), widened.base, Int64(inputs),
                panels + (first - outputs.lowerBound) * inputs)
        }
    }
}
