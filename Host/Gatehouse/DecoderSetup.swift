import Decoder
import Weights

/// How a model is opened, from the options that all commands share which run one.
struct DecoderSetup {
    static let options = [
        Option("--model", "P", "a GGUF file, or the folder of a checkpoint (default: what models/ holds)"),
        Option("--threads", "N", "threads (default: one a core)"),
        Option("--kv-type", "T", "what keys and values are kept in: f16, f32 or int8 (default: f16)"),
        Option(
            "--shards", "N", "parts to cut the weights in, each with its share of the threads (default: 1)"),
        Option("--quantize", "T", "quantise matrices of floating-point numbers as they load: int8 or int4"),
    ]

    private let model: String?
    let options: DecoderModel.Options

    init(_ arguments: Arguments, precise: Bool = false) throws(UsageError) {
        model = try arguments.value("--model")
        let keyValueTypes = DecoderModel.KeyValueType.allCases.map(\.rawValue)
        options = DecoderModel.Options(
            threads: try arguments.threads(), precise: precise,
            keyValueType: try arguments.choice("--kv-type", of: keyValueTypes).flatMap(
                DecoderModel.KeyValueType.init(rawValue:)),
            shards: try arguments.integer("--shards", in: 1...64) ?? 1,
            quantization: try arguments.choice("--quantize", of: WeightQuantization.allCases.map(\.rawValue))
                .flatMap(WeightQuantization.init(rawValue:)))
    }

    /// The model's path, whether there is one or not.
    func path() throws -> String { try Workspace.model(model) }

    func decoder() throws -> DecoderModel {
        try DecoderModel(
            try ModelSource(path: try path()), options: options, progress: ProgressBar.loading(options))
    }
}
