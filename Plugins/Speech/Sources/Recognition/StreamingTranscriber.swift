import Decoding
import Encoders
import Features
import GatehouseNumerics
import Sounds

/// What is understood of a sound that goes on. Its text follows the first `offset` bytes of what was said before; no byte of
/// the stream's text before `stable` ever changes.
public struct StreamingPartial: Sendable, Equatable {
    /// Bytes of the stream's text before `text`.
    public var offset: Int
    /// Bytes of the stream's text that are final, at most those up to the end of `text`.
    public var stable: Int
    public var text: String
    /// The words of `text` with their bytes in it.
    public var words: [(bytes: Range<Int>, word: HeardWord)]
    /// As far as the sound was heard.
    public var endSeconds: Double
    public var isFinal: Bool

    public static func == (left: StreamingPartial, right: StreamingPartial) -> Bool {
        left.offset == right.offset && left.stable == right.stable && left.text == right.text
            && left.endSeconds == right.endSeconds && left.isFinal == right.isFinal
            && left.words.elementsEqual(right.words) { $0.bytes == $1.bytes && $0.word == $1.word }
    }
}

/// Transcribes a sound while it is spoken, by the likeliest piece of each row. What it says depends in no bit on how the samples
/// are cut into pushes, and it needs the same memory however long the sound is.
///
/// One thread at a time.
public final class StreamingTranscriber {
    private let model: SpeechModel
    private let vocabulary: PieceVocabulary
    private let team: ThreadTeam
    private let features: StreamingFeatures
    private let encoder: StreamingEncoder
    private var decoder: GreedyDecoder
    private var assembler: WordAssembler
    private var rows = 0
    /// Bytes of the words that are whole.
    private var offset = 0
    private var last: (text: String, stable: Int) = ("", 0)

    /// Threads of so many that are worth their while for live sound: of a narrow model a chunk's steps are done before another
    /// thread wakes, and several streams or a decoder have a use for it.
    public static func threads(_ model: SpeechModel, of threads: Int) -> Int {
        model.encoder.configuration.width < 512 ? 1 : threads
    }

    /// nil where the model is not one for text.
    public init?(_ model: SpeechModel, _ window: StreamingWindow, _ team: ThreadTeam) {
        guard let vocabulary = model.vocabulary else { return nil }
        self.model = model
        self.vocabulary = vocabulary
        self.team = team
        features = StreamingFeatures(
            model.extractor, block: model.encoder.configuration.factor, first: window.chunk + window.right)
        encoder = StreamingEncoder(model.encoder, window, team)
        decoder = GreedyDecoder(blank: vocabulary.blank)
        assembler = WordAssembler(vocabulary, secondsPerRow: model.secondsPerRow)
    }

    /// Seconds after which a sample's text is final, without the time to compute it.
    public static func delay(_ model: SpeechModel, _ window: StreamingWindow) -> Double {
        let mel = model.extractor.mel.configuration
        let frames = (window.chunk + window.right) * model.encoder.configuration.factor
        return Double((frames - 1) * mel.hop + mel.windowLength / 2) / Double(mel.rate)
    }

    /// Takes samples of one channel at the model's rate; returns what changed, chunk by chunk.
    public func push(_ samples: UnsafeBufferPointer<Float>) -> [StreamingPartial] {
        var partials: [StreamingPartial] = []
        encoder.push(features.push(samples, team), team) { step in
            if let partial = partial(after: step) { partials.append(partial) }
        }
        return partials
    }

    /// Takes the end of the sound; the last result is final.
    public func finish() -> [StreamingPartial] {
        var partials: [StreamingPartial] = []
        func take(_ step: StreamingEncoder.Step) {
            if let partial = partial(after: step) { partials.append(partial) }
        }
        encoder.push(features.finish(team), team, take)
        encoder.finish(team, take)
        if let piece = decoder.finish() { assembler.append(piece) }
        assembler.close()
        let words = assembler.takeWords()
        var text = ""
        let spans = append(words, to: &text)
        partials.append(
            StreamingPartial(
                offset: offset, stable: offset + text.utf8.count, text: text, words: spans,
                endSeconds: Double(rows) * model.secondsPerRow, isFinal: true))
        offset += text.utf8.count
        return partials
    }

    /// What a step changed.
    private func partial(after step: StreamingEncoder.Step) -> StreamingPartial? {
        guard let scores = model.encoder.scores(step.states, team) else { return nil }
        for piece in decoder.push(scores.rows(0..<step.kept)) { assembler.append(piece) }
        rows += step.kept
        let whole = assembler.takeWords()

        // The run that goes on is heard already; only its end is open.
        var stable = assembler
        if let current = decoder.current { stable.append(current) }
        var text = ""
        _ = append(whole + stable.takeWords(), to: &text)
        if !stable.openText.isEmpty { text += separator(text) + stable.openText }
        let stableBytes = offset + text.utf8.count

        var guess = assembler
        var guesser = decoder
        for piece in guesser.push(scores.rows(step.kept..<scores.rows)) { guess.append(piece) }
        if let current = guesser.finish() { guess.append(current) }
        guess.close()
        text = ""
        let spans = append(whole + guess.takeWords(), to: &text)

        let start = offset
        offset += lengths(whole)
        let now = (text: text, stable: stableBytes)
        defer { last = (rest(text, after: offset - start), stableBytes) }
        guard now != last else { return nil }
        return StreamingPartial(
            offset: start, stable: stableBytes, text: text, words: spans,
            endSeconds: Double(rows + scores.rows - step.kept) * model.secondsPerRow, isFinal: false)
    }

    /// Between what was said and the next word.
    private func separator(_ text: String) -> String { offset + text.utf8.count > 0 ? " " : "" }

    private func append(
        _ words: [HeardWord], to text: inout String
    ) -> [(bytes: Range<Int>, word: HeardWord)] {
        words.map { word in
            text += separator(text)
            let first = text.utf8.count
            text += word.text
            return (first..<text.utf8.count, word)
        }
    }

    private func lengths(_ words: [HeardWord]) -> Int {
        var text = ""
        _ = append(words, to: &text)
        return text.utf8.count
    }

    private func rest(_ text: String, after bytes: Int) -> String {
        String(decoding: Array(text.utf8.dropFirst(bytes)), as: UTF8.self)
    }
}
