import CNumerics

extension ThreadTeam {
    /// Rows of queries and of keys that are taken at once: their scores stay in a core's own cache.
    private static let queryBlock = (few: 64, many: 256)
    private static let keyBlock = 1024

    /// Attention of every query to every key, head by head: softmax(scale · q kᵀ) v.
    ///
    /// `queries` [rows, heads × width], `keys` and `values` [others, heads × width], `output` like `queries`; they may be
    /// stretches of columns of one matrix, but the output overlaps none of them. Polls `isCancelled` now and then and then
    /// returns early, with the output incomplete.
    public func attention(
        _ queries: Matrix, _ keys: Matrix, _ values: Matrix, heads: Int, scale: Float, into output: Matrix,
        isCancelled: @Sendable () -> Bool = { false }
    ) {
        precondition(keys.rows == values.rows && queries.rows == output.rows, "rows fit")
        precondition(
            [keys, values, output].allSatisfy { $0.columns == queries.columns }
                && queries.columns % heads == 0, "widths fit")
        let width = queries.columns / heads
        let most = queries.rows <= 512 ? Self.queryBlock.few : Self.queryBlock.many
        let blocks = (queries.rows + most - 1) / most
        forEach(heads * blocks) { task in
            if isCancelled() { return }
            let columns = task / blocks * width..<(task / blocks + 1) * width
            let block = task % blocks
            let rows = queries.rows * block / blocks..<queries.rows * (block + 1) / blocks
            attend(
                queries.rows(rows).columns(columns), keys.columns(columns), values.columns(columns), scale,
                output.rows(rows).columns(columns))
        }
    }

    private func attend(
        _ queries: Matrix, _ keys: Matrix, _ values: Matrix, _ scale: Float, _ output: Matrix
    ) {
        let count = queries.rows
        let scores = Matrix(rows: count, columns: min(keys.rows, Self.keyBlock))
        let state = Matrix(rows: 3, columns: count)
        let (maximum, sum, factor) = (state.row(0), state.row(1), state.row(2))
        maximum.update(repeating: -.infinity)
        for first in stride(from: 0, to: keys.rows, by: Self.keyBlock) {
            let part = first..<min(keys.rows, first + Self.keyBlock)
            let block = scores.columns(0..<part.count)
            product(queries, transposed: keys.rows(part), into: block)
            gn_softmax_block(
                Int64(count), Int64(part.count), block.base, Int64(block.stride), scale, maximum.baseAddress,
                sum.baseAddress, factor.baseAddress)
            if first > 0 { scaleRows(output, factor) }
            product(block, values.rows(part), into: output, keep: first > 0)
        }
        for row in 0..<count { factor[row] = 1 / sum[row] }
        scaleRows(output, factor)
    }

    private func scaleRows(_ matrix: Matrix, _ factors: UnsafeMutableBufferPointer<Float>) {
        gn_scale_rows(
            Int64(matrix.rows), Int64(matrix.columns), matrix.base, Int64(matrix.stride), factors.baseAddress)
    }
}

/// Angles that rotate pairs of elements of each row: `[rows, half the width of a head]` cosines and sines.
public struct RotaryAngles: Sendable {
    public let cosines: Matrix
    public let sines: Matrix

    public init(cosines: Matrix, sines: Matrix) {
        precondition(cosines.rows == sines.rows && cosines.columns == sines.columns, "a sine to each cosine")
        self.cosines = cosines
        self.sines = sines
    }
}

extension ThreadTeam {
    /// Rotates elements j and j + half of every head of every row by that row's angle j.
    public func rotate(_ x: Matrix, heads: Int, by angles: RotaryAngles) {
        precondition(
            x.columns == heads * angles.cosines.columns * 2 && x.rows == angles.cosines.rows, "angles fit")
        split(x.rows) { rows in
            let part = x.rows(rows)
            let (cosines, sines) = (angles.cosines.rows(rows), angles.sines.rows(rows))
            gn_rotate_halves(
                Int64(part.rows), Int64(heads), Int64(part.columns / heads), part.base, Int64(part.stride),
                cosines.base, sines.base)
        }
    }
}
