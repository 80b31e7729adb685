import GatehouseJSON
import GatehouseSDK

/// Reads Morse code, from files and live: the smallest plugin that transcribes something.
final class Morse: StreamingPlugin {
    static let descriptor = PluginDescriptor(
        id: "morse", name: "Morse", vendor: "Example", version: "1.0.0", license: "Apache-2.0",
        modality: "audio",
        mediaTypes: ["audio/wav"], outputKinds: .text,
        configurationSchema: """
            {"type": "object", "additionalProperties": false, "properties": {"words_per_minute": \
            {"type": "integer", "minimum": 5, "maximum": 60, "default": 20}}}
            """)
    static let mostStreams = 8
    private let speed: Int

    init(_ context: CreateContext) throws(PluginError) {
        speed = try Self.speed(context.configuration, default: 20)
    }

    func encode(_ input: Input, into sink: Sink, job: Job) throws(PluginError) {
        for (index, part) in input.enumerated() {
            guard case .encoded = part.kind else { throw .unsupported("only audio/wav is taken") }
            let sound = try WAVSound(part.bytes)
            var reader = MorseReader(
                sampleRate: sound.sampleRate, channels: sound.channels, wordsPerMinute: speed)
            let block = sound.channels * sound.sampleRate
            for start in stride(from: 0, to: sound.samples.count, by: block) {
                try job.checkCancellation()
                let end = min(start + block, sound.samples.count)
                sound.samples.withUnsafeBufferPointer {
                    reader.read(UnsafeBufferPointer(rebasing: $0[start..<end]))
                }
                job.progress(Double(end) / Double(sound.samples.count))
            }
            reader.finish()
            try sink.text(reader.text, spans: reader.words, part: index)
        }
    }

    func open(_ format: StreamFormat, job: Job) throws(PluginError) -> any LiveStream {
        guard (1000...384_000).contains(format.sampleRate), (1...64).contains(format.channels) else {
            throw .badInput(
                "a stream of \(format.channels) channels at \(format.sampleRate) Hz; expected 1 to 64 at 1,000 to 384,000"
            )
        }
        return MorseStream(
            MorseReader(
                sampleRate: format.sampleRate, channels: format.channels,
                wordsPerMinute: try Self.speed(format.configuration, default: speed)))
    }

    private static func speed(_ json: String, default fallback: Int) throws(PluginError) -> Int {
        let problems = JSONCursor.Problems()
        do throws(JSONProblem) {
            let cursor = JSONCursor(try JSONValue(parsing: json.utf8), problems: problems)
            cursor.object(known: ["words_per_minute"])
            let speed = cursor["words_per_minute"].integer("a speed from 5 to 60", in: 5...60)
            guard let problem = problems.all.first else { return speed ?? fallback }
            throw problem
        } catch {
            throw .badConfiguration("\(error)")
        }
    }
}

/// A partial follows every mark and every letter.
final class MorseStream: LiveStream {
    private var reader: MorseReader
    private var sent = MorseReader.Progress()
    private var sentOffset = 0

    init(_ reader: MorseReader) {
        self.reader = reader
    }

    func push(_ samples: UnsafeBufferPointer<Float>, into sink: StreamSink, job: Job) throws(PluginError) {
        try job.checkCancellation()
        reader.read(samples)
        if reader.progress == sent { return }
        try sink.partial(nextPartial())
    }

    func finish(into sink: StreamSink, job: Job) throws(PluginError) {
        reader.finish()
        try sink.final(nextPartial())
    }

    /// From the word on that is being sent, if all before it was sent as stable; else from where the last one began.
    private func nextPartial() -> StreamPartial {
        if reader.wordOffset <= sent.stable { sentOffset = reader.wordOffset }
        sent = reader.progress
        let words = reader.words.filter { $0.bytes.lowerBound >= sentOffset }
        let start = words.first?.seconds?.lowerBound ?? reader.heard
        return StreamPartial(
            String(decoding: reader.text.utf8.dropFirst(sentOffset), as: UTF8.self), offset: sentOffset,
            stable: sent.stable, spans: words, seconds: start...max(start, reader.heard))
    }
}

@c @implementation
public func gatehouse_plugin_entry() -> UnsafePointer<GatehouseEntry> { export(Morse.self) }
