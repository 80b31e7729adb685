import GatehouseNumerics

/// One block of a Conformer: half a feed-forward layer, attention with relative positions, convolution over time, the other
/// half, each added to what went in. Gulati et al., "Conformer" (2020).
struct ConformerBlock: Sendable {
    private struct FeedForward: Sendable {
        let norm: LayerNorm
        let up: Linear
        /// The factor of one half is in it.
        let down: Linear
    }

    private static let epsilon: Float = 1e-5

    private let before: FeedForward
    private let attentionNorm: LayerNorm
    /// Queries, keys and values.
    private let stacked: Linear
    private let output: Linear
    private let content: Matrix
    private let position: Matrix
    /// What makes keys of distances.
    let relative: Linear
    private let convolutionNorm: LayerNorm
    private let value: Linear
    private let gate: Linear
    /// Batch normalisation is in it.
    private let depthwise: DepthwiseConvolution
    private let mixed: Linear
    private let after: FeedForward
    private let norm: LayerNorm
    private let heads: Int
    private let activation: Activation

    init(_ configuration: ConformerConfiguration, _ weights: WeightReader) throws(TensorFileError) {
        let (width, hidden) = (configuration.width, configuration.hidden)
        heads = configuration.heads
        activation = configuration.activation
        func layerNorm(_ name: String) throws(TensorFileError) -> LayerNorm {
            try weights.layerNorm(name, width, epsilon: Self.epsilon)
        }
        func feedForward(_ name: String) throws(TensorFileError) -> FeedForward {
            FeedForward(
                norm: try layerNorm("norm_\(name)"),
                up: try weights.linear("\(name).linear1", inputs: width, outputs: hidden),
                down: try weights.scaledLinear("\(name).linear2", inputs: hidden, outputs: width, by: 0.5))
        }
        before = try feedForward("feed_forward1")
        after = try feedForward("feed_forward2")
        attentionNorm = try layerNorm("norm_self_att")
        convolutionNorm = try layerNorm("norm_conv")
        norm = try layerNorm("norm_out")
        let attention = weights.under("self_attn")
        stacked = try attention.stacked(["q_proj", "k_proj", "v_proj"], inputs: width, outputs: width)
        output = try attention.linear("o_proj", inputs: width, outputs: width)
        relative = try attention.linear("relative_k_proj", inputs: width, outputs: width)
        let shape = [heads, width / heads]
        content = try attention.floats("bias_u", shape)
        position = try attention.floats("bias_v", shape)

        let convolution = weights.under("conv")
        let doubled = try convolution.floats("pointwise_conv1.weight", [2 * width, width, 1])
            .reshaped(columns: width)
        let bias = try convolution.bias("pointwise_conv1", 2 * width)
        value = Linear(weight: WeightMatrix(doubled.rows(0..<width)), bias: bias?.columns(0..<width))
        gate = Linear(
            weight: WeightMatrix(doubled.rows(width..<2 * width)), bias: bias?.columns(width..<2 * width))
        depthwise = try convolution.normalisedDepthwise(
            width, taps: configuration.taps, epsilon: Self.epsilon)
        mixed = Linear(
            weight: try convolution.weight("pointwise_conv2.weight", [width, width, 1]),
            bias: try convolution.bias("pointwise_conv2", width))
    }

    /// Room for the steps of a block, made once for all.
    struct Workspace {
        let normed: Matrix
        let hidden: Matrix
        let stacked: Matrix
        let scratch: Matrix
        /// What a convolution sees: the rows before, the rows themselves, and zeros after them.
        let surrounded: Matrix

        /// - Parameter rows: at most.
        init(_ configuration: ConformerConfiguration, rows: Int) {
            let width = configuration.width
            normed = Matrix(uninitializedRows: rows, columns: width)
            hidden = Matrix(uninitializedRows: rows, columns: configuration.hidden)
            stacked = Matrix(uninitializedRows: rows, columns: 3 * width)
            scratch = Matrix(uninitializedRows: rows, columns: width)
            surrounded = Matrix(rows: rows + configuration.taps - 1, columns: width)
        }
    }

    /// Rows to rows, in place. `memory` is what a stream keeps of earlier rows, and of these the first `kept`; without it the
    /// rows are all there are.
    func apply(
        _ x: Matrix, _ keys: RelativeKeys, memory: BlockMemory?, kept: Int, _ room: Workspace,
        _ team: ThreadTeam
    ) {
        let width = x.columns
        let normed = room.normed.rows(0..<x.rows)
        feedForward(before, x, room, team)

        let stacked = room.stacked.rows(0..<x.rows)
        team.normalize(x, attentionNorm, into: normed)
        team.linear(normed, self.stacked, into: stacked)
        let own = (stacked.columns(width..<2 * width), stacked.columns(2 * width..<3 * width))
        let (others, values) = memory?.extended(own.0, own.1) ?? own
        team.attention(
            stacked.columns(0..<width), first: others.rows - x.rows, others, values, keys, content: content,
            position: position, scale: 1 / Float(width / heads).squareRoot(), into: normed)
        memory?.keepKeys(kept)
        team.linear(normed, output, addingTo: x)

        let half = depthwise.taps / 2
        team.normalize(x, convolutionNorm, into: normed)
        let surrounded = room.surrounded.rows(0..<x.rows + 2 * half)
        team.gatedLinear(
            normed, gate: gate, up: value, .sigmoid, scratch: room.scratch.rows(0..<x.rows),
            into: surrounded.rows(half..<half + x.rows))
        for row in 0..<half {
            surrounded.row(half + x.rows + row).update(repeating: 0)
            if memory == nil { surrounded.row(row).update(repeating: 0) }
        }
        memory?.exchange(surrounded, kept: kept)
        team.convolve(surrounded, depthwise, activation, into: normed)
        team.linear(normed, mixed, addingTo: x)

        feedForward(after, x, room, team)
        team.normalize(x, norm, into: x)
    }

    private func feedForward(_ layer: FeedForward, _ x: Matrix, _ room: Workspace, _ team: ThreadTeam) {
        let (normed, hidden) = (room.normed.rows(0..<x.rows), room.hidden.rows(0..<x.rows))
        team.normalize(x, layer.norm, into: normed)
        team.linear(normed, layer.up, activation, into: hidden)
        team.linear(hidden, layer.down, addingTo: x)
    }
}

extension WeightReader {
    /// A linear layer with weights and bias times `factor`.
    fileprivate func scaledLinear(
        _ name: String, inputs: Int, outputs: Int, by factor: Float
    ) throws(TensorFileError) -> Linear {
        let weight = try floats("\(name).weight", [outputs, inputs])
        let bias = try bias(name, outputs)
        for matrix in [weight, bias].compactMap({ $0 }) {
            let row = matrix.row(0)
            for column in row.indices { row[column] *= factor }
        }
        return Linear(weight: WeightMatrix(weight.reshaped(columns: inputs)), bias: bias)
    }

    /// The convolution over time with the batch normalisation after it, whose mean and variance are fixed.
    fileprivate func normalisedDepthwise(
        _ width: Int, taps: Int, epsilon: Float
    ) throws(TensorFileError) -> DepthwiseConvolution {
        let weight = try floats("depthwise_conv.weight", [width, 1, taps]).reshaped(columns: taps)
        let bias = try bias("depthwise_conv", width) ?? Matrix(rows: 1, columns: width)
        let scale = try floats("norm.weight", [width]).elements
        let shift = try floats("norm.bias", [width]).elements
        let mean = try floats("norm.running_mean", [width]).elements
        let variance = try floats("norm.running_var", [width]).elements
        for channel in 0..<width {
            let factor = scale[channel] / (variance[channel] + epsilon).squareRoot()
            let row = weight.row(channel)
            for tap in row.indices { row[tap] *= factor }
            bias.row(0)[channel] = (bias.row(0)[channel] - mean[channel]) * factor + shift[channel]
        }
        return DepthwiseConvolution(weight: weight, bias: bias)
    }
}
