import Testing
import Text

@Suite struct ReasoningSplitterTests {
    /// The parts of a text that comes in pieces of so many characters.
    private func parts(_ text: String, isOpen: Bool = false, by count: Int) -> ReasoningSplitter.Parts {
        var splitter = ReasoningSplitter(.think, isOpen: isOpen)
        var whole = ReasoningSplitter.Parts()
        var rest = Substring(text)
        while !rest.isEmpty {
            let parts = splitter.push(String(rest.prefix(count)))
            whole.reasoning += parts.reasoning
            whole.content += parts.content
            rest = rest.dropFirst(count)
        }
        let last = splitter.finish()
        return .init(reasoning: whole.reasoning + last.reasoning, content: whole.content + last.content)
    }

    static let texts: [(text: String, isOpen: Bool, reasoning: String, content: String)] = [
        ("<think>I see.</think>Yes.", false, "I see.", "Yes."),
        ("\n<think>\nI see.\n\n two </think>\n\nYes.\n", false, "I see.\n\n two", "Yes.\n"),
        (
            "I see.\n</think>\n<answer>do(action=\"Tap\")</answer>", true, "I see.",
            "<answer>do(action=\"Tap\")</answer>"
        ),
        ("Yes, <think>no</think>.", false, "", "Yes, <think>no</think>."),
        ("<think>a</think>b<think>c</think>", false, "a", "b<think>c</think>"),
        ("<think></think>Yes.", false, "", "Yes."), ("</think>Yes.", true, "", "Yes."),
        ("<thi", false, "", "<thi"), ("<think", false, "", "<think"), ("", false, "", ""),
        ("  x", false, "", "  x"),
        ("never ends </thin", true, "never ends </thin", ""),
        ("a < b </ think> </think> c", true, "a < b </ think>", "c"),
        ("思考</think>答", true, "思考", "答"), ("<think>é</think>", false, "é", ""), ("  \n ", true, "", ""),
        ("<<think>x", false, "", "<<think>x"), ("x</</think>y", true, "x</", "y"),
    ]

    @Test(arguments: texts)
    func textsAreParted(_ text: (text: String, isOpen: Bool, reasoning: String, content: String)) {
        for count in [1, 2, 3, 7, 1000] {
            let found = parts(text.text, isOpen: text.isOpen, by: count)
            #expect(found == .init(reasoning: text.reasoning, content: text.content), "by \(count)")
        }
    }

    @Test func promptsThatOpenTheTagsAreSeen() {
        #expect(ReasoningTags.think.areOpen(atEndOf: "<|assistant|>\n<think>\n"))
        #expect(ReasoningTags.think.areOpen(atEndOf: "<think>"))
        #expect(!ReasoningTags.think.areOpen(atEndOf: "<think></think>\n"))
        #expect(!ReasoningTags.think.areOpen(atEndOf: "<|assistant|>"))
        #expect(!ReasoningTags.think.areOpen(atEndOf: ""))
    }

    @Test func reasoningIsShownAsItComes() {
        var splitter = ReasoningSplitter(.think, isOpen: true)
        #expect(splitter.push("One") == .init(reasoning: "One"))
        #expect(splitter.push(" two") == .init(reasoning: " two"))
        #expect(splitter.push(" ") == .init())
        #expect(splitter.push("three <") == .init(reasoning: " three"))
        #expect(splitter.push("4") == .init(reasoning: " <4"))
        #expect(splitter.push("</think>") == .init())
        #expect(splitter.push("\nFive") == .init(content: "Five"))
        #expect(splitter.push(" <think>") == .init(content: " <think>"))
    }
}
