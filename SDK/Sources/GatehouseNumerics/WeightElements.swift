import CNumerics

/// Elements of a tensor of weights as a file stores them: of floating point, or int8 with a scale for each row or each 32.
struct WeightElements: @unchecked Sendable {  // nobody writes to `bytes`
    enum Format: Sendable {
        case float(FloatFormat)
        case int8(scales: [Float])
        /// GGUF's Q8_0: 32 elements of a row behind their scale, a float16.
        case blocksOfInt8
    }

    let format: Format
    let bytes: UnsafeRawBufferPointer
    /// Keeps `bytes` valid.
    let owner: AnyObject?

    /// Bytes of so many elements: whole rows, and so whole blocks.
    func byteCount(_ elements: Int) -> Int {
        switch format {
        case .float(let format): elements * format.byteCount
        case .int8: elements
        case .blocksOfInt8: elements / 32 * 34
        }
    }

    var hasRowScales: Bool { if case .int8 = format { true } else { false } }

    /// Some rows of `columns` as float32.
    func widen(_ rows: Range<Int>, columns: Int, into floats: UnsafeMutablePointer<Float>) {
        let row = byteCount(columns)
        let part = UnsafeRawBufferPointer(rebasing: bytes[rows.lowerBound * row..<rows.upperBound * row])
        switch format {
        case .float(let format): format.widen(part, into: floats)
        case .blocksOfInt8:
            guard let base = part.baseAddress else { return }
            gn_widen_q8_0(Int64(rows.count * columns / 32), base, floats)
        case .int8(let scales):
            guard let base = part.baseAddress else { return }
            for (index, scale) in scales[rows].enumerated() {
                gn_widen_int8(Int64(columns), base + index * row, scale, floats + index * columns)
            }
        }
    }
}
