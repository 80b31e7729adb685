import Encoders
import GatehouseNumerics
import GatehouseSDK
import Recognition
import Sounds

extension Speech: StreamingPlugin {
    static let mostStreams = 16

    /// Live sound becomes text only.
    var takesStreams: Bool { recognizer.model.vocabulary != nil }

    func open(_ format: StreamFormat, job: Job) throws(PluginError) -> any LiveStream {
        var configuration = configuration
        try configuration.override(json: format.configuration)
        let window = StreamingWindow(
            chunk: configuration.chunkRows, left: configuration.leftRows, right: configuration.rightRows)
        guard let transcriber = StreamingTranscriber(recognizer.model, window, liveTeam) else {
            throw .unsupported("output: expected \"text\" for live sound, found \"\(configuration.target)\"")
        }
        do {
            let sound = try LiveSound(
                from: format.sampleRate, channels: format.channels, rate: recognizer.model.rate)
            return SpeechStream(sound, transcriber, channels: format.channels, rate: format.sampleRate)
        } catch {
            throw PluginError(error)
        }
    }
}

/// One stream: samples to partials.
final class SpeechStream: LiveStream {
    private let sound: LiveSound
    private let transcriber: StreamingTranscriber
    /// Samples that are taken between two looks at the job.
    private let block: Int

    init(_ sound: LiveSound, _ transcriber: StreamingTranscriber, channels: Int, rate: Int) {
        self.sound = sound
        self.transcriber = transcriber
        block = max(1, rate / 4) * channels
    }

    func push(_ samples: UnsafeBufferPointer<Float>, into sink: StreamSink, job: Job) throws(PluginError) {
        try job.checkCancellation()
        for first in stride(from: 0, to: samples.count, by: block) {
            let part = UnsafeBufferPointer(rebasing: samples[first..<min(samples.count, first + block)])
            let heard: [Float]
            do { heard = try sound.push(part) } catch { throw PluginError(error) }
            try send(heard.withUnsafeBufferPointer { transcriber.push($0) }, to: sink)
            try job.checkCancellation()
        }
    }

    func finish(into sink: StreamSink, job: Job) throws(PluginError) {
        try job.checkCancellation()
        let heard: [Float]
        do { heard = try sound.finish() } catch { throw PluginError(error) }
        try send(heard.withUnsafeBufferPointer { transcriber.push($0) }, to: sink)
        try send(transcriber.finish(), to: sink)
    }

    private func send(_ partials: [StreamingPartial], to sink: StreamSink) throws(PluginError) {
        for partial in partials {
            let start = min(
                partial.words.first?.word.seconds.lowerBound ?? partial.endSeconds, partial.endSeconds)
            let layout = StreamPartial(
                partial.text, offset: partial.offset, stable: partial.stable,
                spans: partial.words.map { bytes, word in
                    TextSpan(
                        bytes: partial.offset + bytes.lowerBound..<partial.offset + bytes.upperBound,
                        seconds: word.seconds, confidence: word.confidence)
                }, seconds: start...partial.endSeconds)
            if partial.isFinal { try sink.final(layout) } else { try sink.partial(layout) }
        }
    }
}

extension PluginError {
    /// - Parameter which: part of several, to begin the message with.
    init(_ error: SoundError, _ which: String = "") {
        switch error {
        case .badInput(let message): self = .badInput(which + message)
        case .outOfMemory(let message): self = .outOfMemory(which + message)
        case .cancelled: self = .cancelled
        }
    }
}
