import CheckpointFixtures
import Decoder
import Engine
import Foundation
import Testing

/// What the head reads, handed back in its place.
@Suite struct StatesTests {
    private let tokens: [Int32] = [5, 9, 2, 77, 31, 8]

    private func states(_ model: DecoderModel, chunk: Int) throws -> [Float] {
        let pool = try KVPool(model, pages: KVPool.pages(for: tokens.count))
        var states: [Float] = []
        for start in stride(from: 0, to: tokens.count, by: chunk) {
            let rows = Array(tokens[start..<min(start + chunk, tokens.count)])
            states += try model.states(
                [
                    SequenceRows(
                        pages: Array(0..<UInt32(pool.pageCount)), length: start, tokens: rows,
                        logits: rows.count)
                ], pool: pool)
        }
        return states
    }

    @Test(arguments: [1, 2]) func theHeadOverThemGivesTheLogits(_ shards: Int) throws {
        // Its head is its embedding.
        let model = try CheckpointFixture("llama-tied").decoder(
            .safetensors, options: .init(threads: 2, precise: true, shards: shards))
        let found = try states(model, chunk: tokens.count)
        let logits = try model.logits(tokens)
        let head = try model.embed((0..<Int32(model.vocabulary)).map { $0 })
        for row in tokens.indices {
            for token in 0..<model.vocabulary {
                let product = (0..<model.hidden).reduce(0.0) { sum, index in
                    sum + Double(found[row * model.hidden + index])
                        * Double(head[token * model.hidden + index])
                }
                #expect(abs(product - Double(logits[row * model.vocabulary + token])) < 1e-4)
            }
        }
        #expect(try states(model, chunk: 1) == found)
        #expect(try states(model, chunk: 4) == found)
    }

    @Test func anEmbeddingIsTheirMeanAtLengthOne() throws {
        let model = try CheckpointFixture("glm4").decoder(.safetensors, options: .init(threads: 1))
        let states = try states(model, chunk: tokens.count)
        var mean = [Double](repeating: 0, count: model.hidden)
        for (index, value) in states.enumerated() { mean[index % model.hidden] += Double(value) }
        let length = mean.reduce(0) { $0 + $1 * $1 }.squareRoot()
        let found = try model.embedding(tokens)
        for (found, mean) in zip(found, mean) { #expect(abs(Double(found) - mean / length) < 1e-6) }
        #expect(try model.embedding(tokens, chunk: 2) == found)
        #expect(throws: CancellationError.self) { try model.embedding(tokens) { true } }
        #expect(throws: EngineError.self) { try model.embedding([]) }
    }
}
