import Decoder
import Foundation
import Fusion
import TestSupport
import Testing
import Text

@Suite struct LanguageModelTests {
    /// The sizes are those of the published SmolLM2-135M-Instruct: its config.json on Hugging Face.
    @Test func theDefaultModelTellsPluginsWhatItIs() throws {
        let facts = try #require(try DefaultModel.open().facts(context: 1234))
        #expect(facts.identity.family == "llama")
        #expect(facts.identity.hidden == 576)
        #expect(facts.identity.fingerprint.contains { $0 != 0 })
        #expect(facts.vocabulary == 49152)
        #expect(facts.context == 1234)
    }

    /// Copies the default model with one key of its metadata, or one template, spelt differently.
    private func patched(_ old: String, _ new: String, _ body: (String) throws -> Void) async throws {
        precondition(old.utf8.count == new.utf8.count, "a patch keeps every offset")
        try await withTemporaryFolder { folder in
            let url = folder.appendingPathComponent("patched.gguf")
            var data = try Data(contentsOf: URL(fileURLWithPath: DefaultModel.path()))
            data.replaceSubrange(try #require(data.firstRange(of: Data(old.utf8))), with: Data(new.utf8))
            try data.write(to: url)
            try body(url.path)
        }
    }

    @Test func aModelWithoutTemplateOpensButCannotChat() async throws {
        try await patched("tokenizer.chat_template", "tokenizer.chat_tomplate") { path in
            let model = try LanguageModel(path: path, options: DecoderModel.Options(threads: 1))
            #expect(model.template == nil)
            let fusion = try Fusion(model)
            let error = try #require(throws: FusionError.self) {
                try fusion.prompt([FusedMessage(role: "user", parts: [.text("Hi")])])
            }
            #expect("\(error)".contains(path))
            #expect("\(error)".contains("tokenizer.chat_template"))
        }
    }

    @Test func aBrokenTemplateIsRefusedWithFileAndField() async throws {
        try await patched("{% for message in messages %}", "{% far message in messages %}") { path in
            let error = try #require(throws: FusionError.self) {
                try LanguageModel(path: path, options: DecoderModel.Options(threads: 1))
            }
            #expect("\(error)".hasPrefix("\(path), tokenizer.chat_template: "))
            #expect("\(error)".contains("line 1"))
        }
    }

    @Test func aTokenizerOfAnotherKindIsRefusedWithTheFile() async throws {
        try await patched("\u{06}\0\0\0\0\0\0\0smollm", "\u{06}\0\0\0\0\0\0\0smallm") { path in
            let error = try #require(throws: FusionError.self) {
                try LanguageModel(path: path, options: DecoderModel.Options(threads: 1))
            }
            #expect("\(error)".hasPrefix("\(path): tokenizer.ggml.pre is \"smallm\""))
        }
    }

    /// Ids as Hugging Face tokenizers has them for the same folder.
    @Test func aCheckpointsFolderBringsTokenizerTemplateAndEndTokens() throws {
        let model = try LanguageModel(
            path: Self.checkpoint("glm4"), options: DecoderModel.Options(threads: 1))
        #expect(model.warnings.isEmpty)
        #expect(model.tokenizer.endOfGeneration == [276, 283, 285])
        let prompt = try Fusion(model).prompt([
            FusedMessage(role: "user", parts: [.text("Hi<|endoftext|>")])
        ])
        let ids = prompt.pieces.flatMap { piece -> [Int32] in
            if case .tokens(let ids) = piece { ids } else { [] }
        }
        let control = ids.filter { $0 >= 276 }.map { model.tokenizer.piece(of: $0) ?? "" }
        #expect(control == ["[gMASK]", "<sop>", "<|user|>", "<|assistant|>"])
        #expect(
            String(decoding: ids.flatMap { model.tokenizer.bytes(of: $0) }, as: UTF8.self).contains(
                "\nHi<|endoftext|>"))
    }

    @Test func aFolderWithoutTokenizerIsRefusedWithTheFile() async throws {
        try await withTemporaryFolder { folder in
            for file in ["config.json", "model.safetensors"] {
                try FileManager.default.copyItem(
                    atPath: Self.checkpoint("glm4") + "/" + file, toPath: folder.path + "/" + file)
            }
            let error = try #require(throws: CheckpointTokenizerError.self) {
                try LanguageModel(path: folder.path, options: DecoderModel.Options(threads: 1))
            }
            #expect("\(error)".contains("\(folder.path)/tokenizer.json"))
        }
    }

    private static func checkpoint(_ name: String) -> String {
        URL(fileURLWithPath: #filePath).appendingPathComponent("../../Fixtures/Checkpoints/\(name)")
            .standardized.path
    }
}
