import GatehouseNumerics
import GatehouseSDK
import Recognition
import Sounds

/// Writes down what is said in a sound; or shows the sound to the decoder as rows or soft tokens.
final class Speech: ModalityPlugin {
    static let descriptor = PluginDescriptor(
        id: "speech", name: "Speech", vendor: "Gatehouse", version: "0.1.0", license: "Apache-2.0",
        modality: "audio", mediaTypes: SoundFormat.allCases.map(\.rawValue),
        outputKinds: [.text, .rows, .soft],
        configurationSchema: Configuration.schema, weightsManifest: weightsManifest, needsWeights: true)

    private static let weightsManifest = """
        {"files": [\
        {"name": "config.json", "description": "of a checkpoint whose model_type is parakeet_ctc or parakeet_encoder"}, \
        {"name": "model.safetensors", "description": "its weights, or shards with their index"}, \
        {"name": "preprocessor_config.json", "description": "how features are made of sound"}, \
        {"name": "tokenizer.json", "description": "for text: what the pieces stand for"}, \
        {"name": "projector.safetensors", "description": "for rows: states to rows of a decoder"}, \
        {"name": "soft_head.safetensors", "description": "for soft tokens: states to distributions over pieces"}]}
        """

    let outputs: PluginOutputs
    let configuration: Configuration
    let recognizer: Recognizer
    /// For live sound.
    let liveTeam: ThreadTeam
    private let team: ThreadTeam

    init(_ context: CreateContext) throws(PluginError) {
        configuration = try Configuration(json: context.configuration)
        guard let path = context.weights else {
            throw .noWeights(
                "weights: expected the folder of a parakeet_ctc checkpoint, found none configured")
        }
        var options = Recognizer.Options()
        options.beam = configuration.beam
        options.windowSeconds = Double(configuration.windowSeconds)
        do {
            recognizer = Recognizer(try SpeechModel(folder: path, target: configuration.target), options)
        } catch {
            throw .noWeights("\(error)")
        }
        do {
            team = try ThreadTeam(threads: context.threads)
            let live = StreamingTranscriber.threads(recognizer.model, of: context.threads)
            liveTeam = live == context.threads ? team : try ThreadTeam(threads: live)
        } catch {
            throw .unavailable("\(error)")
        }
        outputs = Self.outputs(recognizer.model, configuration.target, context.decoder)
    }

    func encode(_ input: Input, into sink: Sink, job: Job) throws(PluginError) {
        for (index, part) in input.enumerated() {
            // One alone needs no number.
            let which = input.count > 1 ? "part \(index + 1): " : ""
            guard let source = Source(part) else {
                throw .unsupported("\(which)expected the bytes of a sound or samples, found \(part.kind)")
            }
            let output: Recognizer.Output
            do {
                output = try made(source, part.bytes, index, of: input.count, job)
            } catch {
                throw PluginError(error, which)
            }
            try send(output, part: index, to: sink)
        }
    }

    private enum Source {
        case file(SoundFormat)
        case samples(rate: Int, channels: Int)

        init?(_ part: Part) {
            switch part.kind {
            case .encoded:
                guard let format = SoundFormat(rawValue: part.mediaType) else { return nil }
                self = .file(format)
            case .pcm(let rate, let channels): self = .samples(rate: rate, channels: channels)
            default: return nil
            }
        }
    }

    private func made(
        _ source: Source, _ bytes: UnsafeRawBufferPointer, _ index: Int, of count: Int, _ job: Job
    ) throws(SoundError) -> Recognizer.Output {
        let rate = recognizer.model.rate
        let reader: SoundReader
        switch source {
        case .file(let format): reader = try SoundReader(decoding: bytes, as: format, rate: rate)
        case .samples(let from, let channels):
            reader = try SoundReader(
                samples: bytes.bindMemory(to: Float.self), rate: from, channels: channels, rate: rate)
        }
        let job = EncoderJob(
            isCancelled: { job.isCancelled }, progress: { job.progress((Double(index) + $0) / Double(count)) }
        )
        return try recognizer.recognize(reader, team, job)
    }

    private func send(_ output: Recognizer.Output, part: Int, to sink: Sink) throws(PluginError) {
        switch output {
        case .text(let transcript):
            let spans = zip(transcript.ranges, transcript.words).map { range, word in
                TextSpan(bytes: range, seconds: word.seconds, confidence: word.confidence)
            }
            try sink.text(transcript.text, spans: spans, part: part)
        case .soft(let slots): try sink.soft(slots.map { SoftSlot($0) }, part: part)
        case .rows(let rows):
            try sink.rows(RowShape(rows: rows.rows, width: rows.columns), part: part) {
                memory throws(PluginError) in
                for row in 0..<rows.rows {
                    (memory.baseAddress.map { $0 + row * rows.columns })?
                        .update(from: rows.base + row * rows.stride, count: rows.columns)
                }
            }
        }
    }

    private static func outputs(
        _ model: SpeechModel, _ target: SpeechModel.Target, _ decoder: Decoder?
    ) -> PluginOutputs {
        switch target {
        case .text: return PluginOutputs(kinds: .text)
        case .soft: return PluginOutputs(kinds: .soft)
        case .rows:
            let width = model.projector?.width ?? 0
            return PluginOutputs(
                kinds: .rows, width: width,
                decoder: DecoderIdentity(
                    ofRows: width, named: model.projector?.decoder, family: nil, atHand: decoder?.identity))
        }
    }
}

@c @implementation
public func gatehouse_plugin_entry() -> UnsafePointer<GatehouseEntry> { export(Speech.self) }
