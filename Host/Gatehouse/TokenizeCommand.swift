import Fusion
import GatehouseJSON
import Modalities
import Text
import Weights

/// Shows how a text is cut into tokens.
struct TokenizeCommand: Command {
    static let name = "tokenize"
    static let synopsis = "[OPTION]… TEXT"
    static let summary =
        "Show the tokens of a text: ids and pieces. Nothing in it is read as a control token."
    static let options = [
        Option("--model", "P", "a GGUF file, or the folder of a checkpoint (default: what models/ holds)"),
        Option("--json", nil, "print a JSON object for each of one or more texts"),
    ]

    private let texts: [String]
    private let model: String?
    private let json: Bool

    init(_ arguments: Arguments) throws(UsageError) {
        json = arguments.flag("--json")
        try arguments.expectRest(json ? 1...Int.max : 1...1, "the text")
        texts = arguments.rest
        model = try arguments.value("--model")
    }

    func run() async throws {
        let tokenizer = try ModelText(try ModelSource(path: try Workspace.model(model))).tokenizer
        for text in texts { show(try tokenizer.encode(text, special: .asText), tokenizer) }
    }

    private func show(_ ids: [Int32], _ tokenizer: Tokenizer) {
        // A piece may be a part of a character, which no text can show.
        let pieces = ids.map { String(decoding: tokenizer.bytes(of: $0), as: UTF8.self) }
        if json {
            print(
                JSONValue.object([
                    "ids": .array(ids.map { .number(Double($0)) }),
                    "pieces": .array(pieces.map { .string($0) }),
                    "count": .number(Double(ids.count)),
                ]).text)
        } else {
            for (id, piece) in zip(ids, pieces) { print("\(id)\t\(JSONValue.string(piece).text)") }
        }
    }
}
