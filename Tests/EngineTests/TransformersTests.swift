import Decoder
import Engine
import Foundation
import Fusion
import GatehouseNumerics
import Testing
import Weights

/// Prompts with media parts, as the engine lays them out, give what Hugging Face transformers gives in float32 for the
/// small checkpoints of `Tests/Fixtures/Checkpoints`, whose script made the references.
@Suite struct TransformersTests {
    /// A checkpoint and its reference.
    private struct Fixture {
        let model: DecoderModel
        private let reference: SafetensorsFile

        init(_ name: String) throws {
            let path = URL(fileURLWithPath: #filePath)
                .appendingPathComponent("../../Fixtures/Checkpoints/\(name)").standardized.path
            model = try DecoderModel(
                ModelSource(path: path), options: .init(threads: 1, precise: true))
            reference = try SafetensorsFile(path: "\(path).reference.safetensors")
        }

        func integers(_ name: String) throws -> [Int32] { try values(name) }
        func floats(_ name: String) throws -> [Float] { try values(name) }

        private func values<Value>(_ name: String) throws -> [Value] {
            let tensor = try #require(reference.tensor(named: name))
            return (0..<tensor.count).map {
                tensor.bytes.loadUnaligned(fromByteOffset: 4 * $0, as: Value.self)
            }
        }

        /// The likelihoods that the last of these logits, `[rows, vocabulary]`, stand for, by token.
        func likelihoods(_ name: String) throws -> [Double] {
            let row = try floats(name).suffix(model.vocabulary).map(Double.init)
            let best = row.max() ?? 0
            let total = best + log(row.reduce(0) { $0 + exp($1 - best) })
            return row.map { $0 - total }
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

    private func expectEqual(_ found: [Double], _ expected: [Double]) {
        var (difference, size) = (0.0, 0.0)
        for (found, expected) in zip(found, expected) {
            difference += (found - expected) * (found - expected)
            size += expected * expected
        }
        #expect((difference / size).squareRoot() < 1e-4)
        #expect(found.firstIndex(of: found.max() ?? 0) == expected.firstIndex(of: expected.max() ?? 0))
    }

    /// The pieces of a prompt with images: rows given stand where a token is -1.
    private func pieces(_ fixture: Fixture) throws -> [Piece] {
        let tokens = try fixture.integers("grid.tokens")
        let rows = try fixture.floats("grid.rows")
        let sizes = try fixture.integers("grid.sizes")
        var pieces: [Piece] = []
        var (position, row, image) = (0, 0, 0)
        while position < tokens.count {
            let text = tokens[position...].prefix { $0 >= 0 }
            if !text.isEmpty {
                pieces.append(.tokens(Array(text)))
                position += text.count
                continue
            }
            let grid = Grid(t: sizes[3 * image], h: sizes[3 * image + 1], w: sizes[3 * image + 2])
            let places = (0..<grid.t * grid.h * grid.w).map {
                GridPosition(t: $0 / (grid.h * grid.w), h: $0 / grid.w % grid.h, w: $0 % grid.w)
            }
            let width = fixture.model.hidden
            pieces.append(
                .segment(
                    Segment(
                        rows: Array(rows[row * width..<(row + places.count) * width]), width: width,
                        grid: grid, positions: places, digest: "image \(image)")))
            (position, row, image) = (position + places.count, row + places.count, image + 1)
        }
        return pieces
    }

    @Test(arguments: ["glm4v", "glm4v-sharded", "glm4v-old-names"])
    func imagesLieWhereTheReferencePutsThem(_ name: String) async throws {
        let fixture = try Fixture(name)
        let pieces = try pieces(fixture)
        var positions = RotaryPositions(axes: 3)
        for piece in pieces {
            switch piece {
            case .tokens(let ids): positions.append(rows: ids.count)
            case .segment(let segment): positions.append(segment)
            }
        }
        let count = try fixture.integers("grid.tokens").count
        let byAxis = try fixture.integers("grid.positions")
        for row in 0..<count {
            let expected = [byAxis[row], byAxis[count + row], byAxis[2 * count + row]]
            #expect(positions.of(row..<row + 1) == expected)
        }
        expectEqual(try await fixture.answer(pieces), try fixture.likelihoods("grid.logits"))
    }

    @Test(arguments: ["llama-bias", "glm4", "glm4v"])
    func segmentsWeighWhatTheReferenceWeighsThem(_ name: String) async throws {
        let fixture = try Fixture(name)
        let tokens = try fixture.integers("tokens")
        let spans = try fixture.integers("gated.spans")
        var pieces: [Piece] = []
        var position = 0
        for (index, weight) in try fixture.floats("gated.alphas").enumerated() {
            let (first, end) = (Int(spans[2 * index]), Int(spans[2 * index + 1]))
            let rows = try fixture.model.embed(Array(tokens[first..<end]))
            pieces.append(.tokens(Array(tokens[position..<first])))
            pieces.append(
                .segment(Segment(rows: rows, width: fixture.model.hidden, weight: weight, digest: "\(index)"))
            )
            position = end
        }
        pieces.append(.tokens(Array(tokens[position...])))
        expectEqual(try await fixture.answer(pieces), try fixture.likelihoods("gated.logits"))
        expectEqual(try await fixture.answer([.tokens(tokens)]), try fixture.likelihoods("logits"))
    }
}
