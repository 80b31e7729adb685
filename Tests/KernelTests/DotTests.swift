import CKernels
import Testing

/// Paths that this processor can run.
let availablePaths = [GH_CPU_PORTABLE, GH_CPU_AVX2, GH_CPU_AVX512, GH_CPU_NEON].filter {
    gh_cpu_path_available($0) != 0
}

/// output[t][o], row-major.
private func dot(
    _ path: gh_cpu_path, _ weights: RandomMatrix, precise: Bool, _ activations: [Float], tokens: Int
) -> [Float] {
    var matrix = weights.matrix
    var output = [Float](repeating: .nan, count: tokens * Int(matrix.rows))
    let status = gh_dot(path, &matrix, precise ? 1 : 0, activations, UInt32(tokens), &output)
    #expect(status == GH_OK)
    return output
}

/// The same in float64, and for each output Σ |w·x|, which rounding errors are relative to.
private func exactDot(_ weights: [Float], cols: Int, _ activations: [Float]) -> [(
    value: Double, size: Double
)] {
    stride(from: 0, to: activations.count, by: cols).flatMap { token in
        stride(from: 0, to: weights.count, by: cols).map { row in
            var value = 0.0
            var size = 0.0
            for i in 0..<cols {
                let product = Double(weights[row + i]) * Double(activations[token + i])
                value += product
                size += abs(product)
            }
            return (value, size)
        }
    }
}

/// Activations as the integer kernels see them: multiples of each block's scale.
private func quantized(_ path: gh_cpu_path, _ activations: [Float]) -> [Float]? {
    var values = [Int16](repeating: 0, count: activations.count)
    var scales = [Float](repeating: 0, count: activations.count / 32)
    let status = gh_quantize_activations(path, activations, UInt32(activations.count), &values, &scales)
    guard status == GH_OK else { return nil }
    return values.indices.map { Float(values[$0]) * scales[$0 / 32] }
}

private let integerTypes = gh_type.all.filter { gh_type_block_size($0.rawValue) > 1 }

@Suite struct DotTests {
    @Test func preciseDotsMatchFloat64OnEveryPathAndType() {
        for path in availablePaths {
            for type in gh_type.all {
                var generator = SeededGenerator(seed: 1)
                let block = Int(gh_type_block_size(type.rawValue))
                // Odd sizes where the format has them; rows and tokens that leave every tile a remainder.
                for cols in block == 1
                    ? [1, 7, 8, 17, 31, 576, 1023] : [block, 3 * block, 1536 / block * block]
                {
                    let weights = RandomMatrix(type, rows: 7, cols: cols, using: &generator)
                    let activations = generator.floats(6 * cols)
                    let found = dot(path, weights, precise: true, activations, tokens: 6)
                    let expected = exactDot(weights.values, cols: cols, activations)
                    for (a, b) in zip(found, expected) {
                        #expect(abs(Double(a) - b.value) <= 1e-6 * b.size, "\(type.name), \(cols) columns")
                    }
                }
            }
        }
    }

    @Test func integerDotsAreExactOnWhatTheyQuantised() {
        for path in availablePaths {
            for type in integerTypes {
                var generator = SeededGenerator(seed: 2)
                let block = Int(gh_type_block_size(type.rawValue))
                for cols in block == 256 ? [256, 768, 2304] : [32, 96, 576, 1536] {
                    let weights = RandomMatrix(type, rows: 7, cols: cols, using: &generator)
                    let activations = generator.floats(6 * cols)
                    guard let seen = quantized(path, activations) else { continue }
                    let found = dot(path, weights, precise: false, activations, tokens: 6)
                    let expected = exactDot(weights.values, cols: cols, seen)
                    for (a, b) in zip(found, expected) {
                        #expect(abs(Double(a) - b.value) <= 1e-6 * b.size, "\(type.name), \(cols) columns")
                    }
                }
            }
        }
    }

    @Test func quantisedActivationsStayWithinHalfAStepAndTheLimit() {
        for path in availablePaths {
            var generator = SeededGenerator(seed: 3)
            let activations = generator.floats(640, in: -50...50) + [Float](repeating: 0, count: 32)
            var values = [Int16](repeating: 0, count: activations.count)
            var scales = [Float](repeating: 0, count: activations.count / 32)
            let count = UInt32(activations.count)
            guard gh_quantize_activations(path, activations, count, &values, &scales) == GH_OK else {
                continue
            }
            for i in activations.indices {
                #expect(abs(Int(values[i])) <= GH_QUANTUM_LIMIT)
                let error = abs(Float(values[i]) * scales[i / 32] - activations[i])
                #expect(error <= 0.5001 * scales[i / 32])
            }
            for block in scales.indices.dropLast() {
                #expect(values[32 * block..<32 * block + 32].contains { abs(Int($0)) == GH_QUANTUM_LIMIT })
            }
        }
    }

    @Test func vectorPathsAgreeWithThePortableOne() {
        for path in availablePaths where path != GH_CPU_PORTABLE {
            for type in gh_type.all {
                var generator = SeededGenerator(seed: 4)
                let weights = RandomMatrix(type, rows: 9, cols: 768, using: &generator)
                let activations = generator.floats(5 * 768)
                let size = exactDot(weights.values, cols: 768, activations).map(\.size)
                for precise in [true, false] {
                    let tolerance = precise || !integerTypes.contains(type) ? 1e-6 : 2e-3
                    let a = dot(GH_CPU_PORTABLE, weights, precise: precise, activations, tokens: 5)
                    let b = dot(path, weights, precise: precise, activations, tokens: 5)
                    for i in a.indices {
                        #expect(Double(abs(a[i] - b[i])) <= tolerance * size[i], "\(type.name)")
                    }
                }
            }
        }
    }

    @Test func aTokensBitsDoNotDependOnHowManyAreMultiplied() {
        for path in availablePaths {
            for type in gh_type.all {
                var generator = SeededGenerator(seed: 5)
                // More rows than two panels have, more blocks than a slice.
                let weights = RandomMatrix(type, rows: 43, cols: 768, using: &generator)
                let activations = generator.floats(19 * 768)
                for precise in [true, false] {
                    let together = dot(path, weights, precise: precise, activations, tokens: 19)
                    for company in [1, 2, 3, 4, 5, 6, 7, 9] {
                        let some = stride(from: 0, to: 19, by: company).flatMap { first in
                            let tokens = first..<min(19, first + company)
                            let rows = Array(activations[tokens.lowerBound * 768..<tokens.upperBound * 768])
                            return dot(path, weights, precise: precise, rows, tokens: tokens.count)
                        }
                        #expect(together.map(\.bitPattern) == some.map(\.bitPattern), "\(type.name)")
                    }
                }
            }
        }
    }

    @Test func moreTokensThanASliceHoldsKeepTheirBits() {
        for path in availablePaths {
            var generator = SeededGenerator(seed: 7)
            let weights = RandomMatrix(GH_TYPE_Q4_1, rows: 5, cols: 32, using: &generator)
            let activations = generator.floats(600 * 32)
            let together = dot(path, weights, precise: false, activations, tokens: 600)
            let last = dot(path, weights, precise: false, Array(activations[(590 * 32)...]), tokens: 10)
            #expect(together[(590 * 5)...].map(\.bitPattern) == last.map(\.bitPattern))
        }
    }

    @Test func theLargestFactorsDoNotOverflow() {
        // Every product at its limit: nibbles of 15 and Q8_0 weights of -128 against activations of ± the limit.
        for path in availablePaths {
            for (type, bytes) in [
                (GH_TYPE_Q4_0, [0, 0x3C] + [UInt8](repeating: 0xFF, count: 16)),
                (GH_TYPE_Q4_1, [0, 0x3C, 0, 0] + [UInt8](repeating: 0xFF, count: 16)),
                (GH_TYPE_Q8_0, [0, 0x3C] + [UInt8](repeating: 0x80, count: 32)),
            ] {
                for sign: Float in [1, -1] {
                    let activations = [Float](repeating: Float(GH_QUANTUM_LIMIT) * sign, count: 32)
                    var expanded = [Float](repeating: 0, count: 32)
                    #expect(gh_dequantize_row(type.rawValue, bytes, &expanded, 32) == GH_OK)
                    var found: Float = 0
                    let status = bytes.withUnsafeBytes { source in
                        var matrix = gh_matrix(
                            data: source.baseAddress, bias: nil, stride: 0, type: type.rawValue, rows: 1,
                            cols: 32, reserved: 0)
                        return gh_dot(path, &matrix, 0, activations, 1, &found)
                    }
                    #expect(status == GH_OK)
                    #expect(found == expanded.reduce(0, +) * Float(GH_QUANTUM_LIMIT) * sign, "\(type.name)")
                }
            }
        }
    }

    @Test func columnsOfAWiderMatrixGiveTheSumsOfThoseColumns() {
        for path in availablePaths {
            var generator = SeededGenerator(seed: 12)
            for type in gh_type.all {
                let whole = RandomMatrix(type, rows: 5, cols: 768, using: &generator)
                let values = whole.values
                var part = whole.matrix
                let block = Int(gh_type_block_size(type.rawValue))
                let bytes = Int(gh_type_block_bytes(type.rawValue))
                part.data = whole.matrix.data?.advanced(by: 256 / block * bytes)
                part.stride = UInt64(768 / block * bytes)
                part.cols = 512
                let activations = generator.floats(2 * 512)
                var found = [Float](repeating: .nan, count: 2 * 5)
                #expect(gh_dot(path, &part, 1, activations, 2, &found) == GH_OK)
                for token in 0..<2 {
                    for row in 0..<5 {
                        let expected = (0..<512).reduce(0.0) {
                            $0 + Double(values[row * 768 + 256 + $1]) * Double(activations[token * 512 + $1])
                        }
                        let error = abs(Double(found[token * 5 + row]) - expected)
                        #expect(error < 1e-3 * max(1, abs(expected)), "\(type.name)")
                    }
                }
                var quick = found
                #expect(gh_dot(path, &part, 0, activations, 2, &quick) == GH_OK)
                for (a, b) in zip(quick, found) {
                    #expect(abs(a - b) < 1e-2 * max(1, abs(b)), "\(type.name)")
                }
            }
        }
    }

    @Test func hostileActivationsSpoilNoOtherToken() {
        for path in availablePaths {
            var generator = SeededGenerator(seed: 6)
            for type in gh_type.all {
                let weights = RandomMatrix(type, rows: 3, cols: 256, using: &generator)
                let healthy = generator.floats(256)
                for value in [
                    Float.nan, .infinity, -.infinity, .greatestFiniteMagnitude, .leastNonzeroMagnitude,
                ] {
                    let hostile = [value] + generator.floats(254) + [value]
                    for precise in [true, false] {
                        let both = dot(path, weights, precise: precise, hostile + healthy, tokens: 2)
                        let alone = dot(path, weights, precise: precise, healthy, tokens: 1)
                        #expect(Array(both[3...]) == alone, "\(type.name)")
                    }
                }
            }
        }
    }
}
