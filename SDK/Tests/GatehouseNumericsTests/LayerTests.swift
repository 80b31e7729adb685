import Foundation
import GatehouseNumerics
import Testing

/// Layers against PyTorch: see `reference/make_references.py`.
@Suite struct LayerTests {
    private let references: References

    init() throws { references = try References() }

    @Test(arguments: [1, 2, 3])
    func aLinearLayerIsThatOfPyTorch(_ threads: Int) throws {
        let team = try ThreadTeam(threads: threads)
        let layer = Linear(weight: WeightMatrix(pattern(33, 24, seed: 2)), bias: pattern(1, 33, seed: 3))
        let y = Matrix(rows: 5, columns: 33)
        team.linear(pattern(5, 24, seed: 1), layer, into: y)
        expectNear(y, try references.floats("linear"))
        team.linear(pattern(5, 24, seed: 1), layer, addingTo: y)
        expectNear(y, try references.floats("linear").map { 2 * $0 })
        let gated = Matrix(rows: 5, columns: 33)
        team.gatedLinear(
            pattern(5, 24, seed: 1), gate: layer, up: Linear(weight: WeightMatrix(pattern(33, 24, seed: 4))),
            .silu, scratch: y, into: gated)
        expectNear(gated, try references.floats("gated"))
    }

    @Test func bitsDependOnNeitherThreadsNorCompany() throws {
        // Several depths of the product, panels and blocks of rows, none of them whole.
        let layer = Linear(
            weight: WeightMatrix(pattern(150, 1100, seed: 60)), bias: pattern(1, 150, seed: 61))
        let x = pattern(301, 1100, seed: 62)
        func made(_ threads: Int, _ rows: Range<Int>) throws -> [Float] {
            let team = try ThreadTeam(threads: threads)
            let y = Matrix(rows: rows.count, columns: 150)
            team.linear(x.rows(rows), layer, .gelu, into: y)
            let z = Matrix(rows: rows.count, columns: 150)
            team.attention(
                y, pattern(90, 150, seed: 63), pattern(90, 150, seed: 64), heads: 3, scale: 1, into: z)
            return z.elements
        }
        let whole = try made(1, 0..<301)
        #expect(try made(2, 0..<301) == whole)
        #expect(try made(5, 0..<301) == whole)
        #expect(try made(2, 250..<251) == Array(whole[250 * 150..<251 * 150]))
    }

    @Test(arguments: ["f16", "bf16", "int8"], [WeightReader.Residency.stored, .packed])
    func narrowWeightsCountAsTheNumbersTheyStandFor(
        _ format: String, _ residency: WeightReader.Residency
    ) throws {
        let team = try ThreadTeam(threads: 2)
        let layer = Linear(
            weight: try references.weight("linear.weight.\(format)", residency), bias: pattern(1, 33, seed: 3)
        )
        let y = Matrix(rows: 5, columns: 33)
        team.linear(pattern(5, 24, seed: 1), layer, into: y)
        expectNear(y, try references.floats("linear.\(format)"))
    }

    @Test(arguments: Activation.allCases.filter { $0 != .identity })
    func activationsAreThoseOfPyTorch(_ activation: Activation) throws {
        let x = pattern(3, 337, seed: 5, scale: 12)
        try ThreadTeam(threads: 2).activate(x, activation)
        expectNear(x, try references.floats(activation.rawValue), tolerance: 3e-7)
    }

    @Test func normalisationsAreThoseOfPyTorch() throws {
        let team = try ThreadTeam(threads: 2)
        let y = Matrix(rows: 4, columns: 50)
        team.normalize(
            pattern(4, 50, seed: 6),
            LayerNorm(weight: pattern(1, 50, seed: 7), bias: pattern(1, 50, seed: 8), epsilon: 1e-5), into: y)
        expectNear(y, try references.floats("layer_norm"))
        team.normalize(
            pattern(4, 50, seed: 6), RMSNorm(weight: pattern(1, 50, seed: 7), epsilon: 1e-5), into: y)
        expectNear(y, try references.floats("rms_norm"))
    }

    @Test func attentionIsThatOfPyTorchInOneBlockAndInMany() throws {
        let team = try ThreadTeam(threads: 2)
        // Side by side in one matrix, as a stacked projection leaves them.
        let few = Matrix(rows: 9, columns: 24)
        team.attention(
            pattern(9, 24, seed: 20, scale: 3), pattern(13, 24, seed: 21, scale: 3),
            pattern(13, 24, seed: 22, scale: 3), heads: 3, scale: 0.7, into: few)
        expectNear(few, try references.floats("attention.few"))
        let many = Matrix(rows: 70, columns: 8)
        team.attention(
            pattern(70, 8, seed: 30, scale: 3), pattern(2500, 8, seed: 31, scale: 3),
            pattern(2500, 8, seed: 32, scale: 3), heads: 2, scale: 0.7, into: many)
        // Scores reach 25, where float32 has six digits behind the point, and a sum has 2500 terms.
        expectNear(many, try references.floats("attention.many"), tolerance: 1e-5)
    }

    @Test func attentionWithVeryUnevenScoresStaysFinite() throws {
        let queries = Matrix(rows: 1, columns: 1, [100])
        let keys = Matrix(rows: 3, columns: 1, [-100, 100, -100])
        let values = Matrix(rows: 3, columns: 1, [1, 2, 3])
        let y = Matrix(rows: 1, columns: 1)
        try ThreadTeam(threads: 1).attention(queries, keys, values, heads: 1, scale: 1, into: y)
        #expect(y.row(0)[0] == 2)
    }

    @Test func attentionWithRelativePositionsIsItsFormula() throws {
        for threads in [1, 3] {
            let team = try ThreadTeam(threads: threads)
            let y = Matrix(rows: 9, columns: 24)
            team.attention(
                pattern(9, 24, seed: 80), first: 4, pattern(13, 24, seed: 81), pattern(13, 24, seed: 82),
                RelativeKeys(pattern(31, 24, seed: 83), heads: 3, team), content: pattern(1, 24, seed: 84),
                position: pattern(1, 24, seed: 85), scale: 0.7, into: y)
            expectNear(y, try references.floats("attention.relative"))
        }
    }

    @Test func relativePositionsDependInNoBitOnWhatElseIsThere() throws {
        // Several blocks of queries, and spans whose panels begin elsewhere.
        let team = try ThreadTeam(threads: 2)
        let (rows, keys) = (pattern(250, 24, seed: 86), pattern(250, 24, seed: 87))
        func made(_ span: Int, _ queries: Range<Int>) -> [Float] {
            let positions = RelativeKeys(
                RelativeKeys.sinusoids(span: span, width: 24), heads: 3, team)
            let y = Matrix(rows: queries.count, columns: 24)
            team.attention(
                rows.rows(queries), first: queries.lowerBound, keys, keys, positions,
                content: pattern(1, 24, seed: 84), position: pattern(1, 24, seed: 85), scale: 0.7, into: y)
            return y.elements
        }
        let whole = made(250, 0..<250)
        #expect(made(301, 0..<250) == whole)
        #expect(made(264, 131..<137) == Array(whole[131 * 24..<137 * 24]))
    }

    @Test func aDepthwiseConvolutionIsThatOfPyTorch() throws {
        let convolution = DepthwiseConvolution(
            weight: pattern(70, 5, seed: 91), bias: pattern(1, 70, seed: 92))
        let y = Matrix(rows: 17, columns: 70)
        try ThreadTeam(threads: 2).convolve(pattern(21, 70, seed: 90), convolution, .silu, into: y)
        expectNear(y, try references.floats("depthwise"))
    }

    @Test func aMelSpectrumIsThatOfTheReferencesFilters() throws {
        let mel = MelSpectrum(
            MelSpectrum.Configuration(
                rate: 16000, bands: 80, hop: 160, windowLength: 400, transformSize: 512, guardValue: 0x1p-24))
        let sound = pattern(1, 4000, seed: 95)
        let y = Matrix(rows: 23, columns: 80)
        mel.logarithms(sound.base, try ThreadTeam(threads: 2), into: y)
        expectNear(y, try references.floats("mel"), tolerance: 1e-6)
        // A frame is the same beside others and alone.
        let one = Matrix(rows: 1, columns: 80)
        mel.logarithms(sound.base + 20 * 160, try ThreadTeam(threads: 1), into: one)
        #expect(one.elements == Array(y.row(20)))
    }

    @Test func rotationIsThatOfPublishedModels() throws {
        let angles = pattern(6, 4, seed: 40)
        let x = pattern(6, 24, seed: 41)
        func turned(_ function: (Double) -> Double) -> Matrix {
            Matrix(
                rows: 6, columns: 4,
                (0..<6).flatMap { row in angles.row(row).map { Float(function(Double($0))) } })
        }
        try ThreadTeam(threads: 2).rotate(
            x, heads: 3, by: RotaryAngles(cosines: turned(cos), sines: turned(sin)))
        expectNear(x, try references.floats("rotated"))
    }
}
