import Decoder
import Engine
import Testing

/// References: `Fixtures/make_logits_reference.py` makes them again.
@Suite struct LogitsReferenceTests {
    private func top(_ logits: [Float], _ vocabulary: Int) -> [Int32] {
        stride(from: 0, to: logits.count, by: vocabulary).map { start in
            let row = logits[start..<start + vocabulary]
            return Int32(row.indices.max { (row[$0], $1) < (row[$1], $0) } ?? start) - Int32(start)
        }
    }

    @Test func preciseLogitsAgreeWithFloat32() throws {
        let reference = try LogitsReference()
        let model = try DefaultModel.precise()
        let logits = try model.logits(reference.ids)
        #expect(logits.count == reference.ids.count * model.vocabulary)
        #expect(top(logits, model.vocabulary) == reference.top)
        var (difference, norm) = (0.0, 0.0)
        for position in reference.ids.indices {
            let found = reference.columns(of: logits, vocabulary: model.vocabulary, position: position)
            for (value, expected) in zip(found, reference.row(position)) {
                difference += (value - expected) * (value - expected)
                norm += expected * expected
            }
        }
        let error = (difference / norm).squareRoot()
        #expect(error < 1e-3)
    }

    @Test func fastLogitsAreClose() throws {
        let reference = try LogitsReference()
        let model = try DefaultModel.fast()
        let logits = try model.logits(reference.ids)
        let cosines = reference.ids.indices.map { position in
            let found = reference.columns(of: logits, vocabulary: model.vocabulary, position: position)
            let expected = reference.row(position)
            let product = zip(found, expected).reduce(0) { $0 + $1.0 * $1.1 }
            let squares = found.reduce(0) { $0 + $1 * $1 } * expected.reduce(0) { $0 + $1 * $1 }
            return product / squares.squareRoot()
        }
        #expect(cosines.allSatisfy { $0 > 0.999 }, "the least is \(cosines.min() ?? 0)")
        let agreeing = zip(top(logits, model.vocabulary), reference.top).count { $0 == $1 }
        #expect(Double(agreeing) > 0.95 * Double(reference.ids.count))
    }

    @Test func howATextIsCutChangesNoBit() throws {
        let reference = try LogitsReference()
        let model = try DefaultModel.fast()
        func logits(chunk: Int) throws -> [Float] {
            var all: [Float] = []
            try model.logits(reference.ids, chunk: chunk) { all += $0 }
            return all
        }
        let whole = try logits(chunk: 64)
        #expect(try logits(chunk: 1) == whole)
        #expect(try logits(chunk: 13) == whole)
    }

    @Test func whatCannotBeComputedIsRefused() throws {
        let model = try DefaultModel.fast()
        #expect(throws: EngineError.emptyPrompt) { try model.logits([]) }
        let outside = Int32(model.vocabulary)
        #expect(throws: DecoderError.tokenOutOfRange(id: outside, vocabulary: model.vocabulary)) {
            try model.logits([1, outside])
        }
        #expect(throws: DecoderError.tokenOutOfRange(id: -1, vocabulary: model.vocabulary)) {
            try model.embed([-1])
        }
        #expect(throws: DecoderError.threadCount(0)) {
            try DecoderModel(DefaultModel.file(), options: .init(threads: 0))
        }
        #expect(throws: DecoderError.pageCount(0)) { try KVPool(model, pages: 0) }
        let most = model.contextLength
        #expect(throws: EngineError.contextExceeded(promptTokens: most + 1, context: most)) {
            try model.logits([Int32](repeating: 1, count: most + 1))
        }
    }
}
