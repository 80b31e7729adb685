import Constraints
import Fusion

/// What the engine is asked to write.
public struct GenerationRequest: Sendable {
    public var prompt: Prompt
    public var sampling: Sampling
    /// Most tokens to write; nil: as many as the context leaves. Never more than that either way.
    public var maxNewTokens: Int?
    /// Ids that end the answer; they are not part of it.
    public var endTokens: Set<Int32>
    /// How many answers to write. They share what they can of the prompt and differ by their random numbers.
    public var choices: Int
    /// Reports how likely each token was, and as many of the most likely ones; nil reports nothing.
    public var alternatives: Int?
    /// What the answers are held to; nil for none. End tokens may come only where an answer is complete.
    public var constraint: Constraint?
    /// Whose request it is, in any words: clients get equal shares of the engine.
    public var client: String

    public init(
        prompt: Prompt, sampling: Sampling = Sampling(), maxNewTokens: Int? = nil, endTokens: Set<Int32>,
        choices: Int = 1, alternatives: Int? = nil, constraint: Constraint? = nil, client: String = ""
    ) {
        self.prompt = prompt
        self.sampling = sampling
        self.maxNewTokens = maxNewTokens
        self.endTokens = endTokens
        self.choices = choices
        self.alternatives = alternatives
        self.constraint = constraint
        self.client = client
    }

    /// Throws unless every number is in its range.
    func check(vocabulary: Int) throws(EngineError) {
        try sampling.check(vocabulary: vocabulary)
        if let most = maxNewTokens {
            try expect(most >= 0, "max_tokens", "a number of at least 0", "\(most)")
        }
        try expect((1...128).contains(choices), "n", "a number from 1 to 128", "\(choices)")
        if let count = alternatives {
            try expect(
                (0...vocabulary).contains(count), "top_logprobs", "a number from 0 to \(vocabulary)",
                "\(count)")
        }
    }
}

/// Throws an error about `field` unless the condition holds.
func expect(
    _ holds: Bool, _ field: String, _ expected: String, _ found: @autoclosure () -> String
) throws(EngineError) {
    guard holds else { throw .badValue(field: field, expected: expected, found: found()) }
}
