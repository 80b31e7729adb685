import GatehouseNumerics

/// Frames of features to fewer rows: convolutions over time and bands that each halve both, all but the first with one kernel
/// a channel and a product over channels after it.
struct Subsampling: Sendable {
    private static let kernel = 3
    /// Rows of time that are made at once, so that what they are made from stays in a core's cache.
    private static let together = 4

    private struct Stage: Sendable {
        let depthwise: DepthwiseConvolution
        let pointwise: Linear
    }

    private let bands: Int
    private let first: Linear
    private let stages: [Stage]
    private let output: Linear

    init(_ configuration: ConformerConfiguration, _ weights: WeightReader) throws(TensorFileError) {
        let channels = configuration.subsamplingChannels
        let size = Self.kernel * Self.kernel
        bands = configuration.bands
        first = Linear(
            weight: try weights.weight("layers.0.weight", [channels, 1, Self.kernel, Self.kernel]),
            bias: try weights.bias("layers.0", channels))
        var stages: [Stage] = []
        for stage in 1..<configuration.halvings {
            // A depthwise layer, one over channels, and an activation without weights.
            let name = "layers.\(3 * stage - 1)"
            let depthwise = try weights.floats("\(name).weight", [channels, 1, Self.kernel, Self.kernel])
            let pointwise = "layers.\(3 * stage)"
            stages.append(
                Stage(
                    depthwise: DepthwiseConvolution(
                        weight: depthwise.reshaped(columns: size), bias: try weights.bias(name, channels)),
                    pointwise: Linear(
                        weight: try weights.weight("\(pointwise).weight", [channels, channels, 1, 1]),
                        bias: try weights.bias(pointwise, channels))))
        }
        self.stages = stages
        // Its inputs are channels of bands there, bands of channels here; and the scale of the embeddings is in it.
        let left = configuration.bands >> configuration.halvings
        let inputs = channels * left
        let weight = try weights.floats("linear.weight", [configuration.width, inputs]).reshaped(
            columns: inputs)
        let turned = Matrix(uninitializedRows: configuration.width, columns: inputs)
        for row in 0..<configuration.width {
            let (from, to) = (weight.row(row), turned.row(row))
            for band in 0..<left {
                for channel in 0..<channels {
                    to[band * channels + channel] = from[channel * left + band] * configuration.inputScale
                }
            }
        }
        let bias = try weights.bias("linear", configuration.width)
        if let bias {
            for column in 0..<bias.columns { bias.row(0)[column] *= configuration.inputScale }
        }
        output = Linear(weight: WeightMatrix(turned), bias: bias)
    }

    /// Rows that come of so many frames.
    func rows(_ frames: Int) -> Int { (0...stages.count).reduce(frames) { count, _ in (count + 1) / 2 } }

    /// `[frames, bands]` to `[rows, width]`. Before and after the frames there are zeros.
    func apply(_ features: Matrix, _ team: ThreadTeam) -> Matrix {
        let channels = first.outputs
        var (rows, bands) = ((features.rows + 1) / 2, self.bands / 2)
        var x: Matrix
        if let stage = stages.first {
            (rows, bands) = ((rows + 1) / 2, bands / 2)
            x = Matrix(uninitializedRows: rows * bands, columns: channels)
            blocks(rows, team) { [x, bands] block in
                // The rows of the first convolution that these are made from, those outside of it zeros.
                let needed = 2 * block.lowerBound - 1..<2 * block.upperBound
                let made = convolved(features, needed)
                halve(
                    Rows(base: made, first: needed.lowerBound, end: needed.upperBound), bands, stage, block, x
                )
            }
        } else {
            x = Matrix(uninitializedRows: rows * bands, columns: channels)
            blocks(rows, team) { [x, bands] block in
                gathered(features, block) {
                    self.first.apply($0, .relu, into: x.rows(block.scaled(by: bands)))
                }
            }
        }
        for stage in stages.dropFirst() {
            let (before, count) = (x, rows)
            (rows, bands) = ((rows + 1) / 2, bands / 2)
            x = Matrix(uninitializedRows: rows * bands, columns: channels)
            blocks(rows, team) { [x, bands] block in
                halve(Rows(base: before, first: 0, end: count), bands, stage, block, x)
            }
        }
        let y = Matrix(uninitializedRows: rows, columns: output.outputs)
        team.linear(x.reshaped(columns: bands * channels), output, into: y)
        return y
    }

    /// Rows of time `first ..< end`, each of so many bands of channels.
    private struct Rows: Sendable {
        let base: Matrix
        let first: Int
        let end: Int
    }

    private func blocks(_ rows: Int, _ team: ThreadTeam, _ body: @Sendable (Range<Int>) -> Void) {
        let count = (rows + Self.together - 1) / Self.together
        team.forEach(count) { block in
            body(block * Self.together..<min(rows, (block + 1) * Self.together))
        }
    }

    /// What the first kernel sees for the rows of time, `[rows × bands, 9]`.
    private func gathered(_ features: Matrix, _ rows: Range<Int>, _ body: (Matrix) -> Void) {
        let size = Self.kernel * Self.kernel
        let half = bands / 2
        let patches = Matrix(rows: rows.count * half, columns: size)
        for row in rows {
            for dy in 0..<Self.kernel {
                let frame = 2 * row - 1 + dy
                guard (0..<features.rows).contains(frame) else { continue }
                let from = features.row(frame)
                for band in 0..<half {
                    let to = patches.row((row - rows.lowerBound) * half + band)
                    for dx in 0..<Self.kernel where (0..<bands).contains(2 * band - 1 + dx) {
                        to[dy * Self.kernel + dx] = from[2 * band - 1 + dx]
                    }
                }
            }
        }
        body(patches)
    }

    /// The first convolution's rows of time, `[rows × bands, channels]`; zeros outside of it.
    private func convolved(_ features: Matrix, _ rows: Range<Int>) -> Matrix {
        let half = bands / 2
        let inside = rows.clamped(to: 0..<(features.rows + 1) / 2)
        let made = Matrix(uninitializedRows: rows.count * half, columns: first.outputs)
        gathered(features, inside) { patches in
            let place = (inside.lowerBound - rows.lowerBound) * half
            first.apply(patches, .relu, into: made.rows(place..<place + patches.rows))
        }
        for row in rows where !inside.contains(row) {
            let place = (row - rows.lowerBound) * half
            for index in place..<place + half { made.row(index).update(repeating: 0) }
        }
        return made
    }

    /// Rows of time of half as many, of `bands` bands, from those twice as dense.
    private func halve(_ input: Rows, _ bands: Int, _ stage: Stage, _ rows: Range<Int>, _ output: Matrix) {
        let channels = stage.depthwise.channels
        let zeros = Matrix(rows: 1, columns: channels)
        let made = Matrix(uninitializedRows: rows.count * bands, columns: channels)
        withUnsafeTemporaryAllocation(of: UnsafePointer<Float>?.self, capacity: stage.depthwise.taps) {
            taps in
            guard let base = taps.baseAddress else { return }
            for row in rows {
                for band in 0..<bands {
                    for tap in 0..<taps.count {
                        let time = 2 * row - 1 + tap / Self.kernel
                        let place = 2 * band - 1 + tap % Self.kernel
                        let isInside =
                            time >= input.first && time < input.end && place >= 0 && place < 2 * bands
                        taps[tap] = UnsafePointer(
                            isInside
                                ? input.base.base + ((time - input.first) * 2 * bands + place) * channels
                                : zeros.base)
                    }
                    stage.depthwise.apply(
                        base, into: made.base + ((row - rows.lowerBound) * bands + band) * channels)
                }
            }
        }
        withExtendedLifetime(zeros) {}
        stage.pointwise.apply(made, .relu, into: output.rows(rows.scaled(by: bands)))
    }
}

extension Range<Int> {
    fileprivate func scaled(by factor: Int) -> Range<Int> { lowerBound * factor..<upperBound * factor }
}
