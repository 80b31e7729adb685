import CheckpointFixtures
import Decoder
import Foundation
import Reference
import Testing

/// The gate acts on attention: the less a segment weighs, the less of their attention later rows pay to it. Seen in the
/// float64 decoder of Tests/Reference, to whose logits the real one is held for the same prompts.
@Suite struct AttentionMassTests {
    private static let weights = [1, 0.8, 0.5, 0.2, 0.05, 0.001]
    private static let segment = 10..<26

    private func prompt(_ weight: Double, vocabulary: Int) -> ReferencePrompt {
        ReferencePrompt(
            rows: (0..<40).map { .token(($0 * 37 + 11) % vocabulary) },
            gates: [.init(segment: Self.segment, weight: weight)])
    }

    @Test(arguments: ["llama-bias", "glm4", "glm4v"])
    func attentionToASegmentFallsWithItsWeight(_ name: String) throws {
        let fixture = CheckpointFixture(name)
        let reference = try fixture.engine(.safetensors)
        let vocabulary = reference.embedding.count / reference.hidden
        let masses = Self.weights.map {
            reference.attentionMass(prompt($0, vocabulary: vocabulary), on: Self.segment)
        }
        for head in 0..<reference.heads {
            for row in masses[0][0][head].indices {
                let first = masses.map { $0[0][head][row] }
                #expect(first[0] > 0 && first[0] < 1)
                for (weight, mass) in zip(Self.weights, first) {
                    // Nothing before the first layer knows of the weight, so the share is known: α·m against 1 - m.
                    let expected = weight * first[0] / (weight * first[0] + 1 - first[0])
                    #expect(abs(mass - expected) < 1e-9)
                }
                #expect(zip(first, first.dropFirst()).allSatisfy { $0 > $1 }, "head \(head), row \(row)")
            }
        }
        // Deeper layers see rows that the weight has changed already: what they do is reported, not promised.
        for layer in 1..<reference.layers.count {
            let falls = (0..<reference.heads).flatMap { head in
                masses[0][layer][head].indices.map { row in
                    let mass = masses.map { $0[layer][head][row] }
                    return zip(mass, mass.dropFirst()).allSatisfy { $0 > $1 }
                }
            }
            print("\(name), layer \(layer): attention falls in \(falls.count { $0 }) of \(falls.count) rows")
        }
    }

    @Test(arguments: ["llama-bias", "glm4", "glm4v"])
    func theDecoderGivesTheLogitsOfThatAttention(_ name: String) throws {
        let fixture = CheckpointFixture(name)
        let reference = try fixture.engine(.safetensors)
        let model = try fixture.decoder(.safetensors, options: .init(threads: 1, precise: true))
        for weight in Self.weights {
            let prompt = prompt(weight, vocabulary: model.vocabulary)
            let (found, expected) = (try model.logits(prompt), reference.logits(prompt))
            var (difference, size) = (0.0, 0.0)
            for (found, expected) in zip(found.joined(), expected.joined()) {
                difference += (Double(found) - expected) * (Double(found) - expected)
                size += expected * expected
            }
            #expect((difference / size).squareRoot() < 1e-4, "weight \(weight)")
        }
    }
}
