import GatehouseNumerics
import Testing

/// Convolution and resizing against PyTorch and Pillow: see `reference/make_references.py`.
@Suite struct PictureTests {
    private let references: References

    init() throws { references = try References() }

    @Test(arguments: ["plain", "strided"])
    func aConvolutionIsThatOfPyTorchFromPlanesAndFromPixels(_ name: String) throws {
        let team = try ThreadTeam(threads: 2)
        let layer = Linear(weight: WeightMatrix(pattern(7, 36, seed: 51)), bias: pattern(1, 7, seed: 52))
        let convolution =
            name == "plain"
            ? Convolution2D(layer: layer, kernel: (3, 4))
            : Convolution2D(layer: layer, kernel: (3, 4), stride: (2, 3), padding: (1, 2))
        let size = convolution.outputSize(height: 11, width: 14)
        let y = Matrix(rows: size.height * size.width, columns: 7)
        let planes = pattern(3 * 11, 14, seed: 50)
        team.convolve(
            Planes(
                channels: 3, height: 11, width: 14, base: planes.base, channelStride: 11 * 14, rowStride: 14),
            convolution, into: y)
        expectNear(y, try references.floats("convolution.\(name)"))

        let pixels = Matrix(rows: 11 * 14, columns: 3)
        for place in 0..<11 * 14 {
            for channel in 0..<3 { pixels.row(place)[channel] = planes.base[channel * 11 * 14 + place] }
        }
        let same = Matrix(rows: y.rows, columns: 7)
        team.convolve(
            Planes(
                channels: 3, height: 11, width: 14, base: pixels.base, channelStride: 1, rowStride: 14 * 3,
                columnStride: 3), convolution, into: same)
        expectNear(same, try references.floats("convolution.\(name)"))
    }

    @Test(arguments: ["bicubic", "bilinear"], [(9, 4), (6, 6), (3, 17), (1, 1)])
    func aGridIsInterpolatedAsPyTorchDoes(_ mode: String, _ size: (height: Int, width: Int)) throws {
        // The script's grid has channels outermost.
        let planes = pattern(5, 36, seed: 60)
        let rows = Matrix(
            rows: 36, columns: 5, (0..<36).flatMap { place in (0..<5).map { planes.row($0)[place] } })
        let y = Matrix(rows: size.height * size.width, columns: 5)
        try ThreadTeam(threads: 2).interpolate(
            rows, from: (6, 6), to: size, mode == "bicubic" ? .bicubic : .bilinear, into: y)
        expectNear(y, try references.floats("grid.\(mode).\(size.height).\(size.width)"))
    }

    @Test(
        arguments: [ResamplingFilter.bilinear, .bicubic, .lanczos],
        [(10, 16), (23, 16), (60, 37), (1, 1), (29, 90)])
    func aPictureIsResizedAsPillowDoesToTheBit(
        _ filter: ResamplingFilter, _ size: (height: Int, width: Int)
    ) throws {
        let resized = try ThreadTeam(threads: 2).resize(
            picture(23, 37, 3, seed: 70), width: size.width, height: size.height, filter: filter)
        #expect(
            resized.samples == (try references.bytes("picture.\(filter).\(size.height).\(size.width)")))
    }

    @Test(
        arguments: [ResamplingFilter.bilinear, .bicubic],
        [(10, 16), (23, 16), (60, 37), (1, 1), (29, 90)])
    func aPictureIsResizedAsPyTorchDoesToTheBit(
        _ filter: ResamplingFilter, _ size: (height: Int, width: Int)
    ) throws {
        let resized = try ThreadTeam(threads: 2).resize(
            picture(23, 37, 3, seed: 70), width: size.width, height: size.height, filter: filter,
            precision: .pytorch)
        #expect(
            resized.samples
                == (try references.bytes("picture.pytorch.\(filter).\(size.height).\(size.width)")))
    }

    @Test func asManyChannelsAsThereAreAreResized() throws {
        let resized = try ThreadTeam(threads: 1).resize(
            picture(1, 1, 1, seed: 71), width: 3, height: 2, filter: .bicubic)
        #expect(resized.samples == (try references.bytes("picture.grey")))
    }
}
