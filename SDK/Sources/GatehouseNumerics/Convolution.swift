// A view that is only read here; whoever makes it keeps the memory.
/// Channels of samples in memory: element (c, y, x) stands at `base + c · channelStride + y · rowStride + x · columnStride`.
/// Planes and interleaved rows are both written so; sound has a height of 1.
public struct Planes: @unchecked Sendable {
    public let channels: Int
    public let height: Int
    public let width: Int
    public let base: UnsafePointer<Float>
    public let channelStride: Int
    public let rowStride: Int
    public let columnStride: Int

    public init(
        channels: Int, height: Int, width: Int, base: UnsafePointer<Float>, channelStride: Int,
        rowStride: Int, columnStride: Int = 1
    ) {
        self.channels = channels
        self.height = height
        self.width = width
        self.base = base
        self.channelStride = channelStride
        self.rowStride = rowStride
        self.columnStride = columnStride
    }
}

/// A convolution in two dimensions. As the output of one is rows of channels, `[places, outputs]`, a chain of them reads
/// those by a ``Planes`` whose channels stand next to each other.
public struct Convolution2D: Sendable {
    /// Weights `[outputs, channels × kernel height × kernel width]`, as PyTorch lays them out.
    public let layer: Linear
    public let kernel: (height: Int, width: Int)
    public let stride: (height: Int, width: Int)
    /// Zeros that the input is thought to have on each side.
    public let padding: (height: Int, width: Int)

    public init(
        layer: Linear, kernel: (height: Int, width: Int), stride: (height: Int, width: Int) = (1, 1),
        padding: (height: Int, width: Int) = (0, 0)
    ) {
        precondition(
            kernel.height > 0 && kernel.width > 0 && stride.height > 0 && stride.width > 0
                && padding.height >= 0 && padding.width >= 0
                && layer.inputs % (kernel.height * kernel.width) == 0,
            "a kernel has extents, and weights of whole channels")
        self.layer = layer
        self.kernel = kernel
        self.stride = stride
        self.padding = padding
    }

    public var channels: Int { layer.inputs / (kernel.height * kernel.width) }

    /// Extents of the output for an input of `height` × `width`; 0 where the kernel does not fit.
    public func outputSize(height: Int, width: Int) -> (height: Int, width: Int) {
        (
            max(0, (height + 2 * padding.height - kernel.height) / stride.height + 1),
            max(0, (width + 2 * padding.width - kernel.width) / stride.width + 1)
        )
    }
}

extension ThreadTeam {
    /// Rows of output, `[height × width, outputs]`, row by row of the picture.
    public func convolve(_ input: Planes, _ convolution: Convolution2D, into output: Matrix) {
        let size = convolution.outputSize(height: input.height, width: input.width)
        precondition(input.channels == convolution.channels, "channels fit")
        precondition(
            output.rows == size.height * size.width && output.columns == convolution.layer.outputs,
            "the output is [height × width, outputs]")
        // So many at once that what they see fits the cache.
        let most = max(1, (1 << 20) / convolution.layer.inputs)
        let patches = Matrix(uninitializedRows: min(most, output.rows), columns: convolution.layer.inputs)
        for first in Swift.stride(from: 0, to: output.rows, by: most) {
            let places = first..<min(output.rows, first + most)
            let part = patches.rows(0..<places.count)
            split(places.count) { rows in
                for row in rows {
                    let place = first + row
                    convolution.gather(
                        input, y: place / size.width, x: place % size.width, into: part.row(row))
                }
            }
            linear(part, convolution.layer, into: output.rows(places))
        }
    }
}

extension Convolution2D {
    /// What the kernel sees for one place of the output: `[channels, kernel height, kernel width]`.
    func gather(_ input: Planes, y: Int, x: Int, into row: UnsafeMutableBufferPointer<Float>) {
        let top = y * stride.height - padding.height
        let left = x * stride.width - padding.width
        if input.channelStride == 1, let base = row.baseAddress {
            // Channels next to each other are read as they stand.
            let taps = kernel.height * kernel.width
            for tap in 0..<taps {
                let (dy, dx) = (top + tap / kernel.width, left + tap % kernel.width)
                let isInside = dy >= 0 && dy < input.height && dx >= 0 && dx < input.width
                let pixel = input.base + (isInside ? dy * input.rowStride + dx * input.columnStride : 0)
                for channel in 0..<input.channels {
                    (base + channel * taps + tap).pointee = isInside ? pixel[channel] : 0
                }
            }
            return
        }
        var index = 0
        for channel in 0..<input.channels {
            for dy in top..<top + kernel.height {
                let line = input.base + channel * input.channelStride + dy * input.rowStride
                if dy >= 0, dy < input.height, left >= 0, left + kernel.width <= input.width,
                    input.columnStride == 1, let start = row.baseAddress
                {
                    (start + index).update(from: line + left, count: kernel.width)
                    index += kernel.width
                    continue
                }
                for dx in left..<left + kernel.width {
                    let inside = dy >= 0 && dy < input.height && dx >= 0 && dx < input.width
                    row[index] = inside ? line[dx * input.columnStride] : 0
                    index += 1
                }
            }
        }
    }
}
