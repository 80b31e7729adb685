import CNumerics

/// A linear layer: y = x Wᵀ + b.
public struct Linear: Sendable {
    public let weight: WeightMatrix
    /// `[outputs]`, as one row.
    public let bias: Matrix?

    /// - Precondition: the bias, if there is one, is a row of as many elements as the weight has outputs.
    public init(weight: WeightMatrix, bias: Matrix? = nil) {
        precondition(bias.map { $0.rows == 1 && $0.columns == weight.outputs } ?? true, "one bias an output")
        self.weight = weight
        self.bias = bias
    }

    public var outputs: Int { weight.outputs }
    public var inputs: Int { weight.inputs }
}

/// What follows a linear layer, element by element. Names are those of published configurations.
public enum Activation: String, Sendable, CaseIterable {
    case identity = "linear"
    /// x Φ(x).
    case gelu
    /// Its approximation by tanh.
    case geluTanh = "gelu_pytorch_tanh"
    /// x σ(1.702 x).
    case quickGELU = "quick_gelu"
    case silu
    case relu
    case tanh

    /// The function that a configuration calls `name`, other names of it included.
    public init?(named name: String) {
        switch name {
        case "gelu_new", "gelu_fast": self = .geluTanh
        case "swish": self = .silu
        default: self.init(rawValue: name)
        }
    }

    var code: Int32 {
        switch self {
        case .identity: Int32(GN_IDENTITY)
        case .gelu: Int32(GN_GELU)
        case .geluTanh: Int32(GN_GELU_TANH)
        case .quickGELU: Int32(GN_QUICK_GELU)
        case .silu: Int32(GN_SILU)
        case .relu: Int32(GN_RELU)
        case .tanh: Int32(GN_TANH)
        }
    }
}

extension ThreadTeam {
    /// y = f(x Wᵀ + b); `x` [rows, inputs], `y` [rows, outputs]. Threads take stretches of outputs.
    public func linear(_ x: Matrix, _ layer: Linear, _ activation: Activation = .identity, into y: Matrix) {
        apply(x, layer, y, keep: false) { part, bias in
            if bias != nil || activation != .identity {
                gn_activate(
                    Int64(part.rows), Int64(part.columns), part.base, Int64(part.stride), bias,
                    activation.code)
            }
        }
    }

    /// y += x Wᵀ + b.
    public func linear(_ x: Matrix, _ layer: Linear, addingTo y: Matrix) {
        apply(x, layer, y, keep: true) { part, bias in
            if let bias {
                gn_activate(
                    Int64(part.rows), Int64(part.columns), part.base, Int64(part.stride), bias,
                    Activation.identity.code)
            }
        }
    }

    /// y = f(x Gᵀ) ⊙ (x Uᵀ), biases included: the first half of a gated feed-forward layer. `scratch` is like `y`.
    public func gatedLinear(
        _ x: Matrix, gate: Linear, up: Linear, _ activation: Activation, scratch: Matrix, into y: Matrix
    ) {
        precondition(scratch.rows == y.rows && scratch.columns == y.columns, "scratch is like the output")
        linear(x, gate, into: y)
        apply(x, up, scratch, keep: false) { part, bias in
            if let bias {
                gn_activate(
                    Int64(part.rows), Int64(part.columns), part.base, Int64(part.stride), bias,
                    Activation.identity.code)
            }
            let column = scratch.base.distance(to: part.base)
            gn_gated(
                Int64(part.rows), Int64(part.columns), y.base + column, Int64(y.stride), part.base,
                Int64(part.stride), activation.code)
        }
    }

    private func apply(
        _ x: Matrix, _ layer: Linear, _ y: Matrix, keep: Bool,
        then finish: @Sendable (_ part: Matrix, _ bias: UnsafePointer<Float>?) -> Void
    ) {
        precondition(x.columns == layer.inputs && y.columns == layer.outputs, "widths fit the layer")
        precondition(x.rows == y.rows, "as many rows out as in")
        split(layer.outputs, unit: WeightMatrix.panel) { outputs in
            layer.weight.withPanels(outputs) { panels in
                let part = y.columns(outputs)
                gn_multiply(
                    Int64(x.rows), Int64(x.columns), Int64(outputs.count), x.base, Int64(x.stride), panels,
                    part.base, Int64(part.stride), keep ? 1 : 0)
                finish(part, layer.bias.map { UnsafePointer($0.base + outputs.lowerBound) })
            }
        }
    }
}
