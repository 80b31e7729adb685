import CheckpointFixtures
import Decoder
import Reference
import Testing
import Weights

/// The decoder against transformers, on every small checkpoint: each family, name scheme, storage type and format.
@Suite struct ParityTests {
    /// Checks every expectation of a checkpoint; `error` is the largest that is allowed.
    private func check(
        _ fixture: CheckpointFixture, _ format: CheckpointFixture.Format, _ options: DecoderModel.Options,
        error: Double
    ) throws {
        let model = try fixture.decoder(format, options: options)
        #expect(model.family == fixture.family)
        for expectation in try fixture.expectations() {
            let agreement = Agreement(try model.logits(expectation.prompt), expectation.logits)
            #expect(agreement.error < error, "\(expectation.subject)")
            #expect(agreement.isSameEverywhere, "\(expectation.subject)")
        }
    }

    @Test(arguments: CheckpointFixture.all, CheckpointFixture.Format.allCases)
    func preciseLogitsAreThoseOfTransformers(
        _ fixture: CheckpointFixture, _ format: CheckpointFixture.Format
    ) throws {
        try check(fixture, format, .init(threads: 2, precise: true), error: 1e-5)
    }

    @Test(arguments: CheckpointFixture.all, CheckpointFixture.Format.allCases)
    func theLogitsOfTwoPartsAreThoseOfTransformers(
        _ fixture: CheckpointFixture, _ format: CheckpointFixture.Format
    ) throws {
        try check(fixture, format, .init(threads: 2, precise: true, shards: 2), error: 1e-5)
    }

    @Test(arguments: CheckpointFixture.all, CheckpointFixture.Format.allCases)
    func logitsAsServedStayNear(_ fixture: CheckpointFixture, _ format: CheckpointFixture.Format) throws {
        // 0.001 was the worst of them: half-precision pages.
        try check(fixture, format, .init(threads: 2), error: 3e-3)
    }

    @Test(arguments: CheckpointFixture.all)
    func chunksChangeNoBit(_ fixture: CheckpointFixture) throws {
        let model = try fixture.decoder(.gguf, options: .init(threads: 1))
        for expectation in try fixture.expectations() {
            let whole = try model.logits(expectation.prompt)
            for chunk in [1, 5, 13] {
                #expect(try model.logits(expectation.prompt, chunk: chunk) == whole, "\(expectation.subject)")
            }
        }
    }

    /// Rows that are equal to token embeddings, at the positions that they would have, give the tokens' answer.
    @Test(arguments: CheckpointFixture.all)
    func rowsOfTokensGiveTheTokensLogits(_ fixture: CheckpointFixture) throws {
        let model = try fixture.decoder(.safetensors, options: .init(threads: 1))
        let prompt = try #require(fixture.expectations().first).prompt
        var rows = prompt
        rows.rows = try prompt.rows.map { row in
            guard case .token(let id) = row else { return row }
            return .embedding(try model.embed([Int32(id)]))
        }
        #expect(try model.logits(rows) == model.logits(prompt))
    }
}
