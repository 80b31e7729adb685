import Decoder
import Fusion
import PluginHost
import TestSupport
import Testing

/// Rows of plugins: where they stand in a prompt, and which are refused.
@Suite struct SegmentTests {
    private let model: LanguageModel
    private let fusion: Fusion
    private let ours: DecoderIdentityFacts

    init() throws {
        model = try DefaultModel.open()
        fusion = try Fusion(model)
        ours = try #require(try model.facts(context: 100)).identity
    }

    /// Rows whose value number i is i.
    private func rows(
        _ count: Int, width: Int, grid: (Int32, Int32, Int32) = (0, 0, 0), positions: [Int32] = []
    ) throws -> EncodedRows {
        let memory = try SharedMemory(size: max(1, count * width * 4))
        let values = memory.base.assumingMemoryBound(to: Float.self)
        for index in 0..<count * width { values[index] = Float(index) }
        return EncodedRows(
            count: count, width: width, grid: (t: grid.0, h: grid.1, w: grid.2), positions: positions,
            memory: memory, offset: 0)
    }

    private func segment(_ count: Int, digest: String = "d") throws -> Segment {
        try fusion.segment(rows(count, width: 576), for: ours, plugin: "p", digest: digest)
    }

    @Test func rowsOfThisDecoderBecomeASegmentUnchanged() throws {
        let segment = try fusion.segment(
            rows(2, width: 576, grid: (1, 1, 2), positions: [0, 0, 0, 0, 0, 1]), for: ours, plugin: "p",
            digest: "abc")
        #expect(segment.rows == (0..<1152).map(Float.init))
        #expect(segment.width == 576)
        #expect(segment.count == 2)
        #expect(segment.weight == 1)
        #expect(segment.digest == "abc")
        #expect(segment.grid == Grid(t: 1, h: 1, w: 2))
        #expect(segment.positions == [GridPosition(t: 0, h: 0, w: 0), GridPosition(t: 0, h: 0, w: 1)])
    }

    @Test func rowsWithoutPositionsHaveNoGrid() throws {
        let segment = try segment(3)
        #expect(segment.grid == nil)
        #expect(segment.positions.isEmpty)
    }

    @Test func segmentsStandWhereTheirPartsStood() throws {
        let (first, second) = (try segment(2, digest: "first"), try segment(3, digest: "second"))
        let prompt = try fusion.prompt([
            FusedMessage(
                role: "user", parts: [.text("before"), .segment(first, modality: nil), .text("after")]),
            FusedMessage(role: "assistant", parts: [.text("so")]),
            FusedMessage(role: "user", parts: [.segment(second, modality: "image")]),
        ])
        let digests = prompt.pieces.compactMap { piece in
            if case .segment(let segment) = piece { segment.digest } else { nil }
        }
        #expect(digests == ["first", "second"])
        let texts = prompt.pieces.map { piece in
            if case .tokens(let ids) = piece { model.tokenizer.decode(ids) } else { "[…]" }
        }
        #expect(texts.joined().contains("before\n[…]\nafter"))
        #expect(texts.joined().contains("user\n[…]"))
        let positions = prompt.pieces.reduce(0) { $0 + $1.count }
        #expect(prompt.count == positions)
    }

    @Test func aReplacementCharacterInTextIsNoSegment() throws {
        let prompt = try fusion.prompt([
            FusedMessage(
                role: "user",
                parts: [.text("\u{FFFC}"), .segment(try segment(1), modality: nil), .text("\u{FFFC}")])
        ])
        #expect(prompt.pieces.count == 3)
    }

    @Test func rowsForNoDecoderAreRefused() throws {
        let error = try #require(throws: FusionError.self) {
            try fusion.segment(rows(1, width: 576), for: nil, plugin: "eye", digest: "d")
        }
        #expect("\(error)" == "plugin eye makes rows, but does not say for which decoder")
    }

    @Test func rowsForAnotherDecoderAreRefusedWithBothNamed() throws {
        var family = ours
        family.family = "glm4"
        var hidden = ours
        hidden.hidden = 4096
        var space = ours
        space.fingerprint.reverse()
        for theirs in [family, hidden, space] {
            let error = try #require(throws: FusionError.self) {
                try fusion.segment(rows(1, width: 576), for: theirs, plugin: "eye", digest: "d")
            }
            let message = "\(error)"
            #expect(message.contains("plugin eye"))
            #expect(message.contains("family \(theirs.family), hidden \(theirs.hidden)"))
            #expect(message.contains("family llama, hidden 576"))
        }
    }

    @Test func rowsOfAnotherWidthThanTheirDecoderAreRefused() throws {
        let error = try #require(throws: FusionError.self) {
            try fusion.segment(rows(1, width: 575), for: ours, plugin: "eye", digest: "d")
        }
        let message = "\(error)"
        #expect(message.contains("rows 575 wide") && message.contains("family llama, hidden 576"))
    }
}
