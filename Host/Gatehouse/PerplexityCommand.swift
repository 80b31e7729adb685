import Engine
import Foundation
import Fusion
import GatehouseJSON

/// Measures how well a model foretells a text.
struct PerplexityCommand: Command {
    static let name = "perplexity"
    static let synopsis = "FILE [OPTION]…"
    static let summary = "Measure the perplexity of a text: e to the mean of -log p(token | tokens before)."
    static let options =
        DecoderSetup.options + [
            Option("--precise", nil, "compute in float32 throughout"),
            Option("--ctx", "N", "tokens in a window, the first half of which is given (default: 512)"),
            Option("--json", nil, "print one JSON object"),
        ]

    private let file: String
    private let setup: DecoderSetup
    private let window: Int
    private let json: Bool

    init(_ arguments: Arguments) throws(UsageError) {
        try arguments.expectRest(1...1, "the text's file")
        file = arguments.rest[0]
        setup = try DecoderSetup(arguments, precise: arguments.flag("--precise"))
        window = try arguments.integer("--ctx", in: 2...(1 << 20)) ?? 512
        json = arguments.flag("--json")
    }

    func run() async throws {
        guard let text = String(validating: try InputFile.read(file), as: UTF8.self) else {
            throw CommandError("\(file): expected a text in UTF-8, found other bytes")
        }
        let path = try setup.path()
        let model = try LanguageModel(
            path: path, options: setup.options, progress: ProgressBar.loading(setup.options))
        let tokens = try model.tokenizer.encode(text, special: .asText)
        let result = try model.decoder.perplexity(
            of: tokens, window: min(window, model.decoder.contextLength))
        if json {
            print(
                JSONValue.object([
                    "model": .string(path), "perplexity": .number(result.perplexity),
                    "standard_error": .number(result.standardError), "tokens": .number(result.count),
                ]).text)
        } else {
            print(
                String(
                    format: "perplexity %.4f ± %.4f over %d tokens", result.perplexity, result.standardError,
                    result.count))
        }
    }
}
