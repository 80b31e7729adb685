import Decoder
import Engine
import Foundation
import Fusion
import GatehouseJSON
import Modalities
import PluginHost
import Server
import Weights

/// Measures what modalities cost a request.
struct BenchModalitiesCommand: Command {
    static let name = "bench modalities"
    static let synopsis = "[OPTION]…"
    static let summary =
        "Measure what encoders cost a request: none, on demand, and always on with blank input."
    static let options =
        [
            Option("--input", "F", "the part of the requests that have one (default: a blank file)"),
            Option("--prompt", "S", "the text of the requests (default: a short question)"),
            Option("-n", "N", "tokens to write (default: 16)"),
            Option("--rounds", "N", "requests of each kind after one that is not counted (default: 7)"),
            Option("--json", nil, "print one JSON object"),
        ] + DecoderSetup.options + EncoderSetup.options

    private let setup: DecoderSetup
    private let encoders: EncoderSetup
    private let input: String?
    private let prompt: String
    private let written: Int
    private let rounds: Int
    private let json: Bool

    init(_ arguments: Arguments) throws(UsageError) {
        try arguments.expectRest(0...0, "")
        setup = try DecoderSetup(arguments)
        encoders = try EncoderSetup(arguments)
        input = try arguments.value("--input")
        prompt = try arguments.value("--prompt") ?? "Say in one sentence what an operating system does."
        written = try arguments.integer("-n", in: 1...(1 << 20)) ?? 16
        rounds = try arguments.integer("--rounds", in: 1...1000) ?? 7
        json = arguments.flag("--json")
    }

    func run() async throws {
        // Writing to a worker that is gone is an error of that write alone.
        signal(SIGPIPE, SIG_IGN)
        let opened = try encoders.open()
        let path = try setup.path()
        let source = try ModelSource(path: path)
        let model = try LanguageModel(
            source, options: setup.options, progress: ProgressBar.loading(setup.options))
        let registry = try opened.registry(for: source, family: model.decoder.family)
        if registry.plugins.isEmpty {
            throw CommandError("the registry has no plugins to measure; name one by --registry")
        }
        let blanks = ModalityBenchmark.blanks(for: registry)
        guard let part = try input.map({ try MediaPart(file: $0) }) ?? blanks.first?.part else {
            throw CommandError("no blank file is known for what the plugins accept; give one by --input")
        }
        var options = Engine.Options()
        options.context = min(8192, model.decoder.contextLength)
        options.poolTokens = options.context
        options.keepsPrefixes = false
        let benchmark = ModalityBenchmark(
            model: model, engine: try Engine(model.decoder, options: options), registry: registry,
            threads: setup.options.threads, rounds: rounds, written: written, question: prompt, part: part,
            blanks: blanks,
            log: { plugin, level, line in
                if level == .error { Log.text.plugins(plugin, level, line) }
            })
        let encoders = blanks.map { $0.plugin.id }
        for plugin in registry.plugins where plugin.takesPart && !encoders.contains(plugin.id) {
            Terminal.error(
                "[WARNING] plugin \(plugin.id) is left out: no blank file is known for what it accepts\n")
        }
        if !json {
            try Terminal.output(
                """
                model \(path)
                \(model.decoder.backendName), \(setup.options.threads) threads; encoders \
                \(encoders.joined(separator: ", ")); \(rounds) rounds, medians
                \(Self.column("request", 50))   first token       whole   ratio     memory

                """)
        }
        var results: [ModalityBenchmark.Result] = []
        try await benchmark.run { result in
            results.append(result)
            if !json { try Terminal.output(Self.line(result) + "\n") }
        }
        if json {
            try Terminal.output(
                JSONValue.object([
                    "model": .string(path), "backend": .string(model.decoder.backendName),
                    "threads": .number(Double(setup.options.threads)), "rounds": .number(Double(rounds)),
                    "encoders": .array(encoders.map { .string($0) }),
                    "results": .array(results.map(Self.json)),
                ]).text + "\n")
        }
    }

    private static func line(_ result: ModalityBenchmark.Result) -> String {
        column(result.name, 50)
            + String(
                format: "%11.1f ms %8.1f ms %6.2f× %7.1f MB", result.first.median, result.whole.median,
                result.ratio, Double(result.memory) / 1e6)
    }

    private static func column(_ text: String, _ width: Int) -> String {
        text.padding(toLength: width, withPad: " ", startingAt: 0)
    }

    private static func json(_ result: ModalityBenchmark.Result) -> JSONValue {
        .object([
            "request": .string(result.name), "first_token_ms": .number(result.first.median),
            "whole_ms": .number(result.whole.median),
            "whole_p95_ms": .number(result.whole.quantile(0.95)),
            "ratio": .number(result.ratio),
            "memory_bytes": .number(Double(result.memory)),
            "prompt_tokens": .number(Double(result.promptTokens)),
        ])
    }
}
