import Decoding
import Encoders
import Features
import Foundation
import GatehouseNumerics
import Recognition
import Sounds
import Testing

/// The plugin's parts against transformers on small random checkpoints: see `reference/make_checkpoints.py`.
@Suite struct CheckpointTests {
    private let checkpoints: Checkpoints

    init() throws { checkpoints = try Checkpoints() }

    private func output(
        _ model: String, _ target: SpeechModel.Target = .text, _ job: EncoderJob = EncoderJob(),
        beam: Int = 1,
        threads: Int = 2
    ) throws -> Recognizer.Output {
        var options = Recognizer.Options()
        options.beam = beam
        let recognizer = Recognizer(
            try SpeechModel(folder: Checkpoints.path(model), target: target), options)
        return try checkpoints.samples.withUnsafeBufferPointer {
            try recognizer.recognize(
                SoundReader(samples: $0, rate: 16000, channels: 1, rate: 16000), ThreadTeam(threads: threads),
                job
            )
        }
    }

    private func transcript(_ model: String, beam: Int = 1) throws -> Transcript {
        guard case .text(let transcript) = try output(model, beam: beam) else {
            throw TensorFileError(path: model, field: "output", expected: "text", found: "none")
        }
        return transcript
    }

    @Test func featuresAreThoseOfTheReference() throws {
        let extractor = try FeatureExtractor(
            ConfigurationFile(path: Checkpoints.path("ctc/preprocessor_config.json")))
        let features = try checkpoints.samples.withUnsafeBufferPointer {
            try extractor.features($0, ThreadTeam(threads: 2))
        }
        let reference = try checkpoints.reference("features")
        #expect(features.rows == checkpoints.samples.count / 160)
        let furthest = zip(features.elements, reference.elements).map { abs($0 - $1) }.max()
        #expect(try #require(furthest) < 1e-4 && features.elements.count == reference.elements.count)
    }

    @Test(arguments: ["ctc", "int8", "encoder"])
    func statesAndScoresAreThoseOfTheReference(_ name: String) throws {
        let model = try SpeechModel(
            folder: Checkpoints.path(name), target: name == "encoder" ? .rows : .text)
        let team = try ThreadTeam(threads: 2)
        let features = try checkpoints.samples.withUnsafeBufferPointer {
            try model.extractor.features($0, team)
        }
        let states = try model.encoder.states(features, team)
        #expect(states.rows == model.encoder.rows(features.rows))
        #expect(try checkpoints.difference(states, "\(name).states") < 1e-4)
        if name != "encoder" {
            let scores = try #require(model.encoder.scores(states, team))
            #expect(try checkpoints.difference(scores, "\(name).scores") < 1e-4)
        }
    }

    @Test(arguments: ["ctc", "int8"])
    func theTranscriptIsThatOfTheReferencesTokenizer(_ name: String) throws {
        let transcript = try transcript(name)
        #expect(transcript.text == checkpoints.expected["\(name).text"])
        #expect(!transcript.words.isEmpty)
        let text = Array(transcript.text.utf8)
        for (range, word) in zip(transcript.ranges, transcript.words) {
            #expect(String(decoding: text[range], as: UTF8.self) == word.text)
            #expect(word.seconds.lowerBound < word.seconds.upperBound && word.seconds.upperBound < 4.2)
            #expect(word.confidence > 0 && word.confidence <= 1)
        }
        let starts = transcript.words.map(\.seconds.lowerBound)
        #expect(starts == starts.sorted())
    }

    @Test func aBeamHearsMoreThanTheLikeliestPiecesAndTheSameEveryTime() throws {
        let one = try transcript("ctc")
        let many = try transcript("ctc", beam: 16)
        #expect(!many.words.isEmpty && many.words.last?.seconds.upperBound ?? 0 < 4.2)
        #expect(try transcript("ctc", beam: 16) == many)
        #expect(many != one)
    }

    @Test func statesBecomeRowsOfTheDecoderThatTheProjectorNames() throws {
        let model = try SpeechModel(folder: Checkpoints.path("encoder"), target: .rows)
        #expect(model.projector?.decoder?.family == "llama" && model.secondsPerRow == 0.04)
        guard case .rows(let rows) = try output("encoder", .rows) else {
            Issue.record("it made no rows")
            return
        }
        #expect(try checkpoints.difference(rows, "encoder.rows") < 1e-4)
    }

    @Test func softTokensAreTheLikeliestPieces() throws {
        guard case .soft(let slots) = try output("encoder", .soft) else {
            Issue.record("it made no soft tokens")
            return
        }
        let pieces = [" yes", " no", " maybe", ".", "é", " 猫"]
        let reference = try checkpoints.reference("encoder.soft")
        #expect(slots.count == 3)
        for (slot, found) in slots.enumerated() {
            for (text, weight) in found {
                let piece = try #require(pieces.firstIndex(of: text))
                #expect(abs(weight - reference.row(slot)[piece]) < 1e-3)
            }
        }
    }

    @Test func bitsDependOnNoThreads() throws {
        guard case .rows(let one) = try output("encoder", .rows, threads: 1),
            case .rows(let three) = try output("encoder", .rows, threads: 3)
        else {
            Issue.record("it made no rows")
            return
        }
        #expect(one.elements == three.elements)
    }

    @Test func progressRisesToOneAndACancelIsSeen() throws {
        let progress = Progress()
        _ = try output("ctc", .text, EncoderJob(progress: { progress.add($0) }))
        #expect(progress.told == progress.told.sorted() && progress.told.last == 1)
        #expect(throws: SoundError.cancelled) {
            try output("ctc", .text, EncoderJob(isCancelled: { true }))
        }
    }

    @Test(
        arguments: zip(
            [0, 1, 319],
            [
                "the sound has no samples", "the sound lasts 0.0625 ms: at least 20.0 ms are needed",
                "the sound lasts 19.9375 ms: at least 20.0 ms are needed",
            ]))
    func aSoundTooShortForAnyFeatureIsRefused(_ count: Int, _ message: String) throws {
        let recognizer = Recognizer(try SpeechModel(folder: Checkpoints.path("ctc")))
        let team = try ThreadTeam(threads: 1)
        #expect(throws: SoundError.badInput(message)) {
            try checkpoints.samples[..<count].withUnsafeBufferPointer {
                try recognizer.recognize(
                    SoundReader(samples: $0, rate: 16000, channels: 1, rate: 16000), team)
            }
        }
    }

    @Test func aLongSoundIsReadWindowByWindowAsIfEachWereAlone() throws {
        var options = Recognizer.Options()
        options.windowSeconds = 6
        let recognizer = Recognizer(try SpeechModel(folder: Checkpoints.path("ctc")), options)
        let team = try ThreadTeam(threads: 2)
        let long = [[Float]](repeating: checkpoints.samples, count: 5).flatMap { $0 }
        func transcript(_ samples: [Float]) throws -> Transcript {
            let output = try samples.withUnsafeBufferPointer {
                try recognizer.recognize(
                    SoundReader(samples: $0, rate: 16000, channels: 1, rate: 16000), team)
            }
            guard case .text(let transcript) = output else { return Transcript() }
            return transcript
        }
        let found = try transcript(long)
        var expected: [HeardWord] = []
        try long.withUnsafeBufferPointer { samples in
            var windows = SoundWindows(
                try SoundReader(samples: samples, rate: 16000, channels: 1, rate: 16000), seconds: 6)
            var count = 0
            while let (part, start) = try windows.next() {
                count += 1
                let seconds = Double(start) / 16000
                expected += try transcript(Array(part)).words.map { word in
                    HeardWord(
                        text: word.text,
                        seconds: word.seconds.lowerBound + seconds...word.seconds.upperBound + seconds,
                        confidence: word.confidence)
                }
            }
            #expect(count >= 4)
        }
        #expect(found.words == expected && found.words.last?.seconds.upperBound ?? 0 > 18)
    }

    @Test func silenceAndTheShortestSoundHaveATranscript() throws {
        let recognizer = Recognizer(try SpeechModel(folder: Checkpoints.path("ctc")))
        let team = try ThreadTeam(threads: 1)
        for samples in [[Float](repeating: 0, count: 16000), Array(checkpoints.samples[..<320])] {
            try samples.withUnsafeBufferPointer {
                let output = try recognizer.recognize(
                    SoundReader(samples: $0, rate: 16000, channels: 1, rate: 16000), team)
                guard case .text(let transcript) = output else {
                    Issue.record("it made no text")
                    return
                }
                #expect(transcript.words.allSatisfy { $0.confidence.isFinite })
            }
        }
    }
}

/// What was told, in order. Used from one thread at a time.
private final class Progress: @unchecked Sendable {
    private(set) var told: [Double] = []

    func add(_ fraction: Double) { told.append(fraction) }
}
