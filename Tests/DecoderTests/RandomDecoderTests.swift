import CheckpointFixtures
import Decoder
import Reference
import Testing
import Weights

/// The decoder against the reference engine, on checkpoints of random dimensions, types and configurations and prompts of
/// tokens, given rows, gates and positions.
@Suite struct RandomDecoderTests {
    @Test(arguments: UInt64(0)..<60)
    func logitsAreThoseOfTheReferenceEngine(seed: UInt64) throws {
        let random = RandomCheckpoint(seed: seed)
        try random.builder.withFolder { folder in
            let expected = try ReferenceDecoder(folder: folder).logits(random.prompt).map {
                $0.map(Float.init)
            }
            let model = try DecoderModel(ModelSource(path: folder), options: .init(threads: 2, precise: true))
            #expect(model.family == random.family)
            let whole = try model.logits(random.prompt)
            #expect(Agreement(whole, expected).error < 2e-5, "\(random.builder.config)")
            #expect(try model.logits(random.prompt, chunk: 1 + Int(seed % 11)) == whole)
        }
    }
}
