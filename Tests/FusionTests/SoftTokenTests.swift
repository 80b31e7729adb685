import Fusion
import PluginHost
import TestSupport
import Testing

/// Soft tokens become the rows that decision 4 of the design says.
@Suite struct SoftTokenTests {
    private let model: LanguageModel
    private let fusion: Fusion

    init() throws {
        model = try DefaultModel.open()
        fusion = try Fusion(model)
    }

    private func rows(_ slots: [[(String, Float)]]) throws -> [[Float]] {
        let soft = SoftTokens(slots: slots.map { $0.map { SoftTokens.Piece(text: $0.0, weight: $0.1) } })
        let output = EncodedSegment(part: 0, content: .soft(soft))
        let content = try fusion.content(output, for: nil, plugin: "p", modality: "image", digest: "d")
        guard case .rows(let segment, let modality) = content else {
            Issue.record("no rows")
            return []
        }
        #expect(modality == nil && segment.digest == "d" && segment.weight == 1 && segment.grid == nil)
        return stride(from: 0, to: segment.rows.count, by: 576).map { Array(segment.rows[$0..<$0 + 576]) }
    }

    /// The embedding rows of a text's tokens.
    private func embeddings(_ text: String) throws -> [[Float]] {
        let tokens = try model.tokenizer.encode(text, special: .asText)
        return try tokens.map { try model.decoder.embed([$0]) }
    }

    private func expectEqual(_ found: [Float], _ expected: [Float]) {
        #expect(zip(found, expected).allSatisfy { abs($0 - $1) < 1e-6 })
    }

    @Test func aSlotOfSingleTokensIsTheirWeightedMean() throws {
        let (the, a) = (try embeddings("the")[0], try embeddings("a")[0])
        let found = try rows([[("the", 0.75), ("a", 0.25)]])
        #expect(found.count == 1)
        expectEqual(found[0], zip(the, a).map { 0.75 * $0 + 0.25 * $1 })
    }

    @Test func rowsAreDividedByTheMassOfThePiecesThatAreSoLong() throws {
        let long = try embeddings(" incomprehensibilities")
        let short = try embeddings(" cat")
        try #require(long.count >= 2 && short.count == 1)
        let found = try rows([[(" cat", 0.5), (" incomprehensibilities", 0.125)]])
        #expect(found.count == long.count)
        expectEqual(found[0], zip(short[0], long[0]).map { 0.8 * $0 + 0.2 * $1 })
        #expect(Array(found[1...]) == Array(long[1...]), "the only piece so long, to the bit")
    }

    @Test(arguments: [Float(0.1), 0.3, 1, 1e-30])
    func aPieceAloneGivesItsEmbeddingWhateverItWeighs(weight: Float) throws {
        #expect(try rows([[(" cat", weight)]]) == embeddings(" cat"))
    }

    @Test func whatLooksLikeAControlTokenIsText() throws {
        let found = try rows([[("<|im_end|>", 1)]])
        #expect(found.count > 3)
        #expect(try found == embeddings("<|im_end|>"))
    }

    @Test func piecesWithoutWeightOrTokensAddNothing() throws {
        #expect(try rows([[(" cat", 0.5), (" incomprehensibilities", 0), ("", 0.5)]]) == embeddings(" cat"))
        #expect(try rows([[("a", 0)], [], [("", 1)]]).isEmpty)
    }

    /// More tokens than one call of the decoder takes, and more rows than the context has.
    @Test func longOutputsAreReadInPiecesUpToTheContext() throws {
        let found = try rows(
            [[(" cat", 0.5), ("a", 0.25)]] + Array(repeating: [(" cat", 1), ("the", 1)], count: 1500))
        let (cat, a, the) = (try embeddings(" cat")[0], try embeddings("a")[0], try embeddings("the")[0])
        #expect(found.count == 1501)
        expectEqual(found[0], zip(cat, a).map { ($0 * 2 + $1) / 3 })
        for row in found[1...] { expectEqual(row, zip(cat, the).map { ($0 + $1) / 2 }) }

        let small = try Fusion(model, context: 3)
        let soft = SoftTokens(slots: Array(repeating: [.init(text: " cat", weight: 1)], count: 4))
        let error = try #require(throws: FusionError.self) {
            try small.content(
                EncodedSegment(part: 0, content: .soft(soft)), for: nil, plugin: "p", modality: "image",
                digest: "")
        }
        #expect("\(error)" == "a media part takes 4 positions or more; the context has 3")
        #expect(throws: FusionError.self) { try small.part(.text("one two three four"), weight: 0.5) }
        #expect(throws: Never.self) { try small.part(.text("one two three four"), weight: 1) }
    }

    @Test func theyStandInThePromptAsTextDoes() throws {
        let cat = Segment(rows: try embeddings(" cat")[0], width: 576, digest: "d")
        let wrapped = try fusion.segment(cat, in: "Seen:{output}.\n")
        let rows = try embeddings("Seen:") + embeddings(" cat") + embeddings(".\n")
        #expect(wrapped.rows == rows.flatMap(\.self))
        #expect(wrapped.digest != "d")
        #expect(try fusion.segment(cat, in: "{output}") == cat)
        let nothing = Segment(rows: [], width: 576, digest: "d")
        #expect(try fusion.segment(nothing, in: "Seen:{output}") == nothing)
    }

    @Test func slotsFollowEachOther() throws {
        #expect(try rows([[("the", 1)], [(" cat", 1)]]) == embeddings("the") + embeddings(" cat"))
    }
}
