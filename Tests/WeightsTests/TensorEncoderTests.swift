import CKernels
import GatehouseTensorFiles
import TestSupport
import Testing
import Weights

@Suite struct TensorEncoderTests {
    /// Keeps the numbers of a tensor.
    private final class Numbers: Sendable {
        let bytes: [UInt8]

        init(_ numbers: [Float]) {
            bytes = numbers.withUnsafeBytes(Array.init)
        }
    }

    /// A tensor of a mapped file, as encoders get them.
    private func tensor(_ shape: [Int], _ numbers: [Float]) throws -> Tensor {
        var builder = GGUFBuilder()
        builder.tensors = [.floats("t", shape: shape, numbers)]
        return try #require(try withFile(builder.bytes()) { try GGUFFile(path: $0) }.tensor(named: "t"))
    }

    private func encoded(_ encoder: TensorEncoder, _ rows: Range<Int>? = nil) throws -> [UInt8] {
        var bytes: [UInt8] = []
        try encoder.encode(rows ?? 0..<encoder.rows) { bytes += $0 }
        return bytes
    }

    private func quantized(_ type: TensorType, _ numbers: [Float]) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: numbers.count / type.blockElements * type.blockBytes)
        #expect(gh_quantize_row(type.rawValue, numbers, &bytes, UInt64(numbers.count)) == GH_OK)
        return bytes
    }

    private static let numbers: [Float] = {
        var generator = SplitMix64(state: 5)
        return (0..<37 * 96).map { _ in Float.random(in: -1...1, using: &generator) }
    }()

    @Test func bytesDoNotDependOnThreads() throws {
        let tensor = try tensor([37, 96], Self.numbers)
        let alone = try encoded(TensorEncoder(tensor, of: "f", as: .q4_1, threads: 1))
        #expect(alone == quantized(.q4_1, Self.numbers))
        for threads in [2, 5, 64] {
            #expect(try encoded(TensorEncoder(tensor, of: "f", as: .q4_1, threads: threads)) == alone)
        }
    }

    @Test func largeTensorsComeInPieces() throws {
        // Rows of 1 MB, four of which make a piece.
        let numbers = (0..<9 << 18).map { Float($0 % 251) - 125 }
        let tensor = try tensor([9, 1 << 18], numbers)
        var pieces = 0
        var read = 0
        var bytes: [UInt8] = []
        try TensorEncoder(tensor, of: "f", as: .q8_0, threads: 2).encode(0..<9) {
            read += $0
        } append: {
            pieces += 1
            bytes += $0
        }
        #expect(pieces == 3 && read == tensor.byteCount && bytes == quantized(.q8_0, numbers))
        // The pages were given back; they are there again when they are asked for.
        #expect(Array(tensor.bytes.bindMemory(to: Float.self)) == numbers)
    }

    @Test func rowsAndColumnsAreCutOut() throws {
        let tensor = try tensor([37, 96], Self.numbers)
        let encoder = TensorEncoder(tensor, of: "f", as: .q5_0, columns: 32..<64, threads: 3)
        let expected = (4..<9).flatMap { Array(Self.numbers[$0 * 96 + 32..<$0 * 96 + 64]) }
        #expect(try encoded(encoder, 4..<9) == quantized(.q5_0, expected))
    }

    @Test func rowsComeInTheOrderAskedFor() throws {
        let tensor = try tensor([37, 96], Self.numbers)
        let encoder = TensorEncoder(tensor, of: "f", as: .f16, order: { 36 - $0 }, threads: 2)
        let expected = (0..<37).flatMap { Array(Self.numbers[(36 - $0) * 96..<(37 - $0) * 96]) }
        #expect(try encoded(encoder) == quantized(.f16, expected))
        let vector = try self.tensor([3], [1, 2, 3])
        let turned = TensorEncoder(vector, of: "f", as: .f32, order: { 2 - $0 }, threads: 2)
        #expect(try encoded(turned) == Numbers([3, 2, 1]).bytes)
    }

    @Test func numbersThatCannotBeEncodedAreNamed() throws {
        var numbers = Self.numbers
        numbers[21 * 96 + 7] = .infinity
        numbers[30 * 96] = .nan
        let tensor = try tensor([37, 96], numbers)
        let error = #expect(throws: TensorFileError.self) {
            try encoded(TensorEncoder(tensor, of: "weights", as: .q8_0, threads: 1))
        }
        #expect(error?.path == "weights" && error?.field == "tensor t")
        #expect(error?.found == "another one in row 21")
    }
}
