/// How the next token is drawn. Logits go through the penalties, then the bias, then the filters in this order:
/// temperature, top k, top p, min p.
public struct Sampling: Sendable, Equatable {
    /// Divides the logits; 0 takes the most likely token, the lowest id among equals.
    public var temperature: Float
    /// Keeps the k most likely tokens; 0 keeps all.
    public var topK: Int
    /// Keeps the most likely tokens whose probabilities reach this sum; 1 keeps all.
    public var topP: Float
    /// Drops tokens less likely than this share of the most likely one; 0 drops none.
    public var minP: Float
    /// Divides positive logits of tokens that occur in the prompt or the answer, and multiplies negative ones (CTRL,
    /// Keskar et al., 2019); 1 changes nothing.
    public var repetitionPenalty: Float
    /// Subtracted from the logits of tokens that the answer has.
    public var presencePenalty: Float
    /// The same, for each time that it has them.
    public var frequencyPenalty: Float
    /// Added to the logits of single tokens.
    public var logitBias: [Int32: Float]
    /// Makes the answer repeatable; nil draws a fresh seed for each request.
    public var seed: UInt64?

    public init(
        temperature: Float = 1, topK: Int = 0, topP: Float = 1, minP: Float = 0, repetitionPenalty: Float = 1,
        presencePenalty: Float = 0, frequencyPenalty: Float = 0, logitBias: [Int32: Float] = [:],
        seed: UInt64? = nil
    ) {
        self.temperature = temperature
        self.topK = topK
        self.topP = topP
        self.minP = minP
        self.repetitionPenalty = repetitionPenalty
        self.presencePenalty = presencePenalty
        self.frequencyPenalty = frequencyPenalty
        self.logitBias = logitBias
        self.seed = seed
    }

    /// Throws unless every field is in its range.
    func check(vocabulary: Int) throws(EngineError) {
        try expect(
            temperature >= 0 && temperature.isFinite, "temperature", "a number of at least 0",
            "\(temperature)")
        try expect(topK >= 0, "top_k", "a number of at least 0", "\(topK)")
        try expect(topP > 0 && topP <= 1, "top_p", "a number above 0 and up to 1", "\(topP)")
        try expect(minP >= 0 && minP <= 1, "min_p", "a number from 0 to 1", "\(minP)")
        try expect(
            repetitionPenalty > 0 && repetitionPenalty.isFinite, "repetition_penalty", "a number above 0",
            "\(repetitionPenalty)")
        try expect(presencePenalty.isFinite, "presence_penalty", "a number", "\(presencePenalty)")
        try expect(frequencyPenalty.isFinite, "frequency_penalty", "a number", "\(frequencyPenalty)")
        for (token, bias) in logitBias {
            try expect(
                token >= 0 && Int(token) < vocabulary, "logit_bias",
                "tokens below the vocabulary of \(vocabulary)", "\(token)")
            try expect(bias.isFinite, "logit_bias.\(token)", "a number", "\(bias)")
        }
    }
}
