import Foundation
import GatehouseNumerics
import Testing

/// A head whose slots all see one patch, so that its scores are the classifier's first column.
@Suite struct SoftTokenHeadTests {
    private static let pieces = [
        " icon", " emoji", " gear icon, settings", " sun icon", " map icon", "", " red", "",
    ]
    private static let slots = """
        [{"first": 0, "count": 2}, {"first": 2, "count": 4, "nothing": 5}, {"first": 6, "count": 2, "nothing": 7}]
        """

    /// A file with three queries and a classifier of these scores.
    private func head(_ scores: [Float], _ metadata: [String: String]) throws -> SoftTokenHead {
        let metadata = metadata.merging(["pieces": try text(Self.pieces)]) { own, _ in own }
        let header: [String: Any] = [
            "__metadata__": metadata,
            "queries": ["dtype": "F32", "shape": [3, 4], "data_offsets": [0, 48]] as [String: Any],
            "classifier.weight": [
                "dtype": "F32", "shape": [scores.count, 4], "data_offsets": [48, 48 + 16 * scores.count],
            ] as [String: Any],
        ]
        let json = try JSONSerialization.data(withJSONObject: header)
        let data = [Float](repeating: 0, count: 12) + scores.flatMap { [$0, 0, 0, 0] }
        let file = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
        defer { try? FileManager.default.removeItem(at: file) }
        let length = withUnsafeBytes(of: UInt64(json.count).littleEndian) { Data($0) }
        try (length + json + data.withUnsafeBytes { Data($0) }).write(to: file)
        do { return try SoftTokenHead(SafetensorsFile(path: file.path), width: 4) } catch {
            throw Refusal(message: "\(error)".replacingOccurrences(of: file.path, with: "FILE"))
        }
    }

    private struct Refusal: Error {
        let message: String
    }

    private func text(_ value: [String]) throws -> String {
        String(decoding: try JSONSerialization.data(withJSONObject: value), as: UTF8.self)
    }

    private func said(_ scores: [Float], _ metadata: [String: String]) throws -> [[(
        text: String, weight: Float
    )]] {
        let features = Matrix(uninitializedRows: 2, columns: 4)
        for row in 0..<2 { for column in 0..<4 { features.row(row)[column] = column == 0 ? 1 : 0 } }
        return try head(scores, metadata).soft(features, classTokens: 1, ThreadTeam(threads: 1))
    }

    /// exp(score) over the sum of its slot's.
    private func probability(_ scores: [Float], _ piece: Int, _ slot: Range<Int>) -> Float {
        exp(scores[piece]) / scores[slot].reduce(0) { $0 + exp($1) }
    }

    @Test func slotsReadAsPhrasesTheMostCertainFirst() throws {
        let scores: [Float] = [2, 0, 5, 0, 4, 1, -3, 3]
        let said = try said(scores, ["slots": Self.slots, "separator": ";"])
        // The colour has nothing to say. Of the concept, what is far less likely than the likeliest is left out.
        #expect(said.map { $0.map(\.text) } == [[" icon"], [";"], [" gear icon, settings", " map icon"]])
        #expect(abs(said[0][0].weight - probability(scores, 0, 0..<2)) < 1e-6)
        #expect(abs(said[2][0].weight - probability(scores, 2, 2..<6)) < 1e-6)
        #expect(abs(said[2][1].weight - probability(scores, 4, 2..<6)) < 1e-6)
        let surer = try self.said([2, 0, 9, 0, 4, 1, 8, 3], ["slots": Self.slots])
        #expect(surer.map { $0.map(\.text) } == [[" red"], [" gear icon, settings"], [" icon"]])
    }

    @Test func nothingIsNeverAPieceAndWhatIsUncertainIsNotSaid() throws {
        let scores: [Float] = [2, 0, 1, 0, 1, 0.9, 0.1, 0]
        let metadata = ["slots": Self.slots, "separator": ";", "least": "0.52"]
        let said = try said(scores, metadata)
        #expect(said.map { $0.map(\.text) } == [[" icon"], [";"], [" red"]])
        let all = try self.said(scores, ["slots": Self.slots])
        #expect(
            all.map { $0.map(\.text) } == [
                [" icon"], [" red"], [" gear icon, settings", " map icon", " sun icon"],
            ])
    }

    @Test func withoutSlotsEachSlotHasAllPieces() throws {
        let said = try said([2, 0, 5, 0, 4, 1, -3, 3], [:])
        #expect(said.count == 3 && said.allSatisfy { $0.count == 8 && $0[0].text == " gear icon, settings" })
    }

    @Test(arguments: [
        ("[]", "slots: expected a JSON array of one object for each of 3 queries, found 0 elements"),
        (
            #"[{"first": 8}, {}, {}]"#,
            "slots[0].first: expected a whole number from 0 to 7, found the number 8"
        ),
        (
            #"[{"first": 6, "count": 3}, {}, {}]"#,
            "slots[0].count: expected a whole number from 1 to 2, found the number 3"
        ),
        (
            #"[{"first": 6, "count": 2, "nothing": 5}, {}, {}]"#,
            "slots[0].nothing: expected a whole number from 6 to 7, found the number 5"
        ),
    ])
    func slotsThatDoNotFitAreRefused(_ slots: String, _ message: String) throws {
        #expect {
            try head([Float](repeating: 0, count: 8), ["slots": slots])
        } throws: {
            ($0 as? Refusal)?.message == "FILE: __metadata__.\(message)"
        }
    }

    @Test func aLeastProbabilityThatIsNoneIsRefused() throws {
        #expect {
            try head([Float](repeating: 0, count: 8), ["slots": Self.slots, "least": "2"])
        } throws: {
            ($0 as? Refusal)?.message
                == "FILE: __metadata__.least: expected a number from 0 to 1, found the number 2"
        }
    }
}
