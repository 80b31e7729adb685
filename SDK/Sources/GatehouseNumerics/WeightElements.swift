import CNumerics

/// Elements of a tensor of weights as a file stores them: of floating point, or int8 with a scale for each row.
struct WeightElements: @unchecked Sendable {  // nobody writes to `bytes`
    enum Format: Sendable {
        case float(FloatFormat)
        case int8(scales: [Float])
    }

    let format: Format
    let bytes: UnsafeRawBufferPointer
    /// Keeps `bytes` valid.
    let owner: AnyObject?

    /// Bytes of an element.
    var byteCount: Int {
        switch format {
        case .float(let format): format.byteCount
        case .int8: 1
        }
    }

    /// Some rows of `columns` as float32.
    func widen(_ rows: Range<Int>, columns: Int, into floats: UnsafeMutablePointer<Float>) {
        let row = columns * byteCount
        let part = UnsafeRawBufferPointer(rebasing: bytes[rows.lowerBound * row..<rows.upperBound * row])
        switch format {
        case .float(let format): format.widen(part, into: floats)
        case .int8(let scales):
            guard let base = part.baseAddress else { return }
            for (index, scale) in scales[rows].enumerated() {
                gn_widen_int8(Int64(columns), base + index * row, scale, floats + index * columns)
            }
        }
    }
}
