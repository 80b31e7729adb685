import CheckpointFixtures
import Testing

/// The reference engine is the oracle of the real one, so it is held to transformers more closely than that.
@Suite struct ReferenceEngineTests {
    @Test(arguments: CheckpointFixture.all, CheckpointFixture.Format.allCases)
    func logitsAreThoseOfTransformers(_ fixture: CheckpointFixture, _ format: CheckpointFixture.Format) throws
    {
        let engine = try fixture.engine(format)
        for expectation in try fixture.expectations() {
            let agreement = Agreement(engine.logits(expectation.prompt), expectation.logits)
            // 0.0000012 was the worst of them all: float32 rounding of the reference.
            #expect(agreement.error < 1e-5, "\(expectation.subject)")
            #expect(agreement.isSameEverywhere, "\(expectation.subject)")
        }
    }

    @Test(arguments: CheckpointFixture.all)
    func rowsOfTokensGiveTheTokensLogits(_ fixture: CheckpointFixture) throws {
        let engine = try fixture.engine(.gguf)
        let expectation = try #require(fixture.expectations().first)
        var prompt = expectation.prompt
        prompt.rows = prompt.rows.map { row in
            guard case .token(let id) = row else { return row }
            return .embedding(Array(engine.embedding[id * engine.hidden..<(id + 1) * engine.hidden]))
        }
        #expect(engine.logits(prompt) == engine.logits(expectation.prompt))
    }
}
