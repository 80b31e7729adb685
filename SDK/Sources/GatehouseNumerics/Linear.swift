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

extension Linear {
    /// y = f(x Wᵀ + b) on the calling thread alone.
    public func apply(_ x: Matrix, _ activation: Activation = .identity, into y: Matrix) {
        multiply(x, 0..<outputs, y, keep: false, activation)
    }

    /// Some of the outputs.
    fileprivate func multiply(
        _ x: Matrix, _ outputs: Range<Int>, _ y: Matrix, keep: Bool, _ activation: Activation
    ) {
        precondition(x.columns == inputs && y.columns == self.outputs, "widths fit the layer")
        precondition(x.rows == y.rows, "as many rows out as in")
        weight.withPanels(outputs) { panels in
            let part = y.columns(outputs)
            gn_multiply(
                Int64(x.rows), Int64(x.columns), Int64(outputs.count), x.base, Int64(x.stride), panels,
                part.base, Int64(part.stride), keep ? 1 : 0)
            guard bias != nil || activation != .identity else { return }
            gn_activate(
                Int64(part.rows), Int64(part.columns), part.base, Int64(part.stride),
                bias.map { UnsafePointer($0.base + outputs.lowerBound) }, activation.code)
        }
    }
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
    case sigmoid

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
        case .sigmoid: Int32(GN_SIGMOID)
        }
    }
}

extension ThreadTeam {
    /// y = f(x Wᵀ + b); `x` [rows, inputs], `y` [rows, outputs]. Threads take stretches of outputs.
    public func linear(_ x: Matrix, _ layer: Linear, _ activation: Activation = .identity, into y: Matrix) {
        split(layer.outputs, unit: WeightMatrix.panel, partsOfThread: 4) { outputs in
            layer.multiply(x, outputs, y, keep: false, activation)
        }
    }

    /// y += x Wᵀ + b.
    public func linear(_ x: Matrix, _ layer: Linear, addingTo y: Matrix) {
        split(layer.outputs, unit: WeightMatrix.panel, partsOfThread: 4) { outputs in
            layer.multiply(x, outputs, y, keep: true, .identity)
        }
    }

    /// y = f(x Gᵀ) ⊙ (x Uᵀ), biases included: the first half of a gated feed-forward layer. `scratch` is like `y`.
    public func gatedLinear(
        _ x: Matrix, gate: Linear, up: Linear, _ activation: Activation, scratch: Matrix, into y: Matrix
    ) {
        precondition(scratch.rows == y.rows && scratch.columns == y.columns, "scratch is like the output")
        precondition(gate.outputs == up.outputs, "a gate for each output")
        split(up.outputs, unit: WeightMatrix.panel, partsOfThread: 4) { outputs in
            gate.multiply(x, outputs, y, keep: false, .identity)
            up.multiply(x, outputs, scratch, keep: false, .identity)
            let (part, other) = (y.columns(outputs), scratch.columns(outputs))
            gn_gated(
                Int64(part.rows), Int64(part.columns), part.base, Int64(part.stride), other.base,
                Int64(other.stride), activation.code)
        }
    }
}

extension ConfigurationFile {
    /// The activation that a key names.
    public func activation(_ key: String, default standard: String) throws(TensorFileError) -> Activation {
        let name = try string(key, default: standard)
        guard let activation = Activation(named: name) else {
            let known = Activation.allCases.map(\.rawValue).joined(separator: ", ")
            throw error(key, "one of \(known)", "\"\(name)\"")
        }
        return activation
    }
}
