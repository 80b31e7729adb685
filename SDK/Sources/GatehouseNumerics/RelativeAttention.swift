import CNumerics
import Glibc

/// The positional half of attention with relative positions: for every distance that may be between a query and a key, what
/// a head compares queries with. Dai et al., "Transformer-XL" (2019), section 3.3.
public struct RelativeKeys: Sendable {
    /// Distances are smaller than this, either way.
    public let span: Int
    public let heads: Int
    private let headWidth: Int
    /// A row a head: its keys as the right side of a product, column c for the distance `span - 1 - c` of the key before
    /// the query.
    private let packed: Matrix

    /// - Parameter keys: `[2 · span - 1, heads × width]`, of distances from `span - 1` down to `1 - span`.
    public init(_ keys: Matrix, heads: Int, _ team: ThreadTeam) {
        precondition(keys.rows % 2 == 1 && keys.columns % heads == 0, "a row a distance")
        span = (keys.rows + 1) / 2
        self.heads = heads
        let headWidth = keys.columns / heads
        self.headWidth = headWidth
        let packed = Matrix(
            uninitializedRows: heads, columns: WeightMatrix.wholePanels(keys.rows) * headWidth)
        team.forEach(heads) { head in
            let part = keys.columns(head * headWidth..<(head + 1) * headWidth)
            gn_pack_transposed(
                Int64(part.rows), Int64(headWidth), part.base, Int64(part.stride),
                packed.row(head).baseAddress)
        }
        self.packed = packed
    }

    /// Sines and cosines of distances from `span - 1` down to `1 - span`, side by side: `[2 · span - 1, width]`.
    public static func sinusoids(span: Int, width: Int) -> Matrix {
        let rows = Matrix(uninitializedRows: 2 * span - 1, columns: width)
        for column in 0..<width {
            let exponent = Float(column / 2 * 2) / Float(width)
            let frequency = 1 / powf(10000, exponent)
            for index in 0..<rows.rows {
                let angle = Double(Float(span - 1 - index) * frequency)
                let value: Double = column % 2 == 0 ? sin(angle) : cos(angle)
                rows.row(index)[column] = Float(value)
            }
        }
        return rows
    }

    /// The panels of a head from a distance on, of the last distance before it that begins one; and how far that is.
    fileprivate func panels(
        _ head: Int, from distance: Int
    ) -> (base: UnsafePointer<Float>, skipped: Int) {
        let column = span - 1 - distance
        let skipped = column % WeightMatrix.panel
        let place: Int = head * packed.stride + (column - skipped) * headWidth
        return (UnsafePointer(packed.base + place), skipped)
    }
}

extension ThreadTeam {
    /// Queries whose scores are made at once.
    private static let relativeBlock = 120

    /// Attention with relative positions: for query i and key j
    /// softmax(scale · ((qᵢ + content) · kⱼ + (qᵢ + position) · p(i - j))) v, the softmax over all keys.
    ///
    /// `queries` [rows, heads × width] are those of the keys from `first` on; `keys` and `values` [others, heads × width];
    /// `output` like `queries`. `content` and `position` are one row each. Threads take heads.
    ///
    /// - Precondition: all distances are within the span of `positions`.
    public func attention(
        _ queries: Matrix, first: Int, _ keys: Matrix, _ values: Matrix, _ positions: RelativeKeys,
        content: Matrix, position: Matrix, scale: Float, into output: Matrix
    ) {
        let heads = positions.heads
        let width = queries.columns / heads
        precondition(
            keys.rows == values.rows && queries.rows == output.rows && first >= 0
                && first + queries.rows <= keys.rows && keys.rows <= positions.span, "rows fit")
        precondition(
            [keys, values, output, content, position].allSatisfy { $0.columns == queries.columns }
                && queries.columns % heads == 0, "widths fit")
        forEach(heads) { head in
            let columns = head * width..<(head + 1) * width
            let (key, value) = (keys.columns(columns), values.columns(columns))
            let others = keys.rows
            let most = min(Self.relativeBlock, queries.rows)
            let panel = WeightMatrix.panel
            let packedKeys = WeightMatrix.wholePanels(others) * width
            let distances = others + most + panel
            // One piece of memory for all that a head needs, its parts on lines of the cache.
            let line = 16
            let memory = Matrix(
                uninitializedRows: 1,
                columns: packedKeys + others * WeightMatrix.wholePanels(width) + most
                    * (2 * width + others + distances + 3) + 7 * line)
            var free = memory.base
            func take(_ rows: Int, _ columns: Int) -> Matrix {
                defer { free += (rows * columns + line - 1) / line * line }
                return Matrix(rows: rows, columns: columns, stride: columns, base: free, owner: nil)
            }
            let packed = take(1, packedKeys).base
            let packedValues = take(1, others * WeightMatrix.wholePanels(width)).base
            gn_pack_transposed(Int64(others), Int64(width), key.base, Int64(key.stride), packed)
            gn_pack(Int64(width), Int64(others), value.base, Int64(value.stride), packedValues)
            let (biased, placed) = (take(most, width), take(most, width))
            let (scores, shifted) = (take(most, others), take(most, distances))
            let state = take(3, most)
            for start in stride(from: 0, to: queries.rows, by: most) {
                let count = min(most, queries.rows - start)
                for row in 0..<count {
                    let query = queries.base + (start + row) * queries.stride + columns.lowerBound
                    let (a, b) = (biased.base + row * width, placed.base + row * width)
                    for column in 0..<width {
                        a[column] = query[column] + content.base[columns.lowerBound + column]
                        b[column] = query[column] + position.base[columns.lowerBound + column]
                    }
                }
                gn_multiply(
                    Int64(count), Int64(width), Int64(others), biased.base, Int64(width), packed, scores.base,
                    Int64(others), 0)
                // From the farthest that the last of these queries looks back, to the farthest that the first looks ahead.
                let (panels, skipped) = positions.panels(head, from: first + start + count - 1)
                gn_multiply(
                    Int64(count), Int64(width), Int64(skipped + count - 1 + others), placed.base,
                    Int64(width),
                    panels, shifted.base, Int64(distances), 0)
                for row in 0..<count {
                    let score = scores.base + row * others
                    let own = shifted.base + row * distances + skipped + count - 1 - row
                    for column in 0..<others { score[column] += own[column] }
                }
                let (maximum, sum, factor) = (state.row(0), state.row(1), state.row(2))
                maximum.update(repeating: -.infinity)
                sum.update(repeating: 0)
                gn_softmax_block(
                    Int64(count), Int64(others), scores.base, Int64(others), scale, maximum.baseAddress,
                    sum.baseAddress, factor.baseAddress)
                let made = output.rows(start..<start + count).columns(columns)
                gn_multiply(
                    Int64(count), Int64(others), Int64(width), scores.base, Int64(others), packedValues,
                    made.base, Int64(made.stride), 0)
                for row in 0..<count { factor[row] = 1 / sum[row] }
                gn_scale_rows(
                    Int64(count), Int64(width), made.base, Int64(made.stride), factor.baseAddress)
            }
            withExtendedLifetime(memory) {}
        }
    }
}
