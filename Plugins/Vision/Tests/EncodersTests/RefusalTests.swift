import Encoders
import Foundation
import GatehouseNumerics
import Testing

/// Checkpoints that do not fit are refused with file, field, what was expected and what was found.
@Suite struct RefusalTests {
    private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("checkpoints")

    /// A copy of a checkpoint without some files and with others written anew; its folder stands as FOLDER in the message.
    private func refusal(
        of model: String, without missing: [String] = [], writing files: [String: String] = [:]
    ) throws -> String {
        let copy = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
        try FileManager.default.copyItem(at: Self.folder.appendingPathComponent(model), to: copy)
        defer { try? FileManager.default.removeItem(at: copy) }
        for name in missing { try FileManager.default.removeItem(at: copy.appendingPathComponent(name)) }
        for (name, text) in files {
            try Data(text.utf8).write(to: copy.appendingPathComponent(name))
        }
        do {
            _ = try VisionModel(path: copy.path)
            return "it was taken"
        } catch {
            return "\(error)".replacingOccurrences(of: copy.path, with: "FOLDER")
        }
    }

    private func expect(
        _ found: String, _ message: String, sourceLocation: SourceLocation = #_sourceLocation
    ) {
        #expect(found == message, sourceLocation: sourceLocation)
    }

    private func configuration(_ model: String, _ change: (inout [String: Any]) -> Void) throws -> String {
        let path = Self.folder.appendingPathComponent("\(model)/config.json")
        let read = try JSONSerialization.jsonObject(with: Data(contentsOf: path))
        var object = try #require(read as? [String: Any])
        change(&object)
        return String(decoding: try JSONSerialization.data(withJSONObject: object), as: UTF8.self)
    }

    @Test func whatIsMissingIsNamed() throws {
        try expect(
            refusal(of: "vit", without: ["config.json"]),
            "FOLDER/config.json: file: expected a readable configuration file, found No such file or directory"
        )
        try expect(
            refusal(of: "vit", without: ["preprocessor_config.json"]),
            "FOLDER/preprocessor_config.json: file: expected a readable configuration file, found No such file or directory"
        )
        try expect(
            refusal(of: "vit", without: ["model.safetensors"]),
            "FOLDER: folder: expected model.safetensors or model.safetensors.index.json, found neither"
        )
        #expect(
            try refusal(of: "vit", without: ["projector.safetensors"])
                .hasPrefix(
                    "FOLDER: head: expected projector.safetensors or soft_head.safetensors, found neither"))
    }

    @Test func aConfigurationThatDoesNotFitTheWeightsIsRefused() throws {
        try expect(
            refusal(
                of: "vit", writing: ["config.json": configuration("vit") { $0["hidden_size"] = 64 }]),
            "FOLDER: tensor embeddings.patch_embeddings.projection.weight: expected [64, 3, 8, 8], found [32, 3, 8, 8]"
        )
        try expect(
            refusal(
                of: "vit", writing: ["config.json": configuration("vit") { $0["num_attention_heads"] = 3 }]),
            "FOLDER/config.json: num_attention_heads: expected a divisor of hidden_size 32, found 3")
        #expect(
            try refusal(
                of: "vit", writing: ["config.json": configuration("vit") { $0["hidden_act"] = "mish" }]
            )
            .hasPrefix("FOLDER/config.json: hidden_act: expected one of linear, gelu"))
        try expect(
            refusal(
                of: "vit", writing: ["config.json": configuration("vit") { $0["patch_embedding"] = "unet" }]),
            "FOLDER/config.json: patch_embedding: expected one of linear, resnet, found \"unet\"")
        try expect(
            refusal(
                of: "vit-resnet",
                writing: ["config.json": configuration("vit-resnet") { $0["patch_size"] = 12 }]),
            "FOLDER/config.json: patch_size: expected a power of two that divides twice hidden_size 32, found 12"
        )
        try expect(
            refusal(
                of: "glm4v",
                writing: [
                    "config.json": configuration("glm4v") {
                        var vision = $0["vision_config"] as? [String: Any]
                        vision?["num_heads"] = 5
                        $0["vision_config"] = vision
                    }
                ]),
            "FOLDER/config.json: vision_config.num_heads: expected heads of a multiple of 4 in width 48, found 5"
        )
    }

    @Test func anotherModelIsRefusedByItsType() throws {
        try expect(
            refusal(of: "vit", writing: ["config.json": #"{"model_type": "clip"}"#]),
            "FOLDER/config.json: model_type: expected \"vit\" or \"glm4v\", found \"clip\"")
        try expect(
            refusal(of: "vit", writing: ["config.json": "{"]),
            "FOLDER/config.json: file: expected valid JSON, found its end instead of a key in quotes at line 1, column 2"
        )
    }

    @Test func aFileThatIsNoMmprojIsRefused() throws {
        let path = Self.folder.appendingPathComponent("vit/config.json").path
        #expect {
            try VisionModel(path: path)
        } throws: {
            String(describing: $0) == "\(path): magic: expected \"GGUF\", found 0x20200a7b"
        }
    }

    @Test func anMmprojOfATypeThatIsNotReadIsRefusedByItsName() throws {
        var file = try Data(contentsOf: Self.folder.appendingPathComponent("glm4v-q8_0-mmproj.gguf"))
        let name = try #require(file.range(of: Data("v.blk.0.attn_out.weight".utf8)))
        // Behind the name: the number of extents, two of them, the type.
        file[name.upperBound + 4 + 16] = 12
        let path = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
        try file.write(to: path)
        defer { try? FileManager.default.removeItem(at: path) }
        #expect {
            try VisionModel(path: path.path)
        } throws: {
            String(describing: $0)
                == "\(path.path): tensor v.blk.0.attn_out.weight: expected one of the types F32 (0), F16 (1), Q8_0 (8), BF16 (30), found Q4_K (12)"
        }
    }

    @Test func aCutMmprojIsRefusedWhereverItIsCut() throws {
        let whole = try Data(contentsOf: Self.folder.appendingPathComponent("glm4v-mmproj.gguf"))
        let path = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
        defer { try? FileManager.default.removeItem(at: path) }
        for count in [10, 100, 700, 2000, whole.count / 2, whole.count - 200] {
            try whole.prefix(count).write(to: path)
            #expect(throws: TensorFileError.self) { try VisionModel(path: path.path) }
        }
    }
}
