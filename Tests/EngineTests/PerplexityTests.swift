import Decoder
import Engine
import Foundation
import TestSupport
import Testing

@Suite struct PerplexityTests {
    private static let tokens: [Int32] = (0..<50).map { ($0 * 7 + $0 / 3) % 40 }

    /// -log p of each token of `tokens` but the first, from the logits of one reading.
    private func losses(_ model: DecoderModel, _ tokens: [Int32]) throws -> [Double] {
        let logits = try model.logits(tokens)
        return tokens.indices.dropLast().map { position in
            let row = logits[position * model.vocabulary..<(position + 1) * model.vocabulary].map(Double.init)
            return log(row.reduce(0) { $0 + exp($1) }) - row[Int(tokens[position + 1])]
        }
    }

    private func check(_ found: Perplexity, _ losses: [Double]) {
        let mean = losses.reduce(0, +) / Double(losses.count)
        let spread = losses.reduce(0) { $0 + pow($1 - mean, 2) } / Double(losses.count - 1)
        #expect(found.count == losses.count)
        #expect(abs(found.perplexity / exp(mean) - 1) < 1e-12)
        let error = exp(mean) * (spread / Double(losses.count)).squareRoot()
        #expect(abs(found.standardError / error - 1) < 1e-9)
    }

    @Test func aTextInOneWindowIsForetoldAfterItsFirstToken() throws {
        let model = try DecoderModel.tinyLlama()
        check(try model.perplexity(of: Self.tokens, window: 64), try losses(model, Self.tokens))
    }

    @Test func everyTokenCountsOnceWithHalfAWindowBeforeIt() throws {
        let model = try DecoderModel.tinyLlama()
        // Windows from 0, 10, 20, 30 on, the last to the end; of all but the first, the last ten tokens count.
        var expected = try losses(model, Array(Self.tokens[0..<20]))
        for start in [10, 20, 30] {
            expected += try losses(model, Array(Self.tokens[start..<start + 20])).suffix(10)
        }
        #expect(expected.count == Self.tokens.count - 1)
        check(try model.perplexity(of: Self.tokens, window: 20), expected)
    }

    @Test func aSingleTokenForetellsNothing() throws {
        let model = try DecoderModel.tinyLlama()
        #expect(throws: EngineError.self) { try model.perplexity(of: [3], window: 8) }
    }
}
