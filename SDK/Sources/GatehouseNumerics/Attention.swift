import CNumerics

extension ThreadTeam {
    /// Rows of queries that are taken at once: whole units of ``rowUnit``.
    private static let queryBlock = (few: 48, many: 120)

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
        let packed = PackedHeads(keys, values, heads: heads, self)
        let most = queries.rows <= 512 ? Self.queryBlock.few : Self.queryBlock.many
        let units = (queries.rows + Self.rowUnit - 1) / Self.rowUnit
        let blocks = (queries.rows + most - 1) / most
        forEach(heads * blocks) { task in
            if isCancelled() { return }
            let head = task / blocks
            let block = task % blocks
            let rows =
                units * block / blocks
                * Self.rowUnit..<min(
                    queries.rows, units * (block + 1) / blocks * Self.rowUnit)
            let columns = head * width..<(head + 1) * width
            attend(
                queries.rows(rows).columns(columns), packed, head: head, scale,
                output.rows(rows).columns(columns))
        }
    }

    private func attend(
        _ queries: Matrix, _ packed: PackedHeads, head: Int, _ scale: Float, _ output: Matrix
    ) {
        let count = queries.rows
        // Whole panels, as those of the keys are filled up: what stands beyond the keys is not looked at. And a line of the
        // caches more, so that rows do not all fall on the same places of them.
        let columns = WeightMatrix.wholePanels(min(packed.rows, PackedHeads.block))
        let scores = Matrix(uninitializedRows: count, columns: columns + 16)
        let state = Matrix(rows: 3, columns: count)
        let (maximum, sum, factor) = (state.row(0), state.row(1), state.row(2))
        maximum.update(repeating: -.infinity)
        for block in 0..<packed.blocks {
            let keys = packed.rows(of: block)
            gn_multiply(
                Int64(count), Int64(queries.columns), Int64(WeightMatrix.wholePanels(keys)), queries.base,
                Int64(queries.stride), packed.keys(head, block), scores.base, Int64(scores.stride), 0)
            gn_softmax_block(
                Int64(count), Int64(keys), scores.base, Int64(scores.stride), scale, maximum.baseAddress,
                sum.baseAddress, factor.baseAddress)
            if block > 0 { scaleRows(output, factor) }
            gn_multiply(
                Int64(count), Int64(keys), Int64(output.columns), scores.base, Int64(scores.stride),
                packed.values(head, block), output.base, Int64(output.stride), block > 0 ? 1 : 0)
        }
        for row in 0..<count { factor[row] = 1 / sum[row] }
        scaleRows(output, factor)
        withExtendedLifetime(state) {}
    }

    private func scaleRows(_ matrix: Matrix, _ factors: UnsafeMutableBufferPointer<Float>) {
        gn_scale_rows(
            Int64(matrix.rows), Int64(matrix.columns), matrix.base, Int64(matrix.stride), factors.baseAddress)
    }
}

/// Keys and values of every head as right sides of products, in blocks of rows whose scores stay in a core's own cache.
private struct PackedHeads: Sendable {
    static let block = 1024
    let rows: Int
    private let width: Int
    /// Elements of a head's keys in all blocks but the last, and of its values: whole panels.
    private let keyColumns: Int
    private let valueColumns: Int
    private let keys: Matrix
    private let values: Matrix

    init(_ keys: Matrix, _ values: Matrix, heads: Int, _ team: ThreadTeam) {
        rows = keys.rows
        width = keys.columns / heads
        keyColumns = WeightMatrix.wholePanels(keys.rows)
        valueColumns = WeightMatrix.wholePanels(width)
        self.keys = Matrix(uninitializedRows: heads, columns: keyColumns * width)
        self.values = Matrix(uninitializedRows: heads, columns: valueColumns * keys.rows)
        let blocks = blocks
        team.forEach(2 * heads * blocks) { [self] task in
            let (head, block) = (task / 2 / blocks, task / 2 % blocks)
            let columns = head * width..<(head + 1) * width
            let part = block * Self.block..<block * Self.block + rows(of: block)
            if task % 2 == 0 {
                let key = keys.rows(part).columns(columns)
                gn_pack_transposed(
                    Int64(part.count), Int64(width), key.base, Int64(key.stride), self.keys(head, block))
            } else {
                let value = values.rows(part).columns(columns)
                gn_pack(
                    Int64(width), Int64(part.count), value.base, Int64(value.stride),
                    self.values(head, block))
            }
        }
    }

    var blocks: Int { (rows + Self.block - 1) / Self.block }

    func rows(of block: Int) -> Int { min(rows - block * Self.block, Self.block) }

    /// The block's keys as columns of `[width, keys]`.
    func keys(_ head: Int, _ block: Int) -> UnsafeMutablePointer<Float> {
        keys.base + head * keys.stride + block * Self.block * width
    }

    /// The block's values as `[keys, width]`.
    func values(_ head: Int, _ block: Int) -> UnsafeMutablePointer<Float> {
        values.base + head * values.stride + block * Self.block * valueColumns
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
