import GatehouseNumerics
import Pictures

/// Pictures to a row a patch by a small ResNet: a convolution of 5 × 5 and basic blocks (He et al., 2015), each of which halves
/// height and width and doubles the channels, with the shortcut of ResNet-D (He et al., 2019). Batch normalisation is in the
/// weights. Under a Vision Transformer it is the hybrid of Dosovitskiy et al. (2021).
struct ResidualStem: Sendable {
    private struct Block: Sendable {
        let first: Convolution2D
        let second: Convolution2D
        /// Of the mean of each 2 × 2 rows.
        let shortcut: Linear
    }

    private let patch: Int
    private let first: Convolution2D
    private let blocks: [Block]

    /// `width` channels come out, where a patch has a side of `patch`, a power of two that is at most `width`.
    init(width: Int, patch: Int, _ weights: WeightReader) throws(TensorFileError) {
        func convolution(
            _ name: String, _ inputs: Int, _ outputs: Int, side: Int, stride: Int
        ) throws(TensorFileError) -> Convolution2D {
            Convolution2D(
                layer: Linear(
                    weight: try weights.weight("\(name).weight", [outputs, inputs, side, side]),
                    bias: try weights.bias(name, outputs)),
                kernel: (side, side), stride: (stride, stride), padding: (side / 2, side / 2))
        }
        var channels = 2 * width / patch
        first = try convolution("first", 3, channels, side: 5, stride: 2)
        var blocks: [Block] = []
        while channels < width {
            let name = "blocks.\(blocks.count)"
            blocks.append(
                Block(
                    first: try convolution("\(name).first", channels, 2 * channels, side: 3, stride: 2),
                    second: try convolution("\(name).second", 2 * channels, 2 * channels, side: 3, stride: 1),
                    shortcut: Linear(
                        weight: try weights.weight(
                            "\(name).shortcut.weight", [2 * channels, channels, 1, 1]))))
            channels *= 2
        }
        self.patch = patch
        self.blocks = blocks
    }

    /// A row for each patch of the grid. `levels` normalises the picture's samples.
    func rows(
        _ image: PixelImage, _ grid: PatchGrid, _ levels: [Float], _ team: ThreadTeam
    ) -> Matrix {
        var (height, width) = (grid.rows * patch, grid.columns * patch)
        var x = Matrix(uninitializedRows: height * width, columns: 3)
        for row in 0..<height {
            for column in 0..<width {
                let pixel = x.row(row * width + column)
                for channel in 0..<3 {
                    let sample = image.samples[(row * image.width + column) * 3 + channel]
                    pixel[channel] = levels[channel * 256 + Int(sample)]
                }
            }
        }
        x = convolved(x, &height, &width, first, team)
        rectify(x)
        for block in blocks {
            let pooled = halved(x, height, width)
            let middle = convolved(x, &height, &width, block.first, team)
            rectify(middle)
            x = convolved(middle, &height, &width, block.second, team)
            team.linear(pooled, block.shortcut, addingTo: x)
            rectify(x)
        }
        return x
    }

    /// Rows of channels to rows of channels; the extents become those of the output.
    private func convolved(
        _ x: Matrix, _ height: inout Int, _ width: inout Int, _ convolution: Convolution2D,
        _ team: ThreadTeam
    ) -> Matrix {
        let input = Planes(
            channels: x.columns, height: height, width: width, base: x.base, channelStride: 1,
            rowStride: width * x.stride, columnStride: x.stride)
        (height, width) = convolution.outputSize(height: height, width: width)
        let y = Matrix(uninitializedRows: height * width, columns: convolution.layer.outputs)
        team.convolve(input, convolution, into: y)
        withExtendedLifetime(x) {}
        return y
    }

    private func rectify(_ x: Matrix) {
        for row in 0..<x.rows {
            let row = x.row(row)
            for column in row.indices { row[column] = max(0, row[column]) }
        }
    }

    /// Means of 2 × 2 rows.
    private func halved(_ x: Matrix, _ height: Int, _ width: Int) -> Matrix {
        let made = Matrix(uninitializedRows: height / 2 * (width / 2), columns: x.columns)
        for y in 0..<height / 2 {
            for place in 0..<width / 2 {
                let corner = 2 * y * width + 2 * place
                let (a, b) = (x.row(corner), x.row(corner + 1))
                let (c, d) = (x.row(corner + width), x.row(corner + width + 1))
                let row = made.row(y * (width / 2) + place)
                for column in row.indices {
                    row[column] = (a[column] + b[column] + c[column] + d[column]) / 4
                }
            }
        }
        return made
    }
}
