import Encoders
import Features
import Foundation
import GatehouseNumerics
import Recognition
import Testing

/// The streaming mode against its model in PyTorch: see `reference/streaming_model.py`.
@Suite struct StreamingTests {
    private let checkpoints: Checkpoints
    private let model: SpeechModel
    private let team: ThreadTeam

    init() throws {
        checkpoints = try Checkpoints()
        model = try SpeechModel(folder: Checkpoints.path("ctc"))
        team = try ThreadTeam(threads: 2)
    }

    private static let windows = [
        StreamingWindow(chunk: 4, left: 8, right: 2), StreamingWindow(chunk: 1, left: 3, right: 0),
        StreamingWindow(chunk: 3, left: 64, right: 5),
    ]

    private func name(_ window: StreamingWindow) -> String {
        "live.\(window.chunk).\(window.left).\(window.right)"
    }

    /// What a transcriber says of samples that come in blocks of the lengths that `next` gives.
    private func partials(
        _ samples: [Float], _ window: StreamingWindow, _ next: () -> Int
    ) throws -> [StreamingPartial] {
        let transcriber = try #require(StreamingTranscriber(model, window, team))
        var partials: [StreamingPartial] = []
        var place = 0
        while place < samples.count {
            let end = min(samples.count, place + next())
            samples[place..<end].withUnsafeBufferPointer { partials += transcriber.push($0) }
            place = end
        }
        return partials + transcriber.finish()
    }

    /// The text after each partial; expects that what was stable stays.
    private func texts(_ partials: [StreamingPartial]) -> [String] {
        var (text, stable): ([UInt8], [UInt8]) = ([], [])
        return partials.map { partial in
            #expect(partial.offset <= stable.count)
            text = text[..<partial.offset] + Array(partial.text.utf8)
            #expect(text.starts(with: stable) && partial.stable >= stable.count)
            stable = Array(text[..<partial.stable])
            for (bytes, word) in partial.words {
                #expect(Array(partial.text.utf8)[bytes].elementsEqual(word.text.utf8))
            }
            return String(decoding: text, as: UTF8.self)
        }
    }

    @Test(arguments: windows)
    func featuresAreThoseOfTheModel(_ window: StreamingWindow) throws {
        let features = StreamingFeatures(model.extractor, block: 8, first: window.chunk + window.right)
        var found = checkpoints.samples.withUnsafeBufferPointer { features.push($0, team) }
        found += features.finish(team)
        let reference = try checkpoints.reference("\(name(window)).features").elements
        #expect(found.count == reference.count)
        #expect(zip(found, reference).map { abs($0 - $1) }.max() ?? 1 < 1e-3)
    }

    @Test(arguments: windows)
    func statesAreThoseOfTheModelGuessesIncluded(_ window: StreamingWindow) throws {
        let rows = try checkpoints.reference("\(name(window)).features")
        let encoder = StreamingEncoder(model.encoder, window, team)
        var found: [Float] = []
        encoder.push(rows.elements, team) { found += $0.states.elements }
        encoder.finish(team) { found += $0.states.elements }
        let width = model.encoder.configuration.width
        #expect(
            try checkpoints.difference(
                Matrix(rows: found.count / width, columns: width, found), "\(name(window)).states") < 1e-4)
    }

    @Test(arguments: windows)
    func theFinalTextIsThatOfTheModel(_ window: StreamingWindow) throws {
        let partials = try partials(checkpoints.samples, window) { 1600 }
        #expect(partials.filter(\.isFinal).count == 1 && partials.last?.isFinal == true)
        let text = try #require(texts(partials).last)
        #expect(text == checkpoints.expected["\(name(window)).text"])
        #expect(partials.last?.stable == text.utf8.count)
    }

    @Test func whatIsSaidDependsOnNoBlocks() throws {
        let window = Self.windows[0]
        let whole = try partials(checkpoints.samples, window) { checkpoints.samples.count }
        #expect(whole.count > 5)
        for block in [1, 7, 160] {
            // Sample by sample only as long as it takes to see chunks come.
            let samples = Array(checkpoints.samples.prefix(block == 1 ? 20000 : .max))
            let expected = block == 1 ? try partials(samples, window) { samples.count } : whole
            #expect(try partials(samples, window) { block } == expected)
        }
        #expect(try partials(checkpoints.samples, window) { .random(in: 0...5000) } == whole)
    }

    @Test func textComesWithinTheDelayThatIsPromised() throws {
        let window = StreamingWindow(chunk: 3, left: 64, right: 2)
        let delay = StreamingTranscriber.delay(model, window)
        #expect(delay <= 0.5)
        // A chunk is known, whatever follows, as soon as its last sample is that old.
        let transcriber = try #require(StreamingTranscriber(model, window, team))
        let until = Int((delay * 16000).rounded(.up))
        let early = checkpoints.samples[..<(until - 1)].withUnsafeBufferPointer { transcriber.push($0) }
        #expect(early.isEmpty)
        let late = checkpoints.samples[(until - 1)..<until].withUnsafeBufferPointer { transcriber.push($0) }
        #expect(late.count == 1)
    }

    @Test(arguments: [0, 100, 400, 3000])
    func aSoundThatEndsAtOnceHasOneFinalText(_ count: Int) throws {
        let partials = try partials(Array(checkpoints.samples[..<count]), Self.windows[0]) { 64 }
        #expect(partials.last?.isFinal == true && partials.filter(\.isFinal).count == 1)
        if count < 160 { #expect(partials.last?.text == "") }
    }

    @Test func streamsKnowNothingOfEachOther() throws {
        let window = Self.windows[0]
        let alone = try partials(checkpoints.samples, window) { 1600 }
        let streams = try (0..<3).map { _ in try #require(StreamingTranscriber(model, window, team)) }
        var heard = [[StreamingPartial]](repeating: [], count: 3)
        for first in stride(from: 0, to: checkpoints.samples.count, by: 1600) {
            let part = checkpoints.samples[first..<min(first + 1600, checkpoints.samples.count)]
            for (index, stream) in streams.enumerated() {
                part.withUnsafeBufferPointer { heard[index] += stream.push($0) }
            }
        }
        for (index, stream) in streams.enumerated() { #expect(heard[index] + stream.finish() == alone) }
    }
}
