import Fusion

/// What the engine is asked to write.
public struct GenerationRequest: Sendable {
    public var prompt: Prompt
    public var sampling: Sampling
    /// Most tokens to write; nil: as many as the context leaves. Never more than that either way.
    public var maxNewTokens: Int?
    /// Ids that end the answer; they are not part of it.
    public var endTokens: Set<Int32>
    /// Which of several answers to one request this is: answers of one seed differ by it.
    public var choice: Int

    public init(
        prompt: Prompt, sampling: Sampling = Sampling(), maxNewTokens: Int? = nil, endTokens: Set<Int32>,
        choice: Int = 0
    ) {
        self.prompt = prompt
        self.sampling = sampling
        self.maxNewTokens = maxNewTokens
        self.endTokens = endTokens
        self.choice = choice
    }
}

/// How the next token is drawn. The filters work in this order: temperature, top k, top p, min p.
public struct Sampling: Sendable, Equatable {
    /// Divides the logits; 0 takes the most likely token, the lowest id among equals.
    public var temperature: Float
    /// Keeps the k most likely tokens; 0 keeps all.
    public var topK: Int
    /// Keeps the most likely tokens whose probabilities reach this sum; 1 keeps all.
    public var topP: Float
    /// Drops tokens less likely than this share of the most likely one; 0 drops none.
    public var minP: Float
    /// Makes the answer repeatable; nil draws a fresh seed for each request.
    public var seed: UInt64?

    public init(
        temperature: Float = 1, topK: Int = 0, topP: Float = 1, minP: Float = 0, seed: UInt64? = nil
    ) {
        self.temperature = temperature
        self.topK = topK
        self.topP = topP
        self.minP = minP
        self.seed = seed
    }

    /// Throws unless every field is in its range.
    func check() throws(EngineError) {
        try expect(
            temperature >= 0 && temperature.isFinite, "temperature", "a number of at least 0",
            "\(temperature)")
        try expect(topK >= 0, "top_k", "a number of at least 0", "\(topK)")
        try expect(topP > 0 && topP <= 1, "top_p", "a number above 0 and up to 1", "\(topP)")
        try expect(minP >= 0 && minP <= 1, "min_p", "a number from 0 to 1", "\(minP)")
    }
}

/// Throws an error about `field` unless the condition holds.
func expect(
    _ holds: Bool, _ field: String, _ expected: String, _ found: @autoclosure () -> String
) throws(EngineError) {
    guard holds else { throw .badValue(field: field, expected: expected, found: found()) }
}

/// What a running request sends: its tokens one by one, then how it ended, last and once.
public enum GenerationEvent: Sendable, Equatable {
    case token(Int32)
    case finished(FinishReason, Usage)
}

public enum FinishReason: String, Sendable {
    /// The model wrote an end token.
    case stop
    /// The most tokens asked for, or all that the context left.
    case length
}

/// Positions that a request took.
public struct Usage: Sendable, Equatable {
    public var promptTokens: Int
    /// Tokens sent; the end token is not among them.
    public var completionTokens: Int

    public init(promptTokens: Int, completionTokens: Int) {
        self.promptTokens = promptTokens
        self.completionTokens = completionTokens
    }
}

/// The events of one request. Ending the iteration early, or cancelling the task that iterates, ends the request
/// within one step.
public typealias GenerationStream = AsyncThrowingStream<GenerationEvent, any Error>
