import CKernels
import Foundation
import Testing

/// Fixtures/quantized.json; make_quantized.py beside it made it with the `gguf` package.
private struct QuantizedNumbers: Decodable {
    struct Kind: Decodable {
        var type: UInt32
        /// Two hexadecimal digits a byte, where the format has one canonical rounding.
        var bytes: String?
        /// The root of the mean squared error of plain rounding, where it has not.
        var error: Double?
    }

    var values: String
    var types: [String: Kind]

    var numbers: [Float] { Hexadecimal.words(values).map { Float(bitPattern: $0) } }

    static func load() throws -> QuantizedNumbers {
        let folder = URL(filePath: #filePath).deletingLastPathComponent()
        let data = try Data(contentsOf: folder.appending(path: "Fixtures/quantized.json"))
        return try JSONDecoder().decode(QuantizedNumbers.self, from: data)
    }
}

@Suite struct QuantizeTests {
    static let blockTypes = gh_type.all.filter { gh_type_block_size($0.rawValue) > 1 }

    private func quantized(_ type: UInt32, _ values: [Float]) throws -> [UInt8] {
        let blocks = values.count / Int(gh_type_block_size(type))
        var bytes = [UInt8](repeating: 0xA5, count: blocks * Int(gh_type_block_bytes(type)))
        try #require(gh_quantize_row(type, values, &bytes, UInt64(values.count)) == GH_OK)
        return bytes
    }

    private func expanded(_ type: UInt32, _ bytes: [UInt8]) throws -> [Float] {
        let blocks = bytes.count / Int(gh_type_block_bytes(type))
        var values = [Float](repeating: .nan, count: blocks * Int(gh_type_block_size(type)))
        try #require(gh_dequantize_row(type, bytes, &values, UInt64(values.count)) == GH_OK)
        return values
    }

    private func error(_ type: UInt32, _ values: [Float]) throws -> Double {
        let read = try expanded(type, try quantized(type, values))
        let squares = zip(read, values).map { pow(Double($0) - Double($1), 2) }
        return (squares.reduce(0, +) / Double(squares.count)).squareRoot()
    }

    @Test func canonicalFormatsHaveTheBytesOfTheReference() throws {
        let fixture = try QuantizedNumbers.load()
        var compared = 0
        for (name, kind) in fixture.types {
            guard let bytes = kind.bytes else { continue }
            #expect(try quantized(kind.type, fixture.numbers) == Hexadecimal.bytes(bytes), "\(name)")
            compared += 1
        }
        #expect(compared == 4)
    }

    @Test func smallTypesErrLessThanPlainRounding() throws {
        let fixture = try QuantizedNumbers.load()
        var errors: [String: Double] = [:]
        for (name, kind) in fixture.types {
            guard let reference = kind.error else { continue }
            let found = try error(kind.type, fixture.numbers)
            #expect(found < reference, "\(name): \(found), plain rounding \(reference)")
            errors[name] = reference
        }
        // The K types take half a bit less than Q4_1 and Q5_1, which round plainly here.
        let q4 = try error(GH_TYPE_Q4_K.rawValue, fixture.numbers)
        let q5 = try error(GH_TYPE_Q5_K.rawValue, fixture.numbers)
        let (plain4, plain5) = (try #require(errors["Q4_1"]), try #require(errors["Q5_1"]))
        #expect(q4 < plain4 && q5 < plain5)
        #expect(try error(GH_TYPE_Q6_K.rawValue, fixture.numbers) < q5)
    }

    /// Bound of Q8_0: half a step, and the rounding of the scale to a half (2^-11) times the largest code.
    @Test func errorsOfEightBitsStayWithinHalfAStep() throws {
        let values = try QuantizedNumbers.load().numbers
        let read = try expanded(GH_TYPE_Q8_0.rawValue, try quantized(GH_TYPE_Q8_0.rawValue, values))
        for start in stride(from: 0, to: values.count, by: 32) {
            let largest = values[start..<start + 32].map { Double(abs($0)) }.max() ?? 0
            let bound = largest / 127 * (0.5 + 127 * 0x1p-11) * (1 + 1e-6) + 0x1p-25 * 127
            for index in start..<start + 32 {
                #expect(abs(Double(read[index]) - Double(values[index])) <= bound)
            }
        }
    }

    @Test(arguments: blockTypes) func numbersThatAFormatHoldsComeBackExactly(_ type: gh_type) throws {
        // Every code of the format; of Q8_0 the ends, then any codes.
        let codes: [Int] =
            switch type {
            case GH_TYPE_Q4_0: Array(-8..<8) + Array(-8..<8)
            case GH_TYPE_Q4_1, GH_TYPE_Q4_K: Array(0..<16) + Array(0..<16)
            case GH_TYPE_Q5_0: Array(-16..<16)
            case GH_TYPE_Q5_1, GH_TYPE_Q5_K: Array(0..<32)
            // The lowest in each sub-block of 16.
            case GH_TYPE_Q6_K: (0..<64).map { $0 % 16 == 0 ? -32 : $0 - 32 }
            default: [-127, 127] + Array(0..<30)
            }
        // The steps of Q4_K and Q5_K are a half times 63, those of the others are a half.
        let step: Float = type == GH_TYPE_Q4_K || type == GH_TYPE_Q5_K ? 63 * 0x1p-12 : 0x1p-6
        let values = (0..<256).map { Float(codes[$0 % codes.count]) * step }
        #expect(try expanded(type.rawValue, try quantized(type.rawValue, values)) == values)
    }

    @Test(arguments: blockTypes) func degenerateBlocksStayFinite(_ type: gh_type) throws {
        let rows: [[Float]] = [
            .init(repeating: 0, count: 256), .init(repeating: -0.0, count: 256),
            .init(repeating: .leastNonzeroMagnitude, count: 256),
            (0..<256).map { Float($0) * Float.leastNormalMagnitude / 64 },
            (0..<256).map { $0 == 77 ? 6e4 : 1e-12 }, (0..<256).map { $0 == 5 ? -65_504 : 65_504 },
        ]
        for row in rows {
            let read = try expanded(type.rawValue, try quantized(type.rawValue, row))
            let largest = row.map(abs).max() ?? 0
            #expect(read.allSatisfy { $0.isFinite && abs($0) <= largest * 1.01 })
        }
        let constant = [Float](repeating: 0.375, count: 256)
        let read = try expanded(type.rawValue, try quantized(type.rawValue, constant))
        #expect(read.allSatisfy { abs($0 - 0.375) < 0.375 / 256 })
        let constantBelow = try expanded(type.rawValue, try quantized(type.rawValue, constant.map { -$0 }))
        #expect(constantBelow.allSatisfy { abs($0 + 0.375) < 0.375 / 256 })
    }

    @Test(arguments: blockTypes) func aRowIsItsBlocks(_ type: gh_type) throws {
        let values = Array(try QuantizedNumbers.load().numbers.prefix(1024))
        let size = Int(gh_type_block_size(type.rawValue))
        let blocks = try stride(from: 0, to: values.count, by: size).flatMap {
            try quantized(type.rawValue, Array(values[$0..<$0 + size]))
        }
        #expect(try quantized(type.rawValue, values) == blocks)
    }

    @Test func whatNoFormatHoldsIsRefusedAndWritesNothing() {
        for type in Self.blockTypes {
            let size = Int(gh_type_block_size(type.rawValue))
            for bad in [Float.nan, .infinity, -.infinity, 65_505] {
                var values = [Float](repeating: 1, count: size * 2)
                values[size + 3] = bad
                var bytes = [UInt8](repeating: 7, count: 2 * Int(gh_type_block_bytes(type.rawValue)))
                let status = gh_quantize_row(type.rawValue, values, &bytes, UInt64(values.count))
                #expect(status == GH_ERROR_BAD_VALUE && bytes.allSatisfy { $0 == 7 })
            }
            var bytes: [UInt8] = [7]
            #expect(gh_quantize_row(type.rawValue, [1], &bytes, 1) == GH_ERROR_BAD_SHAPE && bytes == [7])
        }
        var bytes: [UInt8] = [7]
        #expect(gh_quantize_row(4, [1], &bytes, 1) == GH_ERROR_UNSUPPORTED_TYPE && bytes == [7])
    }

    @Test func floatsThatAreNotFiniteStayWhatTheyAre() throws {
        for type in [GH_TYPE_F16, GH_TYPE_BF16, GH_TYPE_F32] {
            let read = try expanded(
                type.rawValue, try quantized(type.rawValue, [.nan, .infinity, -.infinity]))
            #expect(read[0].isNaN && read[1] == .infinity && read[2] == -.infinity)
        }
    }
}
