import Encoders
import Foundation
import GatehouseNumerics
import Pictures
import Testing

/// Encoders against transformers on small random checkpoints: see `reference/make_checkpoints.py`.
@Suite struct CheckpointTests {
    private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("checkpoints")

    private let references: SafetensorsFile

    init() throws { references = try SafetensorsFile(path: Self.path("references.safetensors")) }

    private static func path(_ name: String) -> String { folder.appendingPathComponent(name).path }

    private func picture(_ name: String) throws -> PixelImage {
        try Data(contentsOf: URL(fileURLWithPath: Self.path(name))).withUnsafeBytes {
            try PixelImage(decoding: $0, as: .png)
        }
    }

    /// The greatest difference, of the reference's root mean square.
    private func difference(_ rows: Matrix, _ name: String) throws -> Float {
        let tensor = try #require(references.tensor(named: name))
        #expect([rows.rows, rows.columns] == tensor.shape)
        let reference = try WeightReader(references).floats(name, tensor.shape).elements
        let scale = (reference.reduce(0) { $0 + $1 * $1 } / Float(reference.count)).squareRoot()
        return (zip(rows.elements, reference).map { abs($0 - $1) }.max() ?? .infinity) / scale
    }

    private func rows(_ model: String, _ image: String, threads: Int = 2) throws -> (Matrix, Int, Int) {
        // Below what an mmproj file's processor enlarges.
        let output = try VisionModel(path: Self.path(model), leastPixels: 64)
            .encode(picture(image), ThreadTeam(threads: threads))
        guard case .rows(let rows, let height, let width) = output else {
            throw TensorFileError(path: model, field: "output", expected: "rows", found: "soft tokens")
        }
        return (rows, height, width)
    }

    @Test(arguments: ["square", "wide"])
    func aViTsRowsAreThoseOfTheReferenceAtAnyResolution(_ name: String) throws {
        let (rows, height, width) = try rows("vit", "vit-\(name).png")
        #expect(try difference(rows, "vit.\(name).rows") < 1e-5)
        #expect(height == 0 && width == 0)
    }

    @Test(arguments: ["vit", "vit-renamed", "vit-resnet"])
    func theLastHiddenStateIsThatOfTheReference(_ name: String) throws {
        let configuration = try VisionTransformer.Configuration(
            ConfigurationFile(path: Self.path("\(name)/config.json")))
        let weights = WeightReader(try SafetensorsCheckpoint(path: Self.path(name)))
        let processor = try ImageProcessor(
            ConfigurationFile(path: Self.path("\(name)/preprocessor_config.json")), kind: .vit)
        let state = try VisionTransformer(configuration, weights)
            .features(picture("vit-square.png"), levels: processor.levels, ThreadTeam(threads: 2))
        let reference = ["vit": "vit.square", "vit-renamed": "vit.bf16"][name] ?? "\(name).square"
        #expect(try difference(state, reference) < 1e-5)
    }

    @Test func aProjectorSaysWhoseRowsItMakes() throws {
        let model = try VisionModel(path: Self.path("vit"))
        #expect(model.width == 24)
        let decoder = try #require(model.decoder)
        #expect(decoder.family == "llama" && decoder.fingerprint.count == 512)
    }

    @Test func softTokensAreTheLikeliestPieces() throws {
        let model = try VisionModel(path: Self.path("vit-renamed"))
        #expect(model.width == nil)
        let output = try model.encode(picture("vit-square.png"), ThreadTeam(threads: 2))
        guard case .soft(let slots) = output else {
            Issue.record("it made rows")
            return
        }
        let pieces = [" a", " cat", " on", " the", " mat", ".", "é", " 猫", " x", " y"]
        let reference = try WeightReader(references).floats("vit.square.soft", [3, pieces.count]).elements
        #expect(slots.count == 3)
        for (slot, found) in slots.enumerated() {
            let row = Array(reference[slot * pieces.count..<(slot + 1) * pieces.count])
            #expect(found.count == 8 && found.map(\.weight) == found.map(\.weight).sorted(by: >))
            #expect(found.reduce(0) { $0 + $1.weight } <= 1.00001)
            for (text, weight) in found {
                // Weights of half the bits, and their logits reach tens.
                #expect(abs(weight - row[try #require(pieces.firstIndex(of: text))]) < 0.05)
            }
        }
    }

    @Test(arguments: ["square", "tall"], ["glm4v", "glm4v-mmproj.gguf"])
    func aTowersRowsAreThoseOfTheReferenceFromCheckpointAndMmproj(_ name: String, _ model: String) throws {
        let (rows, height, width) = try rows(model, "glm4v-\(name).png")
        #expect(name == "square" ? (height, width) == (3, 3) : (height, width) == (11, 4))
        // float16 has every weight here that bfloat16 has.
        #expect(try difference(rows, "glm4v.\(name)") < 1e-5)
    }

    @Test func anMmprojInQ8IsReadAsTheWeightsThatItHas() throws {
        let (rows, height, width) = try rows("glm4v-q8_0-mmproj.gguf", "glm4v-square.png")
        #expect((height, width) == (3, 3))
        #expect(try difference(rows, "glm4v-q8_0.square") < 1e-5)
        // And not far from what they were made from.
        let exact = try difference(rows, "glm4v-q8_0.square.float")
        #expect(exact > 1e-3 && exact < 0.1)
    }

    @Test func bitsDependOnNoThreads() throws {
        for (model, image) in [("vit", "vit-wide.png"), ("glm4v", "glm4v-tall.png")] {
            let one = try rows(model, image, threads: 1).0
            let three = try rows(model, image, threads: 3).0
            #expect(one.elements == three.elements)
        }
    }

    @Test func progressRisesToOneAndACancelIsSeen() throws {
        let progress = Progress()
        let team = try ThreadTeam(threads: 2)
        for (model, image) in [("vit", "vit-wide.png"), ("glm4v", "glm4v-tall.png")] {
            let model = try VisionModel(path: Self.path(model))
            let picture = try picture(image)
            _ = try model.encode(picture, team, EncoderJob(progress: { progress.add($0) }))
            let told = progress.take()
            #expect(told == told.sorted() && told.last == 1)
            #expect(throws: PictureError.cancelled) {
                try model.encode(picture, team, EncoderJob(isCancelled: { true }))
            }
        }
    }
}

/// What was told, in order. Used from one thread at a time.
private final class Progress: @unchecked Sendable {
    private var told: [Double] = []

    func add(_ fraction: Double) { told.append(fraction) }

    func take() -> [Double] {
        defer { told = [] }
        return told
    }
}
