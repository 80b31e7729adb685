import GatehouseNumerics

/// What a block keeps of the rows before, for a stream: keys and values of the last `most`, and what the convolution saw of
/// the last few. One thread at a time.
final class BlockMemory {
    /// Rows that are kept.
    private let most: Int
    private var count = 0
    /// Kept rows, then those of the step.
    private let keys: Matrix
    private let values: Matrix
    private let seen: Matrix

    /// - Parameter rows: of a step, at most.
    init(width: Int, most: Int, rows: Int, half: Int) {
        self.most = most
        keys = Matrix(uninitializedRows: most + rows, columns: width)
        values = Matrix(uninitializedRows: most + rows, columns: width)
        seen = Matrix(rows: half, columns: width)
    }

    /// All keys and values that the rows of a step look at, theirs last.
    func extended(_ ownKeys: Matrix, _ ownValues: Matrix) -> (Matrix, Matrix) {
        for row in 0..<ownKeys.rows {
            copy(ownKeys.row(row), to: keys.row(count + row))
            copy(ownValues.row(row), to: values.row(count + row))
        }
        return (keys.rows(0..<count + ownKeys.rows), values.rows(0..<count + ownKeys.rows))
    }

    /// Keeps the first so many rows of the step beside those before.
    func keepKeys(_ kept: Int) {
        let all = count + kept
        count = min(all, most)
        guard all > most else { return }
        for row in 0..<count {
            copy(keys.row(all - count + row), to: keys.row(row))
            copy(values.row(all - count + row), to: values.row(row))
        }
    }

    /// Puts what was seen before in front of a step's rows, and keeps the last of those up to `kept`.
    func exchange(_ surrounded: Matrix, kept: Int) {
        for row in 0..<seen.rows { copy(seen.row(row), to: surrounded.row(row)) }
        for row in 0..<seen.rows { copy(surrounded.row(kept + row), to: seen.row(row)) }
    }

    private func copy(_ from: UnsafeMutableBufferPointer<Float>, to: UnsafeMutableBufferPointer<Float>) {
        _ = to.update(fromContentsOf: from)
    }
}
