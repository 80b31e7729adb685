import Decoder
import Engine
import Foundation
import Fusion
import Modalities
import Server
import Weights

/// What it takes to answer chats, built from the options that `serve` and `chat` share.
struct ChatSetup {
    static let options =
        DecoderSetup.options + EncoderSetup.options + [
            Option(
                "--ctx", "N",
                "tokens that a prompt and its answer may take (default: as the model was trained)"),
            Option(
                "--prompt-lookup", "N",
                "guess up to N tokens of greedy answers from what stands before; same answers (default: 0)"),
            Option("--no-prefix-cache", nil, "keep nothing of a request for later ones that begin alike"),
            Option(
                "--media-cache", "N",
                "MiB kept of what encoders made of media, for when it comes again (default: 256)"),
        ]

    private let decoder: DecoderSetup
    private let encoders: EncoderSetup
    private let context: Int?
    private let promptLookup: Int
    private let keepsPrefixes: Bool
    private let cacheBytes: Int

    init(_ arguments: Arguments) throws(UsageError) {
        decoder = try DecoderSetup(arguments)
        encoders = try EncoderSetup(arguments)
        context = try arguments.integer("--ctx", in: 1...(1 << 30))
        promptLookup = try arguments.integer("--prompt-lookup", in: 0...64) ?? 0
        keepsPrefixes = !arguments.flag("--no-prefix-cache")
        cacheBytes =
            try arguments.integer("--media-cache", in: 0...(1 << 30)).map { $0 << 20 }
            ?? ChatService.defaultCacheBytes
    }

    /// Reads the registry and the model's own description, so that what is wrong with them is told.
    func check() throws {
        _ = try encoders.open()
        _ = try ModelSource(path: try decoder.path())
    }

    /// Loads the model and starts the engine; no plugin is opened.
    ///
    /// - Parameters:
    ///   - requests: how many full contexts the KV pool holds; nil: as many as suit the machine.
    ///   - promptLimit: Tokens that a prompt may take; nil for all that fit.
    ///   - timeLimit: Of writing an answer.
    ///   - info: told in a line each what is done.
    ///   - log: takes warnings and what plugins log.
    func build(
        requests: Int?, promptLimit: Int? = nil, timeLimit: Duration? = nil, info: (String) -> Void,
        log: Log = .text
    ) throws -> ChatService {
        let encoders = try encoders.open()
        let path = try decoder.path()
        let threads = decoder.options.threads
        info("Loading model \(path)")
        let source = try ModelSource(path: path)
        info("Loading model shards: " + Self.describe(source, parts: decoder.options.shards))
        let model = try LanguageModel(
            source, options: decoder.options, progress: ProgressBar.loading(decoder.options))
        for warning in model.warnings { log.warning("\(path): \(warning)") }
        let decoder = model.decoder
        let registry = try encoders.registry(for: source, family: decoder.family, log: log)
        if let context, context > decoder.contextLength {
            throw CommandError(
                "--ctx \(context): the model was trained for \(decoder.contextLength) tokens at most")
        }
        var options = Engine.Options()
        options.context = context
        options.promptLookup = promptLookup
        // More than fit are no limit.
        options.promptLimit = promptLimit.map { min($0, context ?? decoder.contextLength) }
        options.timeLimit = timeLimit
        options.keepsPrefixes = keepsPrefixes
        options.poolTokens = requests.map { $0 * (context ?? decoder.contextLength) }
        let engine = try Engine(decoder, options: options)
        info(
            "Model ready: \(decoder.family), \(decoder.layerCount) layers of \(decoder.hidden), vocabulary "
                + "\(decoder.vocabulary), context \(engine.context)")
        info("Compute: \(decoder.backendName), \(threads) threads")
        return try ChatService(
            model: model, engine: engine, registry: registry, threads: threads, cacheBytes: cacheBytes,
            log: log.plugins)
    }

    /// What is loaded: `model-00001-of-00002.safetensors (4961.25 MB), …; 523 tensors, whole`.
    private static func describe(_ source: ModelSource, parts: Int) -> String {
        let files = source.files.map { "\($0.name) (\(ByteSize($0.byteCount)))" }
        return files.joined(separator: ", ") + "; \(source.weights.tensors.count) tensors, "
            + (parts == 1 ? "whole" : "cut in \(parts) parts")
    }
}
