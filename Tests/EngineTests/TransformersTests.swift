import CheckpointFixtures
import Decoder
import Engine
import Foundation
import Fusion
import Reference
import Testing
import Weights

/// Prompts with media parts, as the engine lays them out, give what Hugging Face transformers gives in float32 for the
/// small checkpoints of `Tests/Fixtures/Checkpoints`, whose script made the references.
@Suite struct TransformersTests {
    /// A checkpoint's decoder, and what transformers computes with its weights.
    private struct Fixture {
        let model: DecoderModel
        private let expectations: [LogitsExpectation]

        init(_ name: String) throws {
            let fixture = CheckpointFixture(name)
            model = try DecoderModel(
                ModelSource(path: fixture.path(.safetensors)), options: .init(threads: 1, precise: true))
            expectations = try fixture.expectations()
        }

        func expectation(_ subject: String) throws -> LogitsExpectation {
            try #require(expectations.first { $0.subject == subject })
        }

        /// What the engine says of the token after the prompt, by token; the prompt is read in pieces.
        func answer(_ pieces: [Piece]) async throws -> [Double] {
            var options = Engine.Options()
            options.stepRows = 7
            let engine = try Engine(model, options: options)
            defer { engine.stop() }
            let request = GenerationRequest(
                prompt: Prompt(pieces), sampling: Sampling(temperature: 0), maxNewTokens: 1, endTokens: [],
                alternatives: model.vocabulary)
            let token = try #require(try await Answer(engine.submit(request)).tokens[0].first)
            var likelihoods = [Double](repeating: 0, count: model.vocabulary)
            for likely in token.alternatives { likelihoods[Int(likely.id)] = Double(likely.logprob) }
            return likelihoods
        }
    }

    /// The likelihoods that the last logits stand for, by token.
    private func likelihoods(_ expectation: LogitsExpectation) throws -> [Double] {
        let row = try #require(expectation.logits.last).map(Double.init)
        let best = row.max() ?? 0
        let total = best + log(row.reduce(0) { $0 + exp($1 - best) })
        return row.map { $0 - total }
    }

    private func tokens(_ rows: some Sequence<ReferencePrompt.Row>) -> [Int32] {
        rows.compactMap { row in
            if case .token(let id) = row { Int32(id) } else { nil }
        }
    }

    private func expectEqual(_ found: [Double], _ expected: [Double]) {
        var (difference, size) = (0.0, 0.0)
        for (found, expected) in zip(found, expected) {
            difference += (found - expected) * (found - expected)
            size += expected * expected
        }
        #expect((difference / size).squareRoot() < 1e-4)
        #expect(found.firstIndex(of: found.max() ?? 0) == expected.firstIndex(of: expected.max() ?? 0))
    }

    /// The pieces of a prompt with images, whose rows are given.
    private func pieces(_ expectation: LogitsExpectation, width: Int) -> [Piece] {
        var rows = expectation.prompt.rows[...]
        var grids = expectation.grids[...]
        var pieces: [Piece] = []
        while !rows.isEmpty {
            let text = tokens(
                rows.prefix { row in
                    if case .token = row { true } else { false }
                })
            if !text.isEmpty {
                pieces.append(.tokens(text))
                rows = rows.dropFirst(text.count)
                continue
            }
            let size = grids.removeFirst().map(Int32.init)
            let grid = Grid(t: size[0], h: size[1], w: size[2])
            let places = (0..<grid.t * grid.h * grid.w).map {
                GridPosition(t: $0 / (grid.h * grid.w), h: $0 / grid.w % grid.h, w: $0 % grid.w)
            }
            let values = rows.prefix(places.count).flatMap { row -> [Float] in
                if case .embedding(let values) = row { values } else { [] }
            }
            pieces.append(
                .segment(
                    Segment(
                        rows: values, width: width, grid: grid, positions: places,
                        digest: "image \(grids.count)")))
            rows = rows.dropFirst(places.count)
        }
        return pieces
    }

    @Test(arguments: ["glm4v", "glm4v-sharded", "glm4v-old-names"])
    func imagesLieWhereTheReferencePutsThem(_ name: String) async throws {
        let fixture = try Fixture(name)
        let expectation = try fixture.expectation("grid")
        let pieces = pieces(expectation, width: fixture.model.hidden)
        var positions = RotaryPositions(axes: 3)
        for piece in pieces {
            switch piece {
            case .tokens(let ids): positions.append(rows: ids.count)
            case .segment(let segment): positions.append(segment)
            }
        }
        for (row, expected) in expectation.prompt.positions.enumerated() {
            #expect(positions.of(row..<row + 1) == expected.map(Int32.init))
        }
        expectEqual(try await fixture.answer(pieces), try likelihoods(expectation))
    }

    @Test(arguments: ["llama-bias", "glm4", "glm4v"])
    func segmentsWeighWhatTheReferenceWeighsThem(_ name: String) async throws {
        let fixture = try Fixture(name)
        let expectation = try fixture.expectation("gates")
        let ids = tokens(expectation.prompt.rows)
        var pieces: [Piece] = []
        var position = 0
        for (index, gate) in expectation.prompt.gates.enumerated() {
            let rows = try fixture.model.embed(Array(ids[gate.segment]))
            pieces.append(.tokens(Array(ids[position..<gate.segment.lowerBound])))
            pieces.append(
                .segment(
                    Segment(
                        rows: rows, width: fixture.model.hidden, weight: Float(gate.weight),
                        digest: "\(index)")))
            position = gate.segment.upperBound
        }
        pieces.append(.tokens(Array(ids[position...])))
        expectEqual(try await fixture.answer(pieces), try likelihoods(expectation))
        expectEqual(
            try await fixture.answer([.tokens(ids)]), try likelihoods(fixture.expectation("tokens")))
    }
}
