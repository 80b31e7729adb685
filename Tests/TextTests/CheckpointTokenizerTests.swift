import Foundation
import GatehouseJSON
import Testing
import Text

@Suite struct CheckpointTokenizerTests {
    private func glm4(_ files: [String: String] = [:]) throws -> CheckpointTokenizer {
        try ReferenceTokenizer.named("glm4").read(files)
    }

    @Test func endTokensComeFromEveryFileAndWhatIsNoTokenIsAWarning() throws {
        let plain = try glm4()
        func id(_ content: String) throws -> TokenID {
            try #require(try plain.tokenizer.encode(content, special: .asControl).first)
        }
        let user = try id("<|user|>")
        let sop = try id("<sop>")
        let end = try id("<|endoftext|>")
        #expect(plain.tokenizer.endOfGeneration == [end])
        #expect(plain.tokenizer.eos == nil)
        let read = try glm4([
            "tokenizer_config.json":
                #"{"eos_token": {"content": "<sop>"}, "bos_token": null, "pad_token": "<|nowhere|>"}"#,
            "generation_config.json": #"{"eos_token_id": [\#(user), 999999, null]}"#,
            "config.json": #"{"text_config": {"eos_token_id": \#(user)}, "bos_token_id": 5}"#,
        ])
        #expect(read.tokenizer.endOfGeneration == [user, sop, end])
        #expect(read.tokenizer.eos == sop)
        #expect(read.warnings.count == 3)
        #expect(
            read.warnings.contains {
                $0.contains("generation_config.json: eos_token_id has the number 999999")
            })
        #expect(read.warnings.contains { $0.contains("eos_token_id has null") })
        #expect(
            read.warnings.contains {
                $0.contains("pad_token: the token \"<|nowhere|>\" is not in tokenizer.json")
            })
    }

    @Test func theTemplateOfAFileOfItsOwnGoesFirst() throws {
        let config = #"{"chat_template": "config"}"#
        func template(_ files: [String: String]) throws -> String? { try glm4(files).templateSource }
        #expect(try template([:]) == nil)
        #expect(try glm4().template == nil)
        #expect(try template(["tokenizer_config.json": config]) == "config")
        #expect(
            try template([
                "tokenizer_config.json": config, "chat_template.json": #"{"chat_template": "json"}"#,
            ])
                == "json")
        #expect(try template(["tokenizer_config.json": config, "chat_template.jinja": "jinja"]) == "jinja")
        let named =
            #"{"chat_template": [{"name": "default", "template": "a"}, {"name": "tool_use", "template": "b"}]}"#
        let read = try glm4(["tokenizer_config.json": named])
        #expect(read.templateSource == "a")
        #expect(try read.toolTemplate?.render(variables: [:]).string == "b")
        let error = #expect(throws: CheckpointTokenizerError.self) {
            try glm4(["chat_template.jinja": "a\n{% if %}"])
        }
        #expect(error?.description.contains("chat_template.jinja: chat template, line 2") ?? false)
        #expect(throws: CheckpointTokenizerError.self) {
            try glm4(["tokenizer_config.json": #"{"chat_template": 3}"#])
        }
    }

    @Test func tokensThatOtherFilesCallSpecialAreSpecial() throws {
        let reference = try ReferenceTokenizer.named("qwen2")
        let plain = try reference.read().tokenizer
        let think = try #require(try plain.encode("<think>", special: .asText).first)
        #expect(plain.kind(of: think) == .userDefined)
        #expect(plain.decode([think]) == "<think>")
        for files in [
            ["special_tokens_map.json": #"{"additional_special_tokens": ["<think>"]}"#],
            ["tokenizer_config.json": #"{"extra_special_tokens": [{"content": "<think>"}]}"#],
            [
                "tokenizer_config.json":
                    #"{"added_tokens_decoder": {"\#(think)": {"content": "<think>", "special": true}}}"#
            ],
        ] {
            let read = try reference.read(files).tokenizer
            #expect(read.kind(of: think) == .control)
            #expect(try read.encode("<think>", special: .asText).count > 1)
            #expect(try read.encode("<think>", special: .asControl) == [think])
        }
        let wrong = ["tokenizer_config.json": #"{"added_tokens_decoder": {"7": {"content": "<think>"}}}"#]
        let error = #expect(throws: CheckpointTokenizerError.self) { try reference.read(wrong) }
        #expect(error?.description.contains("added_tokens_decoder.7: expected \(think)") ?? false)
    }

    @Test func theBeginningOfTextIsWhatTheFilesSay() throws {
        let config = #"{"bos_token": "<sop>", "add_bos_token": true}"#
        let with = try glm4(["tokenizer_config.json": config]).tokenizer
        let bos = try #require(with.bos)
        #expect(with.prefix == [bos])
        #expect(try glm4(["tokenizer_config.json": #"{"bos_token": "<sop>"}"#]).tokenizer.prefix == [])
        let llama = try ReferenceTokenizer.named("llama3")
        #expect(try llama.read().tokenizer.prefix.count == 2)
        let without = try llama.read(["tokenizer_config.json": config.replacing("true", with: "false")])
        #expect(without.tokenizer.prefix.count == 1)
    }

    // MARK: GGUF

    @Test(arguments: [
        ("glm4", "glm4"), ("llama3", "llama-bpe"), ("smollm", "smollm"), ("qwen2", "qwen2"),
    ])
    func theDescriptionForGGUFGivesTheSameTokens(name: String, pre: String) throws {
        let reference = try ReferenceTokenizer.named(name)
        let read = try reference.read([
            "chat_template.jinja": "x", "tokenizer_config.json": #"{"eos_token": "<sop>"}"#,
        ])
        let vocabulary = read.tokenizer.vocabulary + 5
        let description = try read.description(vocabulary: vocabulary)
        #expect(description.preTokenizer == pre)
        #expect(description.tokens.count == vocabulary)
        #expect(Set(description.tokens).count == vocabulary)
        #expect(description.kinds.count == vocabulary)
        #expect(description.kinds.last == TokenKind.unused.rawValue)
        #expect(description.tokens.last == "[PAD\(vocabulary - 1)]")
        #expect(description.chatTemplate == "x")
        #expect(description.eos == read.tokenizer.eos)
        let tokenizer = try Tokenizer(description)
        // GGUF has no words for normalisers and for added tokens that take white space along.
        for line in reference.lines where !read.normalizes {
            #expect(try tokenizer.encode(line.text, special: .asControl) == line.ids, "\(line.text)")
        }
        #expect(throws: GGUFTokenizerError.vocabulary(rows: 3, tokens: vocabulary - 5)) {
            try read.description(vocabulary: 3)
        }
    }

    @Test func aPreTokenizerWithoutANameIsRefused() throws {
        let error = #expect(throws: GGUFTokenizerError.self) {
            try ReferenceTokenizer.named("falcon").read().description()
        }
        #expect(
            error?.description.contains("known are gpt-2, smollm, llama-bpe, glm4, qwen2, default") ?? false)
    }

    @Test func everyNameOfGGUFGivesATokenizer() throws {
        var description = try glm4().description()
        for name in ["glm4", "chatglm-bpe", "llama-bpe", "gpt-2", "smollm", "qwen2", "default"] {
            description.preTokenizer = name
            let tokenizer = try Tokenizer(description)
            let text = "It's 12345 naïve 数据!\n\n  end"
            #expect(tokenizer.decode(try tokenizer.encode(text, special: .asText)) == text)
        }
    }
}
