import Constraints
import GatehouseJSON
import TestSupport
import Testing
import Text

/// Which tokens of the default model's vocabulary may come.
@Suite struct TokenTests {
    static let schemas = [
        "true", #"{"type":"object"}"#, #"{"type":"string"}"#, #"{"type":"number"}"#,
        #"{"enum":["red","green","blue"]}"#,
        #"{"type":"string","minLength":5,"maxLength":9}"#, #"{"type":"string","maxLength":300}"#,
        #"{"type":"string","pattern":"^[A-Z][a-z]+( [A-Z][a-z]+)*$","maxLength":40}"#,
        #"{"type":"string","format":"date-time"}"#,
        #"{"type":"array","items":{"type":"integer","minimum":0,"maximum":255},"minItems":3,"maxItems":5}"#,
        #"""
        {"type":"object","properties":{"name":{"type":"string"},"age":{"type":"integer"},"tags":{"type":"array",
        "items":{"type":"string","maxLength":4}},"字":{"enum":["一","二"]}},"required":["name","tags"]}
        """#,
        #"""
        {"$ref":"#/$defs/t","$defs":{"t":{"type":"object","properties":{"v":{"type":"number"},
        "n":{"type":"array","items":{"$ref":"#/$defs/t"}}},"required":["v","n"],"additionalProperties":false}}}
        """#,
        #"{"anyOf":[{"type":"string","maxLength":3},{"type":"string","minLength":12},{"type":"null"}]}"#,
    ]

    private static let vocabulary = Result { () throws -> (Tokenizer, TokenVocabulary) in
        let model = try DefaultModel.open()
        return (
            model.tokenizer, TokenVocabulary(model.tokenizer, count: model.decoder.vocabulary)
        )
    }

    private static func grammar(_ schema: String) throws -> Grammar {
        try Grammar(schema: try JSONValue(parsing: schema.utf8), at: "schema")
    }

    private static func advance(_ state: inout ConstraintState, _ token: Int32) {
        let mayCome = state.advance(token)
        #expect(mayCome)
    }

    private func allowed(
        _ state: ConstraintState, of count: Int, remaining: Int, ends: Set<Int32> = []
    ) -> [Bool] {
        var logits = [Float](repeating: 0, count: count)
        logits.withUnsafeMutableBufferPointer { state.apply(to: $0, remaining: remaining, ends: ends) }
        return logits.map { $0 == 0 }
    }

    /// Answers drawn at random, with limits from the smallest on: each ends within its limit, parses and fits.
    @Test(arguments: schemas) func answersAlwaysParseAndFitWithinTheLimit(_ schema: String) throws {
        let (tokenizer, vocabulary) = try Self.vocabulary.get()
        let grammar = try Self.grammar(schema)
        let constraint = Constraint(grammar, vocabulary: vocabulary)
        let start = try #require(constraint.start())
        let fewest = try #require(start.fewestTokens)
        let end = try #require(tokenizer.eos)
        var random = SplitMix64(state: 7)
        for limit in [fewest, fewest + 1, fewest + 2, fewest + 5, fewest + 12, fewest + 40] {
            for _ in 0..<4 {
                var state = start
                var tokens: [Int32] = []
                while tokens.count < limit {
                    let mask = allowed(
                        state, of: tokenizer.vocabulary, remaining: limit - tokens.count, ends: [end])
                    let choices = mask.indices.filter { mask[$0] }
                    let token = Int32(try #require(choices.randomElement(using: &random)))
                    if token == end { break }
                    tokens.append(token)
                    Self.advance(&state, token)
                    if state.isFinished { break }
                }
                let text = tokens.flatMap { tokenizer.bytes(of: $0) }
                #expect(state.isComplete)
                #expect(grammar.accepts(text))
                #expect(throws: Never.self) { try JSONValue(parsing: text) }
                #expect(String(validating: text, as: UTF8.self) != nil)
            }
        }
    }

    /// Every token is asked for by itself and compared with the mask.
    @Test(arguments: schemas) func aMaskHoldsExactlyTheTokensThatLeadOn(_ schema: String) throws {
        let (tokenizer, vocabulary) = try Self.vocabulary.get()
        let start = try #require(Constraint(try Self.grammar(schema), vocabulary: vocabulary).start())
        var random = SplitMix64(state: 3)
        var state = start
        for step in 0..<12 {
            let fewest = try #require(state.fewestTokens)
            for remaining in [10_000, fewest + 1, fewest] where remaining > 0 {
                let mask = allowed(state, of: tokenizer.vocabulary, remaining: remaining)
                for token in 0..<Int32(tokenizer.vocabulary) {
                    var next = state
                    let leadsOn =
                        !tokenizer.bytes(of: token).isEmpty && next.advance(token)
                        && next.fewestTokens ?? .max <= remaining - 1
                    guard mask[Int(token)] != leadsOn else { continue }
                    Issue.record(
                        "step \(step), \(remaining) left: token \(token), \(tokenizer.bytes(of: token))")
                    return
                }
            }
            let mask = allowed(state, of: tokenizer.vocabulary, remaining: 10_000)
            guard let token = mask.indices.filter({ mask[$0] }).randomElement(using: &random) else { break }
            state.advance(Int32(token))
        }
    }

    @Test func tokensThatSpanSymbolsMayCome() throws {
        let (tokenizer, vocabulary) = try Self.vocabulary.get()
        let schema =
            #"{"type":"object","properties":{"a":{"type":"string"},"b":{"type":"integer"}},"required":["a","b"]}"#
        var state = try #require(Constraint(try Self.grammar(schema), vocabulary: vocabulary).start())
        for token in try tokenizer.encode(#"{"a":"x","#, special: .asText) { Self.advance(&state, token) }
        let quoted = try #require(
            (0..<Int32(tokenizer.vocabulary)).first { tokenizer.bytes(of: $0) == Array(#"":"#.utf8) })
        let mask = allowed(state, of: tokenizer.vocabulary, remaining: 100)
        #expect(!mask[Int(quoted)])
        for token in try tokenizer.encode(#""b"#, special: .asText) { Self.advance(&state, token) }
        #expect(allowed(state, of: tokenizer.vocabulary, remaining: 100)[Int(quoted)])
    }

    @Test func endTokensMayComeWhereTheAnswerIsComplete() throws {
        let (tokenizer, vocabulary) = try Self.vocabulary.get()
        let end = try #require(tokenizer.eos)
        var state = try #require(
            Constraint(try Self.grammar(#"{"type":"integer"}"#), vocabulary: vocabulary).start())
        #expect(!allowed(state, of: tokenizer.vocabulary, remaining: 9, ends: [end])[Int(end)])
        let one = try #require(try tokenizer.encode("1", special: .asText).first)
        Self.advance(&state, one)
        #expect(allowed(state, of: tokenizer.vocabulary, remaining: 9, ends: [end])[Int(end)])
        #expect(!state.isFinished)
    }

    static let weather = CallableFunction(
        name: "weather",
        parameters: .object([
            "type": .string("object"),
            "properties": .object(["city": .object(["type": .string("string")])]),
            "required": .array([.string("city")]),
        ]), path: "tools[0].function.parameters")
    static let clock = CallableFunction(
        name: "clock", parameters: .object([:]), path: "tools[1].function.parameters")

    @Test func callsAreOfTheFormat() throws {
        func grammar(_ format: CallFormat, isRequired: Bool, allowsSeveral: Bool = false) throws -> Grammar {
            try Grammar(
                calls: [Self.weather, Self.clock], format: format, isRequired: isRequired,
                allowsSeveral: allowsSeveral)
        }
        func accepts(_ grammar: Grammar, _ text: String) -> Bool { grammar.accepts(text.utf8) }
        let call = "<tool_call>\n{\"name\": \"weather\", \"arguments\": {\"city\": \"Oslo\"}}\n</tool_call>"
        let other = "<tool_call>\n{\"name\": \"clock\", \"arguments\": {\"a\":1}}\n</tool_call>"

        let required = try grammar(.tagged, isRequired: true)
        #expect(accepts(required, call) && accepts(required, other))
        #expect(!accepts(required, "Hello") && !accepts(required, call + "\n" + other))
        #expect(!accepts(required, call.replacing("city", with: "town")))
        let several = try grammar(.tagged, isRequired: true, allowsSeveral: true)
        #expect(accepts(several, call + "\n" + other + "\n" + call))

        let free = try grammar(.tagged, isRequired: false)
        #expect(accepts(free, "Hello <tool_cal") && accepts(free, "") && accepts(free, "I ask: " + call))
        #expect(!accepts(free, "<tool_call>") && !accepts(free, "<<tool_call>nonsense"))
        #expect(!accepts(free, call + " and " + other))
        let freeSeveral = try grammar(.tagged, isRequired: false, allowsSeveral: true)
        #expect(accepts(freeSeveral, "a" + call + " and " + other + "b"))
        #expect(!accepts(freeSeveral, call + "<tool_call>"))

        let object = try grammar(.object, isRequired: false)
        #expect(
            accepts(object, "{\"name\": \"clock\", \"parameters\": {}}") && accepts(object, "{\"name\": 1"))
        #expect(!accepts(object, "{\"name\": \"nobody\", \"parameters\": {}}"))
        let line = try grammar(.line, isRequired: false)
        #expect(
            accepts(line, "weather\n{\"city\":\"Oslo\"}") && accepts(line, "\nweather\n")
                && accepts(line, "clock"))
        #expect(!accepts(line, "weather\nis fine"))
    }

    /// A call is not begun where it could not be ended.
    @Test func aCallFitsIntoWhatIsLeft() throws {
        let (tokenizer, vocabulary) = try Self.vocabulary.get()
        let grammar = try Grammar(
            calls: [Self.weather], format: .tagged, isRequired: false, allowsSeveral: true)
        var state = try #require(Constraint(grammar, vocabulary: vocabulary).start())
        for token in try tokenizer.encode("<tool_call", special: .asText) { Self.advance(&state, token) }
        let close = try #require(
            (0..<Int32(tokenizer.vocabulary)).first { tokenizer.bytes(of: $0) == [UInt8(ascii: ">")] })
        #expect(allowed(state, of: tokenizer.vocabulary, remaining: 100)[Int(close)])
        #expect(!allowed(state, of: tokenizer.vocabulary, remaining: 5)[Int(close)])
        #expect(state.isComplete)
    }
}
