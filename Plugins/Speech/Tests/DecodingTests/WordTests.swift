import Decoding
import GatehouseJSON
import GatehouseNumerics
import Testing

/// Pieces to words.
@Suite struct WordTests {
    private func vocabulary(_ json: String, count: Int = 8, blank: Int = 7) throws -> PieceVocabulary {
        try PieceVocabulary(
            ConfigurationFile(path: "tokenizer.json", values: JSONValue(parsing: json.utf8)), count: count,
            blank: blank)
    }

    private let pieces = """
        {"model": {"vocab": {"<unk>": 0, "▁the": 1, "n": 2, "▁": 3, "é": 4, "<0xE7>": 5, "<0x8C>": 6}},
         "added_tokens": [{"id": 0, "content": "<unk>", "special": true}]}
        """

    private func words(_ heard: [Int]) throws -> [HeardWord] {
        var assembler = WordAssembler(try vocabulary(pieces), secondsPerRow: 0.5)
        for (row, piece) in heard.enumerated() {
            assembler.append(HeardPiece(piece: piece, rows: 2 * row..<2 * row + 1, probability: 0.25))
        }
        assembler.close()
        return assembler.words
    }

    @Test func aMarkBeginsAWordAndTimesReachFromItsFirstPieceToItsLast() throws {
        let found = try words([1, 2, 4, 3, 2, 1])
        #expect(found.map(\.text) == ["thené", "n", "the"])
        #expect(found.map(\.seconds) == [0...2.5, 3...4.5, 5...5.5])
        #expect(found.allSatisfy { abs($0.confidence - 0.25) < 1e-6 })
        #expect(try words([2, 0, 3]).map(\.text) == ["n"])
    }

    @Test func bytesOfACharacterComeTogether() throws {
        var assembler = WordAssembler(try vocabulary(pieces), secondsPerRow: 1)
        for piece in [1, 5, 6] {
            assembler.append(HeardPiece(piece: piece, rows: 0..<1, probability: 1))
        }
        #expect(assembler.openText == "the")
        assembler.append(HeardPiece(piece: 2, rows: 1..<2, probability: 1))
        #expect(assembler.openText == "the\u{FFFD}n")
    }

    @Test(arguments: ["é", "猫", "🐈"])
    func aCharacterIsWholeWithItsLastByteOnly(_ character: String) throws {
        let bytes = Array(character.utf8)
        let names = bytes.enumerated().map { "\"<0x\(String($1, radix: 16))>\": \($0 + 1)" }
        let vocabulary = try vocabulary(
            "{\"model\": {\"vocab\": {\"▁x\": 0, \(names.joined(separator: ", "))}}}")
        var assembler = WordAssembler(vocabulary, secondsPerRow: 1)
        for piece in 0...bytes.count {
            assembler.append(HeardPiece(piece: piece, rows: 0..<1, probability: 1))
            #expect(assembler.openText == (piece == bytes.count ? "x\(character)" : "x"))
        }
    }

    @Test func anEndlessWordEndsSomewhere() throws {
        let found = try words([Int](repeating: 2, count: 5000))
        #expect(found.count > 2 && found.allSatisfy { $0.text.utf8.count <= 1100 })
    }

    @Test(
        arguments: zip(
            [
                #"{}"#, #"{"model": {}}"#, #"{"model": {"vocab": {"a": -1}}}"#,
                #"{"model": {"vocab": [[1]]}}"#,
                #"{"model": {"vocab": {"a": 9}}}"#,
            ],
            [
                "model: expected an object, found nothing",
                "model.vocab: expected an object or an array, found nothing",
                "model.vocab[\"a\"]: expected a piece's number, found the number -1",
                "model.vocab[0]: expected a piece and its score, found an array of 1",
                "model.vocab: expected pieces below 8, found none",
            ]))
    func aVocabularyThatIsNoneIsRefused(_ json: String, _ message: String) throws {
        #expect {
            try vocabulary(json)
        } throws: {
            "\($0)" == "tokenizer.json: \(message)"
        }
    }
}
