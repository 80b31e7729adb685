import CheckpointFixtures
import Decoder
import Engine
import Foundation
import Fusion
import TestSupport
import Testing
import Weights

/// Checkpoints as `gatehouse quantize` writes them, against what llama.cpp's converter wrote.
@Suite struct GGUFConversionTests {
    /// Each with the type that its weights have.
    static let checkpoints: [(name: String, type: GGUFConversion.Target)] = [
        ("llama-tied", .f32), ("llama-llama3", .bf16), ("llama-bias", .f16), ("glm4", .f32),
        ("glm4-sharded", .bf16), ("glm4v", .f32), ("glm4v-sharded", .bf16), ("glm4v-old-names", .f16),
    ]

    private static let tokenizer: @Sendable (Checkpoint, String, Int) throws -> [GGUFEntry] = {
        try $0.tokenizerEntries(architecture: $1, vocabulary: $2)
    }

    private func converted(
        _ source: ModelSource, _ target: GGUFConversion.Target
    ) throws -> GGUFFile {
        let conversion = try GGUFConversion(
            source, to: target, threads: 2, name: "test", tokenizer: Self.tokenizer)
        var bytes: [UInt8] = []
        try conversion.writer.write { bytes += $0 }
        return try withFile(bytes) { try GGUFFile(path: $0) }
    }

    private func checkpoint(_ name: String) throws -> ModelSource {
        try ModelSource(path: CheckpointFixture(name).path(.safetensors))
    }

    @Test(arguments: checkpoints)
    func weightsAreTheConverters(_ name: String, _ target: GGUFConversion.Target) throws {
        let found = try converted(try checkpoint(name), target)
        let expected = try GGUFFile(path: CheckpointFixture(name).path(.gguf))
        #expect(Set(found.tensors.map(\.name)) == Set(expected.tensors.map(\.name)))
        for tensor in expected.tensors {
            let mine = try #require(found.tensor(named: tensor.name))
            #expect(mine.shape == tensor.shape && mine.type == tensor.type, "\(tensor.name)")
            guard tensor.name != "rope_freqs.weight" else {
                // The converter computes these in float32.
                let values = zip(
                    mine.bytes.bindMemory(to: Float.self), tensor.bytes.bindMemory(to: Float.self))
                #expect(values.allSatisfy { abs($0 / $1 - 1) < 1e-6 })
                continue
            }
            #expect(Array(mine.bytes) == Array(tensor.bytes), "\(tensor.name)")
        }
        // What is not written are hints for sampling and a name for the size.
        for key in expected.metadata.keys
        where !key.hasPrefix("general.sampling.") && !["general.name", "general.size_label"].contains(key) {
            let (mine, theirs) = (found.metadata.entry(key), expected.metadata.entry(key))
            #expect(mine == theirs, "\(key): \(found.metadata[key]?.description ?? "nothing")")
        }
    }

    @Test func ggufFilesKeepTheirMetadata() throws {
        let source = try GGUFFile(path: CheckpointFixture("glm4").path(.gguf))
        let found = try converted(.gguf(source), .q8_0)
        let own = ["general.file_type", "general.quantization_version"]
        for key in source.metadata.keys where !own.contains(key) {
            #expect(found.metadata[key]?.description == source.metadata[key]?.description, "\(key)")
        }
        #expect(try found.metadata.integer("general.file_type") == 7)
        #expect(found.metadata.keys.filter { own.contains($0) }.count == 2)
    }

    @Test func rowsThatNoBlockDividesFallBack() throws {
        let source = try checkpoint("llama-llama3")
        let conversion = try GGUFConversion(
            source, to: .q4_k, threads: 1, name: "test", tokenizer: Self.tokenizer)
        let file = try converted(source, .q4_k)
        for tensor in file.tensors {
            // Rows of 32 and 64 are no multiple of 256; those of 72 are none of 32 either.
            let expected: TensorType =
                tensor.shape.count == 1 ? .f32 : tensor.shape[1].isMultiple(of: 32) ? .q8_0 : .f16
            #expect(tensor.type == expected, "\(tensor.name)")
        }
        #expect(conversion.fallbacks.count == file.tensors.count { $0.shape.count == 2 })
        #expect(conversion.fallbacks.contains { $0.name == "blk.1.ffn_down.weight" && $0.type == .f16 })
    }

    @Test func weightsQuantisedAsTheyLoadAreThoseOfAQuantisedFile() throws {
        let source = try checkpoint("llama-bias")
        let file = try converted(source, .q8_0)
        let tokens: [Int32] = (0..<40).map { ($0 * 37 + 11) % 276 }
        let expected = try DecoderModel(.gguf(file), options: .init(threads: 1, precise: true)).logits(tokens)
        let loaded = try [(1, 1), (2, 1), (2, 2)].map { threads, shards in
            try DecoderModel(
                source, options: .init(threads: threads, precise: true, shards: shards, quantization: .int8)
            ).logits(tokens)
        }
        #expect(loaded[0] == loaded[1])
        // The file has the dimensions of a head in another order, so that sums are rounded otherwise. Of two parts, each
        // has half the columns of attention's output, 16, which no block divides: they stay float16.
        let largest = expected.map(abs).max() ?? 0
        for (logits, bound) in zip(loaded, [1e-5, 1e-5, 0.03] as [Float]) {
            #expect(zip(logits, expected).allSatisfy { abs($0 - $1) < largest * bound })
        }
    }

    @Test(arguments: [WeightQuantization.int8, .int4], ["llama-tied", "glm4-sharded", "glm4v"])
    func quantisedCheckpointsStayCloseToTheirFloats(_ quantization: WeightQuantization, _ name: String) throws
    {
        let source = try checkpoint(name)
        let tokens: [Int32] = (0..<32).map { ($0 * 53 + 7) % 276 }
        let exact = try DecoderModel(source, options: .init(threads: 2, precise: true)).logits(tokens)
        let quantised = try DecoderModel(
            source, options: .init(threads: 2, precise: true, quantization: quantization)
        ).logits(tokens)
        let error = zip(quantised, exact).reduce(0.0) { $0 + pow(Double($1.0 - $1.1), 2) }
        let size = exact.reduce(0.0) { $0 + pow(Double($1), 2) }
        let relative = (error / size).squareRoot()
        #expect(relative > 0 && relative < (quantization == .int8 ? 0.03 : 0.35), "\(relative)")
    }

    @Test func progressEndsWhereTheFileDoes() throws {
        final class Seen: @unchecked Sendable {  // used on one thread
            var reports: [(done: Int, total: Int)] = []
        }
        let seen = Seen()
        let source = try checkpoint("llama-tied")
        let conversion = try GGUFConversion(
            source, to: .q8_0, threads: 2, name: "test", tokenizer: Self.tokenizer,
            progress: LoadProgress { seen.reports.append(($0, $1)) })
        try conversion.writer.write { _ in }
        let total = source.weights.tensors.reduce(0) { $0 + $1.byteCount }
        #expect(seen.reports.allSatisfy { $0.total == total } && seen.reports.last?.done == total)
        #expect(zip(seen.reports, seen.reports.dropFirst()).allSatisfy { $0.done < $1.done })
    }
}
