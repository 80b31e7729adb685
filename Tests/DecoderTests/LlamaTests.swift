import Decoder
import Engine
import Foundation
import TestSupport
import Testing
import Weights

@Suite struct LlamaTests {
    private func tinyModel() -> GGUFBuilder { .tinyLlama() }

    private func model(_ builder: GGUFBuilder) throws -> DecoderModel {
        let source = try withFile(builder.bytes()) { try ModelSource(path: $0) }
        return try DecoderModel(source, options: .init(threads: 1, precise: true))
    }

    private func logits(_ builder: GGUFBuilder) throws -> [Float] {
        try model(builder).logits([3, 1, 4, 1, 5, 9, 2, 6])
    }

    @Test func factsComeFromTheFile() throws {
        let model = try model(tinyModel())
        #expect(model.family == "llama" && model.hidden == 32 && model.vocabulary == 40)
        #expect(model.contextLength == 128 && model.layerCount == 2)
        let embedding = tinyModel().tensors[0].data
        #expect(try model.embed([1]).flatMap { littleEndian($0.bitPattern) } == Array(embedding[128..<256]))
        #expect(try model.embed([]).isEmpty)
    }

    /// Values of one byte of mantissa, which float16 and bfloat16 hold exactly.
    @Test func normsOfEveryFloatTypeAreTheSameNumbers() throws {
        let values = (0..<32).map { Float($0 + 8) / 16 }
        var builder = tinyModel()
        let index = try #require(builder.tensors.firstIndex { $0.name == "blk.1.ffn_norm.weight" })
        builder.tensors[index] = .floats("blk.1.ffn_norm.weight", shape: [32], values)
        let expected = try logits(builder)
        #expect(expected.allSatisfy { $0.isFinite })
        #expect(try logits(tinyModel()) != expected)

        builder.tensors[index].type = TensorType.bf16.rawValue
        builder.tensors[index].data = values.flatMap { littleEndian(UInt16($0.bitPattern >> 16)) }
        #expect(try logits(builder) == expected)
        builder.tensors[index].type = TensorType.f16.rawValue
        builder.tensors[index].data = values.flatMap { littleEndian(Float16($0).bitPattern) }
        #expect(try logits(builder) == expected)
    }

    @Test func anOutputOfItsOwnTakesThePlaceOfTheEmbedding() throws {
        let tied = try logits(tinyModel())
        var builder = tinyModel()
        let floats = stride(from: 0, to: builder.tensors[0].data.count, by: 4).map { start in
            let bytes = builder.tensors[0].data[start..<start + 4]
            return Float(bitPattern: bytes.reversed().reduce(UInt32(0)) { $0 << 8 | UInt32($1) })
        }
        // Doubling is exact.
        builder.tensors.append(.floats("output.weight", shape: [40, 32], floats.map { 2 * $0 }))
        #expect(try logits(builder) == tied.map { 2 * $0 })
    }

    @Test func linearScalingDividesTheFrequencies() throws {
        let plain = try logits(tinyModel())
        var factors = tinyModel()
        factors.tensors.append(.floats("rope_freqs.weight", shape: [8], .init(repeating: 1, count: 8)))
        #expect(try logits(factors) == plain)
        factors.tensors[factors.tensors.count - 1] =
            .floats("rope_freqs.weight", shape: [8], .init(repeating: 4, count: 8))
        let scaled = try logits(factors)
        #expect(scaled != plain)

        var linear = tinyModel()
        linear.metadata.append(("llama.rope.scaling.type", .string("linear")))
        linear.metadata.append(("llama.rope.scaling.factor", .float32(4)))
        #expect(try logits(linear) == scaled)
    }

    /// What is wrong with a model, and what the message has to name.
    struct Wrong: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var names: [String]
        var change: @Sendable (inout GGUFBuilder) -> Void

        init(_ names: String..., change: @escaping @Sendable (inout GGUFBuilder) -> Void) {
            testDescription = names[0]
            self.names = names
            self.change = change
        }
    }

    static let wrong: [Wrong] = [
        Wrong("general.architecture", "one of llama", "found gpt-x") {
            $0.metadata[0].field = .string("gpt-x")
        },
        Wrong("general.architecture", "no such key") { $0.metadata.removeFirst() },
        Wrong("general.architecture", "a string", "found 5") { $0.metadata[0].field = .uint32(5) },
        Wrong("llama.block_count", "found 0") { $0.metadata[1].field = .uint32(0) },
        Wrong("llama.context_length", "no such key") { $0.metadata.remove(at: 2) },
        Wrong("llama.attention.head_count_kv", "a divisor of 2 heads", "found 3") {
            $0.metadata[6].field = .uint32(3)
        },
        Wrong("llama.attention.layer_norm_rms_epsilon", "above 0") { $0.metadata[7].field = .float32(.nan) },
        Wrong("llama.attention.key_length", "an even number", "found 7") {
            $0.metadata.append(("llama.attention.key_length", .uint32(7)))
        },
        Wrong("llama.rope.dimension_count", "up to 16", "found 18") {
            $0.metadata.append(("llama.rope.dimension_count", .uint32(18)))
        },
        Wrong("llama.rope.scaling.type", "none or linear", "found yarn") {
            $0.metadata.append(("llama.rope.scaling.type", .string("yarn")))
        },
        Wrong("llama.expert_count", "found 8 experts") {
            $0.metadata.append(("llama.expert_count", .uint32(8)))
        },
        Wrong("split.count", "one of 3 parts") {
            $0.metadata.append(("split.count", .init(type: 2, bytes: littleEndian(UInt16(3)))))
        },
        Wrong("blk.1.ffn_down.weight", "[32, 64]", "no such tensor") { $0.tensors.removeLast() },
        Wrong("blk.2.attn_norm.weight", "no such tensor") { $0.metadata[1].field = .uint32(1 << 20) },
        Wrong("token_embd.weight", "no such tensor") { $0.tensors.removeFirst() },
        Wrong("blk.0.attn_q.weight", "[32, 32]", "[16, 64]") { $0.tensors[3].extents = [64, 16] },
        Wrong("blk.0.attn_norm.weight", "F32, F16 or BF16", "Q8_0") {
            $0.tensors[2].type = TensorType.q8_0.rawValue
        },
        Wrong("blk.0.attn_q_norm.weight", "no such tensor") {
            $0.tensors.append(
                .floats("blk.0.attn_q_norm.weight", shape: [16], .init(repeating: 0, count: 16)))
        },
    ]

    @Test(arguments: wrong)
    func modelsThatCannotBeRunAreRefusedByName(_ wrong: Wrong) throws {
        var builder = tinyModel()
        wrong.change(&builder)
        let error = #expect(throws: (any Error).self) { try model(builder) }
        let message = "\(try #require(error))"
        for name in wrong.names { #expect(message.contains(name), "\(message)") }
        #expect(message.contains(".gguf"), "the file is named: \(message)")
    }

    /// Damage of every byte of the metadata in turn: the model may still run, but nothing may crash.
    @Test func noDamagedByteCrashesTheModel() throws {
        let sound = tinyModel().bytes()
        var metadata = tinyModel()
        metadata.tensors = []
        var refused = 0
        for index in metadata.bytes().indices {
            for value: UInt8 in [0, 0xff] {
                var bytes = sound
                bytes[index] = value
                do {
                    let source = try withFile(bytes) { try ModelSource(path: $0) }
                    _ = try DecoderModel(source, options: .init(threads: 1)).logits([0, 1])
                } catch {
                    refused += 1
                }
            }
        }
        #expect(refused > 200)
    }
}
