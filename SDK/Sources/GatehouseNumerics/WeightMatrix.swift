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
        case stored(WeightElements)
    }

    /// A copy of `matrix`, `[outputs, inputs]`.
    public init(_ matrix: Matrix) {
        self.init(outputs: matrix.rows, inputs: matrix.columns) { range, panels in
            let part = matrix.rows(range)
            gn_pack_transposed(
                Int64(range.count), Int64(matrix.columns), part.base, Int64(part.stride), panels)
        }
    }

    /// Elements in any format and of any alignment, row-major: a copy of them, or themselves.
    ///
    /// - Precondition: there are `outputs × inputs` of them.
    init(outputs: Int, inputs: Int, _ elements: WeightElements, residency: WeightReader.Residency) {
        precondition(
            elements.bytes.count == elements.byteCount(outputs * inputs), "weights are [outputs, inputs]")
        switch residency {
        case .packed:
            self.init(outputs: outputs, inputs: inputs) { range, panels in
                Self.pack(range, inputs, elements, panels)
            }
        case .stored:
            self.init(outputs: outputs, inputs: inputs, storage: .stored(elements))
        }
    }

    private init(outputs: Int, inputs: Int, _ pack: (Range<Int>, UnsafeMutablePointer<Float>) -> Void) {
        let panels = Matrix(uninitializedRows: 1, columns: Self.wholePanels(outputs) * inputs)
        pack(0..<outputs, panels.base)
        self.init(outputs: outputs, inputs: inputs, storage: .packed(panels))
    }

    private init(outputs: Int, inputs: Int, storage: Storage) {
        self.outputs = outputs
        self.inputs = inputs
        self.storage = storage
    }

    /// Outputs that stand side by side.
    static let panel = Int(GN_PANEL)

    /// `count` rounded up to a multiple of ``panel``.
    static func wholePanels(_ count: Int) -> Int { (count + panel - 1) / panel * panel }

    /// Calls `body` with the panels of some outputs, the first of them the first of a panel.
    func withPanels(_ range: Range<Int>, _ body: (UnsafePointer<Float>) -> Void) {
        switch storage {
        case .packed(let panels): body(panels.base + range.lowerBound * inputs)
        case .stored(let elements):
            let panels = Matrix(uninitializedRows: 1, columns: Self.wholePanels(range.count) * inputs)
            Self.pack(range, inputs, elements, panels.base)
            body(panels.base)
        }
    }

    private static func pack(
        _ outputs: Range<Int>, _ inputs: Int, _ elements: WeightElements,
        _ panels: UnsafeMutablePointer<Float>
    ) {
        let widened = Matrix(uninitializedRows: min(panel, outputs.count), columns: inputs)
        for first in stride(from: outputs.lowerBound, to: outputs.upperBound, by: panel) {
            let end = min(first + panel, outputs.upperBound)
            elements.widen(first..<end, columns: inputs, into: widened.base)
            gn_pack_transposed(
                Int64(end - first), Int64(inputs), widened.base, Int64(inputs),
                panels + (first - outputs.lowerBound) * inputs)
        }
    }
}
