import CheckpointFixtures
import Decoder
import Engine
import Foundation
import Testing

/// Tensor parallelism inside one process: every part computes its share, and the sums are the whole's.
@Suite struct ShardTests {
    private static let tokens: [Int32] = (0..<70).map { ($0 * 37 + 11) % 276 }

    private func logits(_ model: String, shards: Int, threads: Int = 1) throws -> [Float] {
        let decoder = try CheckpointFixture(model).decoder(
            .gguf, options: .init(threads: threads, precise: true, shards: shards))
        var all: [Float] = []
        try decoder.logits(Self.tokens, chunk: 33) { all += $0 }
        return all
    }

    private func relativeError(_ found: [Float], _ expected: [Float]) -> Double {
        let difference = zip(found, expected).reduce(0.0) { $0 + pow(Double($1.0) - Double($1.1), 2) }
        return (difference / expected.reduce(0.0) { $0 + pow(Double($1), 2) }).squareRoot()
    }

    @Test(arguments: ["llama-llama3", "glm4", "glm4v-sharded", "llama-bias"])
    func partsGiveTheWholesLogits(_ model: String) throws {
        let whole = try logits(model, shards: 1)
        let halves = try logits(model, shards: 2)
        #expect(relativeError(halves, whole) < 1e-5)
        #expect(try logits(model, shards: 2, threads: 4) == halves)
    }

    @Test func asManyPartsAsHeadsShareTheKeys() throws {
        // Four heads over two key heads: two parts read the same one.
        let whole = try logits("llama-llama3", shards: 1)
        let parts = try logits("llama-llama3", shards: 4)
        #expect(relativeError(parts, whole) < 1e-5)
    }

    @Test func aDecoderThatCannotBeCutIsRefusedByWhatStands() throws {
        let error = #expect(throws: DecoderError.self) {
            try CheckpointFixture("llama-llama3").decoder(.gguf, options: .init(threads: 1, shards: 3))
        }
        #expect(error?.description.contains("attention heads: expected a number that 3 parts") == true)
    }

    @Test func aPartThatIsRefusedLetsTheOthersGo() throws {
        let decoder = try CheckpointFixture("llama-llama3").decoder(
            .gguf, options: .init(threads: 1, shards: 2))
        let pool = try KVPool(decoder, pages: 1)
        var logits: [Float] = []
        let bad = SequenceRows(
            pages: [0], length: 0, tokens: [1], gates: [GatedSpan(rows: 3..<3, logWeight: 0)], logits: 1)
        #expect(throws: DecoderError.self) { try decoder.step([bad], pool: pool, logits: &logits) }
        try decoder.step(
            [SequenceRows(pages: [0], length: 0, tokens: [1], logits: 1)], pool: pool, logits: &logits)
        #expect(logits.prefix(decoder.vocabulary).allSatisfy { $0.isFinite })
    }
}
