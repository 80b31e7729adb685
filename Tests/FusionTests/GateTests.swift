import CheckpointFixtures
import Foundation
import Fusion
import PluginHost
import TestSupport
import Testing

/// Gates of plugins: what they compute, which decoder they are for, and which files are refused.
@Suite struct GateTests {
    private let model: LanguageModel
    private let fusion: Fusion
    private let ours: DecoderIdentityFacts

    init() throws {
        model = try DefaultModel.open()
        fusion = try Fusion(model)
        ours = try #require(try model.facts(context: 100)).identity
    }

    private func random(_ count: Int, seed: UInt64, scale: Float = 1) -> [Float] {
        var numbers = SplitMix64(state: seed)
        return (0..<count).map { _ in Float.random(in: -scale...scale, using: &numbers) }
    }

    /// The mean of the rows over its root mean square, in float64.
    private func mean(_ rows: [Float]) -> [Double] {
        let count = rows.count / 576
        let mean = (0..<576).map { column in
            (0..<count).reduce(0) { $0 + Double(rows[$1 * 576 + column]) } / Double(count)
        }
        let square = mean.reduce(0) { $0 + $1 * $1 } / 576
        return mean.map { $0 / (square + 1e-6).squareRoot() }
    }

    /// Decision 5 of the design, written out in float64.
    @Test func theGateComputesTheFormulaOfTheDesign() async throws {
        let weight = random(3 * 576, seed: 1, scale: 0.1)
        let rows = random(7 * 576, seed: 2, scale: 0.02)
        let text = "What is in the picture?"
        try await withTemporaryFolder { folder in
            let path = try GateFileBuilder(for: ours, weight: weight, bias: 0.25).write(to: folder)
            let gate = try #require(try fusion.gate(at: path))
            let segment = EncodedContent.rows(
                Segment(rows: rows, width: 576, digest: "d"), modality: "image")
            let found = gate.weight(
                of: try #require(try fusion.mean(segment)), in: try #require(try fusion.mean([text])))
            let s = mean(rows)
            let t = mean(try model.decoder.embed(model.tokenizer.encode(text, special: .asText)))
            var sum = 0.25
            for index in 0..<576 {
                sum += Double(weight[index]) * s[index] + Double(weight[576 + index]) * t[index]
                sum += Double(weight[1152 + index]) * s[index] * t[index]
            }
            let expected = 1 / (1 + exp(-sum))
            #expect(abs(Double(found) - expected) < 1e-5)
            #expect(expected > 0.01 && expected < 0.99, "the comparison says something")
            #expect(gate.earlyWeight(in: try #require(try fusion.mean([text]))) == nil)
        }
    }

    /// Tests/Fixtures/Gate: the file as `SDK/Training` writes it, and what PyTorch computes with it.
    @Test func aTrainedFileIsReadAsItWasMeant() throws {
        struct Reference: Decodable {
            var texts: [String]
            var rows: [Float]
            var weight: Float
            var early: Float
        }
        let folder = URL(fileURLWithPath: #filePath).appendingPathComponent("../../Fixtures/Gate")
            .standardized
        let reference = try JSONDecoder().decode(
            Reference.self, from: Data(contentsOf: folder.appendingPathComponent("reference.json")))
        let model = try LanguageModel(
            path: CheckpointFixture("llama-tied").path(.safetensors), options: .init(threads: 1))
        let fusion = try Fusion(model)
        let gate = try #require(
            try fusion.gate(at: folder.appendingPathComponent("gate.safetensors").path),
            "it is for this decoder")
        let text = try #require(try fusion.mean(reference.texts))
        let rows = try #require(NormalizedMean(rows: reference.rows, width: model.decoder.hidden))
        #expect(abs(gate.weight(of: rows, in: text) - reference.weight) < 1e-5)
        #expect(abs(try #require(gate.earlyWeight(in: text)) - reference.early) < 1e-5)
    }

    @Test func theEarlyGateSeesTheTextAlone() async throws {
        let weight = random(576, seed: 3, scale: 0.1)
        try await withTemporaryFolder { folder in
            var file = GateFileBuilder(for: ours, bias: 0, early: -0.5)
            file.change("decoder.early.weight") { $0 = weight }
            let gate = try #require(try fusion.gate(at: try file.write(to: folder)))
            let text = try #require(try fusion.mean(["Read", "this aloud."]))
            let tokens = try ["Read", "this aloud."].flatMap {
                try model.tokenizer.encode($0, special: .asText)
            }
            let t = mean(try model.decoder.embed(tokens))
            let sum = zip(weight, t).reduce(-0.5) { $0 + Double($1.0) * $1.1 }
            let found = try #require(gate.earlyWeight(in: text))
            #expect(abs(Double(found) - 1 / (1 + exp(-sum))) < 1e-5)
        }
    }

    @Test func textWithoutTokensHasNoMean() throws {
        #expect(try fusion.mean([]) == nil)
        #expect(try fusion.mean(["", ""]) == nil)
        #expect(try fusion.mean(["", "a"]) == fusion.mean(["a"]))
    }

    @Test func aGateForAnotherDecoderIsNoneForThisOne() async throws {
        try await withTemporaryFolder { folder in
            var family = ours
            family.family = "glm4"
            var space = ours
            space.fingerprint.reverse()
            for theirs in [family, space] {
                #expect(
                    try fusion.gate(at: GateFileBuilder(for: theirs, bias: 0).write(to: folder)) == nil)
            }
            // Beside one for this.
            var file = GateFileBuilder(for: ours, bias: 2)
            let other = GateFileBuilder(for: space, bias: 1)
            for tensor in other.tensors {
                file.tensors.append(
                    ("another.one" + tensor.name.dropFirst(7), tensor.type, tensor.shape, tensor.values))
            }
            file.metadata["another.one.family"] = "llama"
            let gate = try #require(try fusion.gate(at: try file.write(to: folder)))
            let mean = try #require(try fusion.mean(["x"]))
            #expect(gate.weight(of: mean, in: mean) == 1 / (1 + exp(Float(-2))))
        }
    }

    @Test func aFileThatWasReplacedIsReadAgain() async throws {
        try await withTemporaryFolder { folder in
            let mean = try #require(try fusion.mean(["x"]))
            let path = try GateFileBuilder(for: ours, bias: 0).write(to: folder)
            #expect(try fusion.gate(at: path)?.weight(of: mean, in: mean) == 0.5)
            let next = try GateFileBuilder(for: ours, bias: 1, early: 0).write(to: folder, name: "next")
            #expect(rename(next, path) == 0)
            #expect(try fusion.gate(at: path)?.weight(of: mean, in: mean) == 1 / (1 + exp(Float(-1))))
        }
    }

    struct Damage: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var message: String
        var change: @Sendable (inout GateFileBuilder) -> Void

        init(
            _ name: String, _ message: String, _ change: @escaping @Sendable (inout GateFileBuilder) -> Void
        ) {
            testDescription = name
            self.message = message
            self.change = change
        }
    }

    @Test(arguments: [
        Damage("no tensors", "tensors: expected NAME.weight and others of at least one decoder, found none") {
            $0.tensors = []
        },
        Damage("a tensor without decoder", "tensor weight: expected one of NAME.early.weight") {
            $0.tensors[1].name = "weight"
        },
        Damage("no weight", "tensor decoder.weight: expected F32 [3 · hidden], found no such tensor") {
            $0.tensors.remove(at: 1)
        },
        Damage("no bias", "tensor decoder.bias: expected F32 [1], found no such tensor") {
            $0.tensors.remove(at: 2)
        },
        Damage("no fingerprint", "tensor decoder.fingerprint: expected F32 [64, 8], found no such tensor") {
            $0.tensors.remove(at: 0)
        },
        Damage("no family", "__metadata__.decoder.family: expected the family of the decoder") {
            $0.metadata = [:]
        },
        Damage("a width not of three", "tensor decoder.weight: expected F32 [3 · hidden], found F32 [1727]") {
            $0.tensors[1].shape = [1727]
            $0.tensors[1].values.removeLast()
        },
        Damage("half precision", "tensor decoder.bias: expected F32 [1], found F16 [1]") {
            $0.tensors[2].type = "F16"
        },
        Damage("not a number", "tensor decoder.weight: expected finite numbers, found nan") {
            $0.tensors[1].values[5] = .nan
        },
        Damage("half an early gate", "tensor decoder.early.bias: expected F32 [1], found no such tensor") {
            $0.tensors.removeLast()
        },
        Damage("an early gate of another width", "tensor decoder.early.weight: expected F32 [576]") {
            $0.tensors[3].shape = [577]
            $0.tensors[3].values.append(0)
        },
    ])
    func aDamagedFileIsRefusedWithWhatIsWrong(_ damage: Damage) async throws {
        try await withTemporaryFolder { folder in
            var file = GateFileBuilder(for: ours, bias: 0, early: 0)
            damage.change(&file)
            let path = try file.write(to: folder)
            let error = try #require(throws: (any Error).self) { try fusion.gate(at: path) }
            #expect("\(error)".hasPrefix(path + ": "))
            #expect("\(error)".contains(damage.message), "\(error)")
        }
    }

    @Test func aFileThatIsNotThereIsNamed() throws {
        let error = try #require(throws: (any Error).self) { try fusion.gate(at: "/none/gate.safetensors") }
        #expect("\(error)".contains("/none/gate.safetensors"))
    }
}
