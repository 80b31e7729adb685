import Foundation
import GatehouseTensorFiles
import Testing
import Weights

@Suite struct CheckpointTests {
    private static let fixtures = URL(fileURLWithPath: #filePath)
        .appendingPathComponent("../../Fixtures/Checkpoints").standardized.path

    /// The checkpoints that Tests/Fixtures/Checkpoints/make_checkpoints.py made.
    static let names = [
        "glm4", "glm4-sharded", "glm4v", "glm4v-old-names", "glm4v-sharded", "llama-bias", "llama-llama3",
        "llama-tied",
    ]

    @Test(arguments: names) func publishedLayoutsAreRead(_ name: String) throws {
        let checkpoint = try Checkpoint(path: "\(Self.fixtures)/\(name)")
        let configuration = try checkpoint.configuration.object("text_config") ?? checkpoint.configuration
        let hidden = try configuration.require("hidden_size", configuration.integer)
        let vocabulary = try configuration.require("vocab_size", configuration.integer)
        let embedding = try #require(checkpoint.tensors.first { $0.name.hasSuffix("embed_tokens.weight") })
        #expect(embedding.shape == [vocabulary, hidden])
        #expect(checkpoint.tensor(named: embedding.name)?.bytes.baseAddress == embedding.bytes.baseAddress)
        #expect(checkpoint.otherTensors.isEmpty)
        let generation = try #require(checkpoint.generation)
        #expect(try generation.oneOrMoreIntegers("eos_token_id")?.isEmpty == false)
    }

    @Test func formatIsTakenFromThePath() throws {
        guard case .checkpoint = try ModelSource(path: "\(Self.fixtures)/glm4") else {
            Issue.record("a folder is a checkpoint")
            return
        }
        guard case .gguf(let file) = try ModelSource(path: "\(Self.fixtures)/glm4.gguf") else {
            Issue.record("a file is GGUF")
            return
        }
        #expect(try file.metadata.string("general.architecture") == "glm4")
    }

    private func withConfiguration<Result>(
        _ text: String, _ body: (Configuration) throws -> Result
    ) throws -> Result {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString).path
        try Data(text.utf8).write(to: URL(fileURLWithPath: path))
        defer { try? FileManager.default.removeItem(atPath: path) }
        return try body(try Configuration(path: path))
    }

    @Test func configurationIsReadByType() throws {
        let text = """
            {"size": 4.0, "eps": 1e-05, "tied": false, "dtype": "bfloat16", "eos": 7, "stops": [7, 8],
             "rope": {"sections": [1, 2.0], "factors": [1, 2.5], "deep": {"factor": "x"}}, "nothing": null,
             "names": ["a"]}
            """
        try withConfiguration(text) { configuration in
            #expect(try configuration.integer("size") == 4)
            #expect(try configuration.float("eps") == 1e-5)
            #expect(try configuration.bool("tied") == false)
            #expect(try configuration.string("dtype") == "bfloat16")
            #expect(try configuration.strings("names") == ["a"])
            #expect(try configuration.oneOrMoreIntegers("eos") == [7])
            #expect(try configuration.oneOrMoreIntegers("stops") == [7, 8])
            #expect(try configuration.integer("nothing") == nil && configuration.integer("absent") == nil)
            #expect(configuration["nothing"] == nil && configuration["eos"] == .number(7))
            let rope = try #require(try configuration.object("rope"))
            #expect(try rope.integers("sections") == [1, 2])
            #expect(try rope.floats("factors") == [1, 2.5])
            let error = #expect(throws: TensorFileError.self) { try rope.object("deep")?.float("factor") }
            #expect(error?.field == "rope.deep.factor" && error?.found == "\"x\"")
            let element = #expect(throws: TensorFileError.self) { try rope.integers("factors") }
            #expect(element?.field == "rope.factors[1]" && element?.expected == "whole numbers")
            let absent = #expect(throws: TensorFileError.self) { try rope.require("theta", rope.float) }
            #expect(absent?.field == "rope.theta" && absent?.found == "no such key")
            let null = #expect(throws: TensorFileError.self) {
                try configuration.require("nothing", configuration.float)
            }
            #expect(null?.found == "null")
        }
    }

    @Test(arguments: ["[]", "{\"a\": }", "", "{\"size\": \"4\"}"])
    func hostileConfigurationsAreRefusedByName(_ text: String) throws {
        let error = #expect(throws: TensorFileError.self) {
            try withConfiguration(text) { try $0.require("size", $0.integer) }
        }
        #expect(["file", "size"].contains(try #require(error).field))
    }

    @Test func folderWithoutConfigurationIsRefused() throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try FileManager.default.copyItem(
            atPath: "\(Self.fixtures)/glm4/model.safetensors",
            toPath: folder.appendingPathComponent("model.safetensors").path)
        let error = #expect(throws: TensorFileError.self) { try Checkpoint(path: folder.path) }
        #expect(try #require(error).description.contains("config.json"))
    }
}
