import CNumerics

/// Layer normalisation: (x - mean) / √(variance + ε) · weight + bias over each row.
public struct LayerNorm: Sendable {
    /// One row.
    public let weight: Matrix
    public let bias: Matrix?
    public let epsilon: Float

    public init(weight: Matrix, bias: Matrix?, epsilon: Float) {
        precondition(weight.rows == 1 && bias.map { $0.columns == weight.columns } ?? true, "one row each")
        self.weight = weight
        self.bias = bias
        self.epsilon = epsilon
    }
}

/// Root-mean-square normalisation: x / √(mean of squares + ε) · weight over each row.
public struct RMSNorm: Sendable {
    /// One row.
    public let weight: Matrix
    public let epsilon: Float

    public init(weight: Matrix, epsilon: Float) {
        precondition(weight.rows == 1, "one row")
        self.weight = weight
        self.epsilon = epsilon
    }
}

extension ThreadTeam {
    /// `y` may be `x`.
    public func normalize(_ x: Matrix, _ norm: LayerNorm, into y: Matrix) {
        precondition(
            x.columns == norm.weight.columns && x.columns == y.columns && x.rows == y.rows, "widths fit")
        split(x.rows) { rows in
            let (x, y) = (x.rows(rows), y.rows(rows))
            gn_layer_norm(
                Int64(x.rows), Int64(x.columns), x.base, Int64(x.stride), norm.weight.base, norm.bias?.base,
                norm.epsilon, y.base, Int64(y.stride))
        }
    }

    /// `y` may be `x`.
    public func normalize(_ x: Matrix, _ norm: RMSNorm, into y: Matrix) {
        precondition(
            x.columns == norm.weight.columns && x.columns == y.columns && x.rows == y.rows, "widths fit")
        split(x.rows) { rows in
            let (x, y) = (x.rows(rows), y.rows(rows))
            gn_rms_norm(
                Int64(x.rows), Int64(x.columns), x.base, Int64(x.stride), norm.weight.base, norm.epsilon,
                y.base, Int64(y.stride))
        }
    }

    /// x = f(x), element by element.
    public func activate(_ x: Matrix, _ activation: Activation) {
        split(x.rows) { rows in
            let x = x.rows(rows)
            gn_activate(Int64(x.rows), Int64(x.columns), x.base, Int64(x.stride), nil, activation.code)
        }
    }
}
