import Constraints
import Engine
import Fusion
import GatehouseJSON
import TestSupport
import Testing

/// Answers that are held to a schema, of the default model.
@Suite struct ConstraintTests {
    private static let schema = #"""
        {"type":"object","properties":{"name":{"type":"string"},"age":{"type":"integer"},"tags":{"type":"array",
        "items":{"type":"string"}}},"required":["name","age"],"additionalProperties":false}
        """#

    private let model: LanguageModel
    private let grammar: Grammar
    private let vocabulary: TokenVocabulary

    init() throws {
        model = try DefaultModel.open()
        grammar = try Grammar(schema: try JSONValue(parsing: Self.schema.utf8), at: "schema")
        vocabulary = TokenVocabulary(model.tokenizer, count: model.decoder.vocabulary)
    }

    private func engine(
        poolTokens: Int = 4096, promptLookup: Int = 0, timeLimit: Duration? = nil
    ) throws -> Engine {
        var options = Engine.Options()
        options.poolTokens = poolTokens
        options.context = 512
        options.promptLookup = promptLookup
        options.timeLimit = timeLimit
        return try Engine(model.decoder, options: options)
    }

    private func request(
        _ words: String, temperature: Float = 1, choices: Int = 1, most: Int? = 48, alternatives: Int? = nil,
        isConstrained: Bool = true
    ) throws -> GenerationRequest {
        let fusion = try Fusion(model)
        return GenerationRequest(
            prompt: try fusion.prompt([FusedMessage(role: "user", parts: [.text(words)])]),
            sampling: Sampling(temperature: temperature, seed: 11), maxNewTokens: most,
            endTokens: model.tokenizer.endOfGeneration, choices: choices, alternatives: alternatives,
            constraint: isConstrained ? Constraint(grammar, vocabulary: vocabulary) : nil)
    }

    /// Of an engine of its own.
    private func answer(_ request: GenerationRequest, promptLookup: Int = 0) async throws -> Answer {
        let engine = try engine(promptLookup: promptLookup)
        defer { engine.stop() }
        return try await Answer(try engine.submit(request), choices: request.choices)
    }

    private func text(_ tokens: [WrittenToken]) -> String { model.tokenizer.decode(tokens.map(\.id)) }

    @Test(arguments: [Float(0), 0.7, 1.5]) func answersFitAndEndByThemselves(temperature: Float) async throws
    {
        let answer = try await answer(
            request("A person as JSON, please.", temperature: temperature, choices: 3))
        for choice in 0..<3 {
            #expect(grammar.accepts(text(answer.tokens[choice]).utf8), "\(text(answer.tokens[choice]))")
            #expect(answer.reasons[choice] == .stop)
        }
    }

    /// The same seed gives the same answers alone, among others, in a pool so small that requests are set aside, and
    /// with guessed tokens.
    @Test func answersDoNotDependOnTheirNeighbours() async throws {
        let words = ["A person as JSON.", "{\"name\":\"Anna\",\"age\":3} Repeat this.", "Give me JSON."]
        var alone: [[WrittenToken]] = []
        for word in words { alone.append(try await answer(request(word)).tokens[0]) }
        let crowded = try engine(poolTokens: 256)
        defer { crowded.stop() }
        let streams = try words.map { try crowded.submit(request($0)) }
        for (index, stream) in streams.enumerated() {
            #expect(try await Answer(stream).tokens[0] == alone[index])
        }
        let greedy = try await answer(request(words[1], temperature: 0))
        let guessed = try await answer(request(words[1], temperature: 0), promptLookup: 8)
        #expect(greedy == guessed)
    }

    @Test func aLimitThatIsTooSmallIsRefusedBeforeAnythingRuns() async throws {
        let start = try #require(Constraint(grammar, vocabulary: vocabulary).start())
        let fewest = try #require(start.fewestTokens)
        let engine = try engine()
        let shortest = try await Answer(try engine.submit(request("JSON", most: fewest)))
        #expect(grammar.accepts(text(shortest.tokens[0]).utf8))
        #expect(shortest.reason == .stop && shortest.tokens[0].count == fewest)
        #expect(throws: EngineError.answerTooLong(tokens: fewest, limit: fewest - 1)) {
            _ = try engine.submit(request("JSON", most: fewest - 1))
        }
    }

    /// However early time is up, what is written fits: no more comes than completes it.
    @Test(arguments: [1, 20_000_000, 60_000_000]) func anAnswerThatHasTakenItsTimeStillFits(
        nanoseconds: Int
    ) async throws {
        let engine = try engine(timeLimit: .nanoseconds(nanoseconds))
        defer { engine.stop() }
        let answer = try await Answer(
            try engine.submit(request("A long list of tags as JSON.", choices: 2, most: nil)), choices: 2)
        for choice in 0..<2 {
            #expect(grammar.accepts(text(answer.tokens[choice]).utf8), "\(text(answer.tokens[choice]))")
            #expect(answer.reasons[choice] == .stop)
        }
    }

    /// What is reported of the first token is what the model gave, whether or not it might come.
    @Test func likelihoodsAreTheModels() async throws {
        let held = try await answer(request("Hello!", temperature: 0, alternatives: 5))
        let free = try await answer(
            request("Hello!", temperature: 0, alternatives: 5, isConstrained: false))
        #expect(held.tokens[0][0].alternatives == free.tokens[0][0].alternatives)
        #expect(held.tokens[0][0].id != free.tokens[0][0].id)
    }
}
