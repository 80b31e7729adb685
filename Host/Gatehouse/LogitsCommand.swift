import Decoder
import Engine
import Foundation
import Fusion
import Modalities
import Server
import Weights

/// Computes what the decoder says after each position of a prompt.
struct LogitsCommand: Command {
    static let name = "logits"
    static let synopsis = "(--ids 1,2,3 | --request F) --output F [OPTION]…"
    static let summary =
        "Write the logits after each position of a prompt: float32, [positions, vocabulary], row-major."
    static let options =
        [
            Option("--ids", "1,2,3", "the tokens"),
            Option("--request", "F", "in their place a chat completion's body, with its media parts"),
            Option("--output", "F", "the file to write"),
        ] + DecoderSetup.options + EncoderSetup.options + [
            Option("--precise", nil, "compute in float32 throughout")
        ]

    private enum Input {
        case ids([Int32])
        case request(path: String)
    }

    private let input: Input
    private let output: String
    private let setup: DecoderSetup
    private let encoders: EncoderSetup

    init(_ arguments: Arguments) throws(UsageError) {
        try arguments.expectRest(0...0, "")
        let ids = try arguments.integers("--ids", in: 0...Int(Int32.max))
        switch (ids, try arguments.value("--request")) {
        case (let ids?, nil): input = .ids(ids.map { Int32($0) })
        case (nil, let path?): input = .request(path: path)
        case (nil, nil): throw UsageError("--ids or --request is needed")
        case (.some, .some): throw UsageError("--ids and --request exclude each other")
        }
        output = try arguments.required("--output")
        setup = try DecoderSetup(arguments, precise: arguments.flag("--precise"))
        encoders = try EncoderSetup(arguments)
    }

    func run() async throws {
        switch input {
        case .ids(let ids): try write(Prompt([.tokens(ids)]), try setup.decoder())
        case .request(let path):
            let request: CompletionRequest
            do {
                request = try CompletionRequest(parsing: [UInt8](try InputFile.read(path)))
            } catch let error as HTTPError {
                throw CommandError("\(path): \(error.message)")
            }
            let encoders = try encoders.open()
            let source = try ModelSource(path: try setup.path())
            let model = try LanguageModel(
                source, options: setup.options, progress: ProgressBar.loading(setup.options))
            let context = model.decoder.contextLength
            let supervisor = try Supervisor(
                for: model, context: context, threads: setup.options.threads, log: Log.text.plugins)
            let registry = try encoders.registry(for: source, family: model.decoder.family)
            let prompts = try PromptBuilder(
                model, context: context,
                live: LiveRegistry(registry, supervisor: supervisor, log: Log.text.plugins))
            let bar = EncodingBar()
            let prompt = try await prompts.prompt(request.chat, progress: bar.show).prompt
            bar.end()
            await supervisor.stop()
            try write(prompt, model.decoder)
        }
    }

    private func write(_ prompt: Prompt, _ decoder: DecoderModel) throws {
        let bar = ProgressBar("Computing", unit: .tokens)
        var done = 0
        try OutputFile(output, option: "--output").write { append in
            try decoder.logits(prompt) { logits in
                try append(Data(buffer: logits))
                done += logits.count / decoder.vocabulary
                bar.show(done, of: prompt.count)
            }
        }
    }
}
