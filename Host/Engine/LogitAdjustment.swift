/// What penalties and bias do to the logits of one answer; it grows with the answer. A value.
package struct LogitAdjustment {
    private let sampling: Sampling
    /// How often the answer has each token.
    private var counts: [Int32: Int] = [:]
    /// Tokens of prompt and answer; empty where nobody asks.
    private var seen: Set<Int32> = []

    /// nil where the sampling leaves logits as they are.
    package init?(_ sampling: Sampling, prompt: [Int32]) {
        guard
            sampling.repetitionPenalty != 1 || sampling.presencePenalty != 0
                || sampling.frequencyPenalty != 0 || !sampling.logitBias.isEmpty
        else { return nil }
        self.sampling = sampling
        // Rows of segments are no tokens.
        if sampling.repetitionPenalty != 1 { seen = Set(prompt.lazy.filter { $0 >= 0 }) }
    }

    /// Takes note that the answer has one more token.
    package mutating func record(_ token: Int32) {
        counts[token, default: 0] += 1
        if sampling.repetitionPenalty != 1 { seen.insert(token) }
    }

    /// Changes the logits in place. Each is changed by itself, so the order of tokens does not matter.
    package func apply(to logits: UnsafeMutableBufferPointer<Float>) {
        for token in seen {
            let logit = logits[Int(token)]
            logits[Int(token)] =
                logit > 0 ? logit / sampling.repetitionPenalty : logit * sampling.repetitionPenalty
        }
        // OpenAI's formula: logit - count · frequency penalty - (count > 0) · presence penalty.
        for (token, count) in counts {
            logits[Int(token)] -= Float(count) * sampling.frequencyPenalty + sampling.presencePenalty
        }
        for (token, bias) in sampling.logitBias { logits[Int(token)] += bias }
    }
}
