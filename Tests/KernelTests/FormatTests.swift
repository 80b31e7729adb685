import CKernels
import Foundation
import Testing

/// One entry of Fixtures/dequantized.json; make_dequantized.py beside it made it with the `gguf` package.
private struct DequantizedBlocks: Decodable {
    var type: UInt32
    var bytes: String
    var values: String

    var valueBits: [UInt32] { Hexadecimal.words(values) }

    static func load() throws -> [String: DequantizedBlocks] {
        let folder = URL(filePath: #filePath).deletingLastPathComponent()
        let data = try Data(contentsOf: folder.appending(path: "Fixtures/dequantized.json"))
        return try JSONDecoder().decode([String: DequantizedBlocks].self, from: data)
    }
}

@Suite struct FormatTests {
    @Test func everyFormatExpandsToTheBitsOfTheReference() throws {
        let fixture = try DequantizedBlocks.load()
        #expect(fixture.count == gh_type.all.count)
        for (name, blocks) in fixture {
            let bytes = Hexadecimal.bytes(blocks.bytes)
            let expected = blocks.valueBits
            #expect(expected.count >= 32)
            #expect(String(cString: try #require(gh_type_name(blocks.type))) == name)
            #expect(
                bytes.count
                    == expected.count / Int(gh_type_block_size(blocks.type))
                    * Int(gh_type_block_bytes(blocks.type)))

            var found = [Float](repeating: .nan, count: expected.count)
            #expect(gh_dequantize_row(blocks.type, bytes, &found, UInt64(expected.count)) == GH_OK)
            #expect(found.map(\.bitPattern) == expected, "\(name)")
        }
    }

    @Test func expansionTakesAnyAlignment() throws {
        for (name, blocks) in try DequantizedBlocks.load() {
            let shifted = [0] + Hexadecimal.bytes(blocks.bytes)
            let expected = blocks.valueBits
            var found = [Float](repeating: .nan, count: expected.count)
            let status = shifted.withUnsafeBytes {
                gh_dequantize_row(blocks.type, $0.baseAddress.map { $0 + 1 }, &found, UInt64(expected.count))
            }
            #expect(status == GH_OK)
            #expect(found.map(\.bitPattern) == expected, "\(name)")
        }
    }

    @Test func unknownTypesAndBrokenBlocksAreRefusedAndWriteNothing() {
        for type: UInt32 in [4, 5, 9, 15, 29, 31, 255, .max] {
            var out: [Float] = [7]
            #expect(
                gh_dequantize_row(type, [UInt8](repeating: 0, count: 512), &out, 1)
                    == GH_ERROR_UNSUPPORTED_TYPE)
            #expect(out == [7])
            #expect(gh_type_block_size(type) == 0)
            #expect(gh_type_block_bytes(type) == 0)
            #expect(gh_type_name(type) == nil)
        }
        for type in gh_type.all where gh_type_block_size(type.rawValue) > 1 {
            var out = [Float](repeating: 7, count: 33)
            let source = [UInt8](repeating: 0, count: 512)
            #expect(gh_dequantize_row(type.rawValue, source, &out, 33) == GH_ERROR_BAD_SHAPE)
            #expect(out == [Float](repeating: 7, count: 33))
        }
    }

    @Test func everyHalfExpandsAsTheLanguageDoes() {
        // Float16 has no home on every platform Swift runs on, so the value is spelled out: s · 2^e · 1.f.
        for bits in UInt16.min...UInt16.max {
            var found: Float = 0
            #expect(gh_dequantize_row(GH_TYPE_F16.rawValue, [bits], &found, 1) == GH_OK)
            let exponent = Int(bits >> 10 & 31)
            let fraction = Double(bits & 1023)
            let sign: Double = bits >> 15 == 0 ? 1 : -1
            if exponent == 31 {
                #expect(fraction == 0 ? found == Float(sign) * .infinity : found.isNaN)
            } else {
                let scale =
                    exponent == 0 ? 0x1p-24 : Double(sign: .plus, exponent: exponent - 25, significand: 1)
                #expect(found == Float(sign * scale * (exponent == 0 ? fraction : 1024 + fraction)))
            }
        }
    }
}
