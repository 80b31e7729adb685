import Testing
import Text

@Suite struct TokenStreamTests {
    @Test func streamedTextIsTheDecodedTextAndNeverEndsInHalfACharacter() throws {
        let tokenizer = try ModelFile.tokenizer.get()
        let text = "naïve 数据處理 👨\u{200D}👩\u{200D}👧 🇩🇪 𝟘𝟙 ᠎ e\u{301}\u{FFFD} end"
        var ids = try tokenizer.encode(text, special: .asText)
        ids.insert(2, at: ids.count / 2)
        var stream = TokenStream(tokenizer)
        var streamed = ""
        for id in ids {
            let part = stream.push(id)
            #expect(text.utf8.starts(with: (streamed + part).utf8))
            streamed += part
        }
        #expect(streamed + stream.finish() == text)
    }

    /// Every sequence of up to three of these bytes, cut everywhere, against repairing the whole at once.
    @Test func brokenBytesAreRepairedAsInTheWholeText() throws {
        // A vocabulary of single bytes, in the order of GPT-2's alphabet.
        let bytes: [UInt8] = [
            0x41, 0x80, 0xBF, 0xC0, 0xC3, 0xE0, 0xE4, 0xED, 0xF0, 0xF4, 0xF5, 0xA0, 0x90, 0x9F,
        ]
        var spare: UInt32 = 0x100
        let alphabet = (UInt8.min...UInt8.max).map { byte -> String in
            if (0x21...0x7E).contains(byte) || (0xA1...0xAC).contains(byte) || byte >= 0xAE {
                return String(UnicodeScalar(byte))
            }
            defer { spare += 1 }
            return UnicodeScalar(spare).map(String.init) ?? ""
        }
        let tokenizer = try Tokenizer(
            TokenizerDescription(preTokenizer: "gpt-2", tokens: alphabet, merges: []))
        for a in bytes {
            for b in bytes {
                for c in bytes {
                    for d in bytes {
                        let sequence = [a, b, c, d]
                        var stream = TokenStream(tokenizer)
                        let streamed = sequence.map { stream.push(TokenID($0)) }.joined() + stream.finish()
                        if streamed != String(decoding: sequence, as: UTF8.self) {
                            Issue.record("\(sequence): \(streamed)")
                        }
                    }
                }
            }
        }
    }

    @Test func halfACharacterAtTheEndIsReplaced() throws {
        let tokenizer = try ModelFile.tokenizer.get()
        let ids = try tokenizer.encode("𝟘", special: .asText)
        #expect(ids.count > 1)
        var stream = TokenStream(tokenizer)
        #expect(ids.dropLast().map { stream.push($0) }.joined() == "")
        #expect(stream.finish() == "\u{FFFD}")
        #expect(stream.finish() == "")
    }
}

@Suite struct StopMatcherTests {
    private func run(_ stops: [String], _ parts: [String]) -> (text: String, match: String?) {
        var matcher = StopMatcher(stops)
        let text = parts.map { matcher.push($0) }.joined()
        return (text + matcher.finish(), matcher.match)
    }

    @Test func theResultDoesNotDependOnWhereTheStreamIsCut() {
        let stops = ["abac", "STOP", "数据", "aab"]
        for (text, expected, match) in [
            ("xababacy", "xab", "abac"), ("no stops here ST", "no stops here ST", nil), ("aaab", "a", "aab"),
            ("处理数据了", "处理", "数据"), ("STSTOPSTOP", "ST", "STOP"), ("数数数", "数数数", nil), ("", "", nil),
            ("abaabac", "ab", "aab"),
        ] as [(String, String, String?)] {
            let characters = text.map(String.init)
            for size in 1...8 {
                let parts = stride(from: 0, to: characters.count, by: size).map {
                    characters[$0..<min($0 + size, characters.count)].joined()
                }
                let found = run(stops, parts)
                #expect(found.text == expected, "\(text) by \(size)")
                #expect(found.match == match, "\(text) by \(size)")
            }
        }
    }

    @Test func whatMayBecomeAStopStringIsHeldBackAndThenReleased() {
        var matcher = StopMatcher(["\n\nUser:"])
        #expect(matcher.push("Hi\n") == "Hi")
        #expect(matcher.push("\nUse") == "")
        #expect(matcher.push("ful") == "\n\nUseful")
        #expect(matcher.push("\n\nUser: x") == "")
        #expect(matcher.match == "\n\nUser:")
        #expect(matcher.push("more") == "")
        #expect(matcher.finish() == "")
    }

    @Test func theStopStringThatIsCompleteFirstWinsAndThenTheLongest() {
        #expect(run(["abcd", "bc"], ["abcd"]) == ("a", "bc"))
        #expect(run(["bc", "abc"], ["xabc"]) == ("x", "abc"))
    }

    @Test func emptyStopStringsAreIgnored() {
        #expect(run([""], ["abc"]) == ("abc", nil))
        #expect(run([], ["abc"]) == ("abc", nil))
    }

    /// Equal by Unicode's rules is not equal here: what the model wrote is compared as written.
    @Test func charactersAreComparedAsWritten() {
        #expect(run(["é"], ["e\u{301}"]).match == nil)
    }
}
