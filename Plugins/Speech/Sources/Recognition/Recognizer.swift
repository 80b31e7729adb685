import Decoding
import Encoders
import Features
import GatehouseNumerics
import Sounds

/// What was said, and when.
public struct Transcript: Sendable, Equatable {
    public var words: [HeardWord] = []

    public init() {}

    /// The words with a space between.
    public var text: String { words.map(\.text).joined(separator: " ") }

    /// Of each word its bytes in the text.
    public var ranges: [Range<Int>] {
        var place = 0
        return words.map { word in
            let count = word.text.utf8.count
            defer { place += count + 1 }
            return place..<place + count
        }
    }
}

/// Recognises whole sounds by a model: long ones window by window.
public struct Recognizer: Sendable {
    public struct Options: Sendable {
        /// A longer sound is cut where it is quiet; each window is normalised and encoded alone.
        public var windowSeconds = 30.0
        /// Sequences that the search for the likeliest follows; 1 takes the likeliest piece of each row. nil: as many as pay with
        /// the model's language model, 1 without one.
        public var beam: Int?

        public init() {}
    }

    private static let beamOfLanguage = 16

    /// Seconds of sound that become rows or soft tokens at most: a decoder reads all of them at once.
    public static let mostSecondsOfStates = 600.0

    public let model: SpeechModel
    public let options: Options

    public init(_ model: SpeechModel, _ options: Options = Options()) {
        self.model = model
        self.options = options
    }

    public enum Output: Sendable {
        case text(Transcript)
        case rows(Matrix)
        case soft([[(text: String, weight: Float)]])
    }

    /// What a decoder is to read of a sound, which has the model's rate.
    public func recognize(
        _ reader: SoundReader, _ team: ThreadTeam, _ job: EncoderJob = EncoderJob()
    ) throws(SoundError) -> Output {
        switch model.head {
        case .text(let vocabulary): return .text(try transcript(reader, vocabulary, team, job))
        case .projector(let projector):
            return .rows(projector.rows(try states(reader, team, job), classTokens: 0, team))
        case .soft(let head):
            return .soft(head.soft(try states(reader, team, job), classTokens: 0, team))
        }
    }

    private func transcript(
        _ reader: SoundReader, _ vocabulary: PieceVocabulary, _ team: ThreadTeam, _ job: EncoderJob
    ) throws(SoundError) -> Transcript {
        var transcript = Transcript()
        try forEachWindow(reader, team, job) { states, start in
            guard let scores = model.encoder.scores(states, team) else { return }
            transcript.words += words(scores, vocabulary, job).map { word in
                var word = word
                word.seconds = word.seconds.lowerBound + start...word.seconds.upperBound + start
                return word
            }
        }
        return transcript
    }

    /// The words in rows of scores, `[rows, vocabulary]`.
    private func words(
        _ scores: Matrix, _ vocabulary: PieceVocabulary, _ job: EncoderJob
    ) -> [HeardWord] {
        var assembler = WordAssembler(vocabulary, secondsPerRow: model.secondsPerRow)
        var heard: [HeardPiece]
        let beam = options.beam ?? (model.language == nil ? 1 : Self.beamOfLanguage)
        if beam > 1 {
            let best = PrefixBeamDecoder(blank: vocabulary.blank, width: beam, language: model.language)
                .decode(scores, isCancelled: job.isCancelled)
            heard = Alignment.align(best.first?.pieces ?? [], scores, blank: vocabulary.blank)
        } else {
            var decoder = GreedyDecoder(blank: vocabulary.blank)
            heard = decoder.push(scores)
            if let last = decoder.finish() { heard.append(last) }
        }
        for piece in heard { assembler.append(piece) }
        assembler.close()
        return assembler.takeWords()
    }

    private func states(
        _ reader: SoundReader, _ team: ThreadTeam, _ job: EncoderJob
    ) throws(SoundError) -> Matrix {
        var all: [Float] = []
        try forEachWindow(reader, team, job) { states, start throws(SoundError) in
            guard start + Double(states.rows) * model.secondsPerRow <= Self.mostSecondsOfStates else {
                throw .badInput(
                    "the sound lasts longer than \(Int(Self.mostSecondsOfStates)) s: no more becomes rows or soft tokens"
                )
            }
            all += states.elements
        }
        let width = model.encoder.configuration.width
        return Matrix(rows: all.count / width, columns: width, all)
    }

    /// Encodes window by window; calls `body` with the states of each and the second it begins at.
    private func forEachWindow(
        _ reader: SoundReader, _ team: ThreadTeam, _ job: EncoderJob,
        _ body: (Matrix, Double) throws(SoundError) -> Void
    ) throws(SoundError) {
        var windows = SoundWindows(reader, seconds: options.windowSeconds)
        var isEmpty = true
        var done = 0.0
        while let (samples, start) = try windows.next() {
            try job.check()
            isEmpty = false
            let share = (from: done, to: reader.fraction)
            // What an odd cut leaves at the very end is too short for a word.
            if start > 0, model.extractor.frames(samples.count) < 2 { break }
            let features = try model.extractor.features(samples, team)
            let inner = EncoderJob(
                isCancelled: job.isCancelled,
                progress: { job.progress(share.from + (share.to - share.from) * $0) })
            try body(try model.encoder.states(features, team, inner), Double(start) / Double(model.rate))
            done = share.to
        }
        try job.check()
        guard !isEmpty else { throw .badInput("the sound has no samples") }
    }
}
