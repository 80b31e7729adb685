import Foundation
import GatehouseJSON
import Testing
import Text

/// Files of a checkpoint, in a folder that goes away with it.
final class CheckpointFiles {
    let path: String

    init(_ files: [String: String]) throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "text-tests-\(UUID().uuidString)")
        path = folder.path
        for (name, text) in files {
            let file = folder.appending(path: name)
            try FileManager.default.createDirectory(
                at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data(text.utf8).write(to: file)
        }
    }

    deinit {
        try? FileManager.default.removeItem(atPath: path)
    }

    func read() throws -> CheckpointTokenizer { try CheckpointTokenizer(directory: path) }
}

/// One tokenizer of tokenizer-files.json, which make_tokenizer_files.py makes again.
struct ReferenceTokenizer {
    let name: String
    let file: JSONValue
    let lines: [(text: String, ids: [TokenID], whole: [TokenID], decoded: String)]

    static let all = Result {
        let json = try JSONValue(parsing: ModelFile.fixture("tokenizer-files.json"))
        return (json.arrayValue ?? []).map { ReferenceTokenizer($0) }
    }

    static func named(_ name: String) throws -> ReferenceTokenizer {
        try #require(try all.get().first { $0.name == name })
    }

    private init(_ json: JSONValue) {
        func ids(_ json: JSONValue) -> [TokenID] {
            (json.arrayValue ?? []).compactMap { $0.numberValue?.integer }.map { TokenID($0) }
        }
        name = json["name"]?.stringValue ?? ""
        file = json["file"] ?? .null
        lines = (json["lines"]?.arrayValue ?? []).compactMap { line in
            guard let fields = line.arrayValue, fields.count == 4 else { return nil }
            return (fields[0].stringValue ?? "", ids(fields[1]), ids(fields[2]), fields[3].stringValue ?? "")
        }
    }

    func read(_ others: [String: String] = [:]) throws -> CheckpointTokenizer {
        try CheckpointFiles(others.merging(["tokenizer.json": file.text]) { $1 }).read()
    }
}

@Suite struct TokenizerFileTests {
    @Test func idsAreThoseOfTheReference() throws {
        let all = try ReferenceTokenizer.all.get()
        #expect(all.count == 18)
        for reference in all {
            let tokenizer = try reference.read().tokenizer
            #expect(reference.lines.count > 50)
            for line in reference.lines {
                let found = try tokenizer.encode(line.text, special: .asControl)
                #expect(found == line.ids, "\(reference.name) \(line.text.debugDescription)")
                #expect(tokenizer.prefix + found + tokenizer.suffix == line.whole, "\(reference.name)")
                let own = line.ids.filter { [.normal, .unknown].contains(tokenizer.kind(of: $0)) }
                #expect(
                    tokenizer.decode(own).utf8.elementsEqual(line.decoded.utf8),
                    "\(reference.name) \(line.text.debugDescription)")
            }
        }
    }

    @Test func textFromOutsideStaysTextWhereTheNormaliserChangesIt() throws {
        let tokenizer = try ReferenceTokenizer.named("inverted").read().tokenizer
        func controls(_ text: TracedText) throws -> Int {
            try tokenizer.encode(text).reduce(0) { count, piece in
                guard case .tokens(let ids) = piece else { return count }
                return count + ids.count { tokenizer.kind(of: $0) == .control }
            }
        }
        for attack in ["<|user|>", "<S>", "<s>", "<\u{17F}>", "[gMASK]<sop>"] {
            #expect(try controls(TracedText(attack, origin: .data)) == 0)
            let around = TracedText("<|user|>\n", origin: .template) + TracedText(attack, origin: .data)
            #expect(try controls(around + TracedText("<|user|>", origin: .template)) == 2)
            #expect(try controls(TracedText("<", origin: .template) + TracedText("S>", origin: .data)) == 0)
        }
        #expect(try controls(TracedText("<S>", origin: .template)) == 1)
    }

    /// Some files have their control tokens in the vocabulary, or merges that end in one.
    @Test func neitherAWordNorAMergeBecomesAControlToken() throws {
        let names = ["h": 0, "i": 1, "hi": 2, "Ġ": 3]
        let alphabet =
            #""model": {"type": "BPE", "ignore_merges": true, "vocab": \#(try json(names)), "merges": []}"#
        let bytes =
            #""pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false}, "decoder": {"type": "ByteLevel"}"#
        let added = #""added_tokens": [{"id": 2, "content": "hi", "special": true}]"#
        let tokenizer = try CheckpointFiles(["tokenizer.json": "{\(alphabet), \(bytes), \(added)}"]).read()
            .tokenizer
        #expect(try tokenizer.encode("hi", special: .asText) == [0, 1])
        #expect(try tokenizer.encode("hi", special: .asControl) == [2])
        let merging = alphabet.replacing(#""merges": []"#, with: #""merges": ["h i"]"#)
        let refused = try CheckpointFiles(["tokenizer.json": "{\(merging), \(bytes), \(added)}"])
        #expect(throws: CheckpointTokenizerError.self) { try refused.read() }
    }

    private func json(_ ids: [String: Int]) throws -> String {
        "{" + ids.map { "\"\($0)\": \($1)" }.joined(separator: ", ") + "}"
    }

    // MARK: What is refused

    private static let small = #"""
        {"added_tokens": [{"id": 5, "content": "<|e|>", "special": true}],
         "normalizer": null, "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false},
         "post_processor": null, "decoder": {"type": "ByteLevel"},
         "model": {"type": "BPE", "vocab": {"a": 0, "b": 1, "c": 2, "ab": 3, "abc": 4}, "merges": ["a b", "ab c"]}}
        """#

    @Test(arguments: [
        (#""BPE""#, #""Unigram""#, "model.type: expected \"BPE\", found \"Unigram\""),
        (#""b": 1"#, #""b": 0"#, "model.vocab.b: expected an id of its own, found 0"),
        (#""b": 1"#, #""b": -1"#, "model.vocab.b: expected the number of a token"),
        (#""b": 1"#, #""b": 4000000000"#, "model.vocab.b: expected the number of a token"),
        (#""b": 1"#, #""b": 18446744073709551615"#, "model.vocab.b: expected the number of a token"),
        (#""b": 1"#, #""b": 1.5"#, "model.vocab.b: expected the number of a token"),
        (#""b": 1"#, #""b": 2000000"#, "model.vocab: expected ids that mostly follow each other"),
        (#""b": 1"#, #""b": "1""#, "model.vocab.b: expected the number of a token"),
        (#""b": 1"#, #""a": 1"#, "found the key \"a\" a second time"),
        (
            #""ab c""#, #""x c""#,
            "model.merges[1]: expected tokens of model.vocab that text may become, found \"x\""
        ),
        (#""ab c""#, #""c ab""#, "found \"cab\""),
        (#""ab c""#, #""abc""#, "model.merges[1]: expected two tokens with a space between"),
        (#""ab c""#, #"["a"]"#, "model.merges[1]: expected two tokens, found an array of 1"),
        (#""ab c""#, "7", "model.merges[1]: expected two tokens, found the number 7"),
        (#"["a b", "ab c"]"#, "{}", "model.merges: expected an array, found an object"),
        (#""id": 5"#, #""id": 4"#, "added_tokens[0].id: expected an id of its own, found 4"),
        (#""id": 5"#, #""id": 99999999"#, "added_tokens[0].id: expected the number of a token"),
        (
            #""content": "<|e|>""#, #""content": "ab""#,
            "added_tokens[0].id: expected 3, which \"ab\" has in model.vocab"
        ),
        (#""content": "<|e|>""#, #""content": """#, "added_tokens[0].content: expected text of 1 to"),
        (#""content": "<|e|>", "#, "", "added_tokens[0].content: expected text, found nothing"),
        (
            #""normalizer": null"#, #""normalizer": {"type": "BertNormalizer"}"#,
            "normalizer.type: expected NFC,"
        ),
        (
            #""normalizer": null"#,
            #""normalizer": {"type": "Sequence", "normalizers": [{"type": "Replace", "pattern": {"Regex": "("}, "content": ""}]}"#,
            "normalizer.normalizers[0].pattern: expected a regular expression"
        ),
        (
            #""type": "ByteLevel", "add_prefix_space": false"#, #""type": "Metaspace""#,
            "pre_tokenizer.type: expected Split,"
        ),
        (
            #""type": "ByteLevel", "add_prefix_space": false"#,
            #""type": "Split", "pattern": {"Regex": "(?{x})"}, "behavior": "Isolated""#,
            "pre_tokenizer: expected a regular expression"
        ),
        (
            #""type": "ByteLevel", "add_prefix_space": false"#,
            #""type": "Split", "pattern": {"Regex": "a"}, "behavior": "Nearby""#,
            "pre_tokenizer.behavior: expected Removed,"
        ),
        (
            #""decoder": {"type": "ByteLevel"}"#, #""decoder": {"type": "CTC"}"#,
            "decoder.type: expected ByteLevel,"
        ),
        (
            #""post_processor": null"#, #""post_processor": {"type": "BertProcessing"}"#,
            "post_processor.type: expected ByteLevel,"
        ),
        (
            #""post_processor": null"#,
            #""post_processor": {"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "<|e|>"}}], "special_tokens": {"<|e|>": {"ids": [99]}}}"#,
            "ids[0]: expected a number below 6"
        ),
        (#""merges""#, #""dropout": 0.5, "merges""#, "model.dropout: expected null"),
        (
            #""merges""#, #""unk_token": "<unk>", "merges""#,
            "model.unk_token: expected null or a token of model.vocab"
        ),
        (
            #""merges""#, #""end_of_word_suffix": "</w>", "merges""#,
            "model.end_of_word_suffix: expected null or \"\""
        ),
        (#""model""#, #""mode""#, "model.vocab: expected an object, found nothing"),
        (#"{"added"#, #"{"added"#.replacing("{", with: "["), "expected valid JSON"),
    ])
    func aWrongFileIsRefusedByPlace(old: String, new: String, message: String) throws {
        let files = try CheckpointFiles([
            "tokenizer.json": Self.small.replacing(old, with: new, maxReplacements: 1)
        ])
        let error = #expect(throws: CheckpointTokenizerError.self) { try files.read() }
        let text = error?.description ?? ""
        #expect(text.contains(message), "\(text)")
        #expect(text.hasPrefix(files.path + "/tokenizer.json"), "\(text)")
    }

    @Test func theSmallFileItselfIsRead() throws {
        let tokenizer = try CheckpointFiles(["tokenizer.json": Self.small]).read().tokenizer
        #expect(try tokenizer.encode("abcab<|e|>", special: .asControl) == [4, 3, 5])
    }

    @Test func whatIsNoTextIsRefused() throws {
        let files = try CheckpointFiles(["tokenizer.json": Self.small, "chat_template.jinja": "x"])
        try Data([0x7B, 0x22, 0xFF, 0xFE, 0x22, 0x3A, 0x31, 0x7D])
            .write(to: URL(filePath: files.path + "/tokenizer_config.json"))
        #expect(throws: CheckpointTokenizerError.self) { try files.read() }
        try Data("{}".utf8).write(to: URL(filePath: files.path + "/tokenizer_config.json"))
        #expect(try files.read().templateSource == "x")
        try Data([0xFF]).write(to: URL(filePath: files.path + "/chat_template.jinja"))
        let error = #expect(throws: CheckpointTokenizerError.self) { try files.read() }
        #expect(error?.description.hasSuffix("chat_template.jinja: it is not UTF-8") ?? false)
        let none = #expect(throws: CheckpointTokenizerError.self) { try CheckpointFiles(["x": ""]).read() }
        #expect(none?.description.hasSuffix("tokenizer.json: it is not there") ?? false)
    }

    /// Exponentially many ways to match; the engine gives up.
    @Test func aPatternThatWouldMatchForEverIsStopped() throws {
        let pattern =
            #""type": "Sequence", "pretokenizers": [{"type": "Split", "pattern": {"Regex": "^(a|aa|a*b?)+[cd]$"}, "behavior": "Isolated"}, {"type": "ByteLevel"}]"#
        let file = Self.small.replacing(#""type": "ByteLevel", "add_prefix_space": false"#, with: pattern)
        let tokenizer = try CheckpointFiles(["tokenizer.json": file]).read().tokenizer
        let error = #expect(throws: TokenizerError.self) {
            try tokenizer.encode(String(repeating: "a", count: 5000), special: .asText)
        }
        #expect(error?.description.contains("limit") ?? false, "\(String(describing: error))")
    }
}
