import CNumerics

/// A convolution in which every channel is convolved alone.
public struct DepthwiseConvolution: Sendable {
    /// `[taps, channels]`.
    public let weight: Matrix
    /// One row.
    public let bias: Matrix

    /// - Parameter weight: `[channels, taps]`, as PyTorch has it, taps of several dimensions row-major.
    public init(weight: Matrix, bias: Matrix?) {
        precondition(bias.map { $0.rows == 1 && $0.columns == weight.rows } ?? true, "one bias a channel")
        let turned = Matrix(uninitializedRows: weight.columns, columns: weight.rows)
        for tap in 0..<weight.columns {
            for channel in 0..<weight.rows { turned.row(tap)[channel] = weight.row(channel)[tap] }
        }
        self.weight = turned
        self.bias = bias ?? Matrix(rows: 1, columns: weight.rows)
    }

    public var taps: Int { weight.rows }
    public var channels: Int { weight.columns }

    /// One place of the output, from a row of all channels for each tap. On the calling thread.
    ///
    /// - Precondition: `rows` has ``taps`` rows of ``channels`` elements.
    public func apply(
        _ rows: UnsafePointer<UnsafePointer<Float>?>, into output: UnsafeMutablePointer<Float>
    ) {
        gn_depthwise(Int64(taps), Int64(channels), rows, weight.base, bias.base, output)
    }
}

extension ThreadTeam {
    /// Along rows: `output` row i from rows i ..< i + taps of `input`, `[rows + taps - 1, channels]`; then the activation.
    public func convolve(
        _ input: Matrix, _ convolution: DepthwiseConvolution, _ activation: Activation = .identity,
        into output: Matrix
    ) {
        precondition(
            input.columns == convolution.channels && output.columns == convolution.channels
                && input.rows == output.rows + convolution.taps - 1, "rows and channels fit")
        split(output.rows) { rows in
            withUnsafeTemporaryAllocation(of: UnsafePointer<Float>?.self, capacity: convolution.taps) {
                taps in
                for row in rows {
                    for tap in 0..<convolution.taps {
                        taps[tap] = UnsafePointer(input.base + (row + tap) * input.stride)
                    }
                    if let base = taps.baseAddress {
                        convolution.apply(base, into: output.base + row * output.stride)
                    }
                }
            }
            guard activation != .identity else { return }
            let part = output.rows(rows)
            gn_activate(
                Int64(part.rows), Int64(part.columns), part.base, Int64(part.stride), nil, activation.code)
        }
    }
}
