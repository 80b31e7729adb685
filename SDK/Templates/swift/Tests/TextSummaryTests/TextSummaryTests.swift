import Testing
import TextSummary

@Suite struct TextSummaryTests {
    @Test(arguments: [
        ("", "0 lines, 0 words, longest line 0 bytes"),
        ("one two", "1 lines, 2 words, longest line 7 bytes"),
        ("a\n\nlonger line\n", "3 lines, 3 words, longest line 11 bytes"),
    ])
    func countsLinesAndWords(_ text: String, _ expected: String) {
        #expect(TextSummary(text.utf8).description == expected)
    }
}
