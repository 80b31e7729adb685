import Constraints
import Server
import Testing

/// Calls are told from text, wherever the text is cut.
@Suite struct CallReaderTests {
    private static let call =
        "<tool_call>\n{\"name\": \"f\", \"arguments\": {\"a\": \"} ]\\\"\", \"b\": [{}]}}\n</tool_call>"
    private static let arguments = "{\"a\": \"} ]\\\"\", \"b\": [{}]}"

    /// Pieces of the text in steps of so many characters, neighbours of a kind joined.
    private func read(_ text: String, _ format: CallFormat, step: Int) -> [AnswerPiece] {
        var reader = CallReader(format, names: ["f", "g"])
        var pieces: [AnswerPiece] = []
        func add(_ new: [AnswerPiece]) {
            for piece in new {
                switch (pieces.last, piece) {
                case (.text(let first)?, .text(let second)): pieces[pieces.count - 1] = .text(first + second)
                case (.arguments(let first)?, .arguments(let second)):
                    pieces[pieces.count - 1] = .arguments(first + second)
                default: pieces.append(piece)
                }
            }
        }
        var rest = text[...]
        while !rest.isEmpty {
            add(reader.push(String(rest.prefix(step))))
            rest = rest.dropFirst(step)
        }
        add(reader.finish())
        return pieces
    }

    @Test(arguments: [1, 2, 3, 7, 1000]) func callsInText(step: Int) {
        let one: [AnswerPiece] = [.call(name: "f"), .arguments(Self.arguments)]
        #expect(read(Self.call, .tagged, step: step) == one)
        #expect(read("字 <tool " + Self.call, .tagged, step: step) == [.text("字 <tool ")] + one)
        #expect(read(Self.call + "\n" + Self.call, .tagged, step: step) == one + one)
        #expect(
            read(Self.call + "\n\nand\n" + Self.call, .tagged, step: step) == one + [.text("\n\nand")] + one)
        #expect(read("no <tool_cal", .tagged, step: step) == [.text("no <tool_cal")])
        #expect(read("a\n", .tagged, step: step) == [.text("a\n")])
        #expect(read(Self.call + "\n", .tagged, step: step) == one)
    }

    @Test(arguments: [1, 2, 5, 1000]) func callsThatAreTheWholeAnswer(step: Int) {
        let one: [AnswerPiece] = [.call(name: "g"), .arguments("{\"x\":[1]}")]
        #expect(read("{\"name\": \"g\", \"parameters\": {\"x\":[1]}}", .object, step: step) == one)
        #expect(read("{\"name\": 3}", .object, step: step) == [.text("{\"name\": 3}")])
        #expect(read("so {\"name\": \"g\"", .object, step: step) == [.text("so {\"name\": \"g\"")])
        #expect(read("g\n{\"x\":[1]}", .line, step: step) == one)
        #expect(read("g", .line, step: step) == [.text("g")])
        #expect(read("\ng\n{}", .line, step: step) == [.text("\ng\n{}")])
    }

    /// What a stop string or a limit has cut.
    @Test func cutCallsKeepWhatTheySaid() {
        #expect(read("<tool_call>\n{\"na", .tagged, step: 3) == [.text("<tool_call>\n{\"na")])
        #expect(
            read("<tool_call>\n{\"name\": \"f\", \"arguments\": {\"a\"", .tagged, step: 3)
                == [.call(name: "f"), .arguments("{\"a\"")])
    }
}
