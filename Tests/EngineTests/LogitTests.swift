import Engine
import Foundation
import Testing

/// What is done to logits, and said of them, beside drawing.
@Suite struct LogitTests {
    private func adjusted(
        _ logits: [Float], _ sampling: Sampling, prompt: [Int32] = [], answer: [Int32] = []
    ) -> [Float] {
        guard var adjustment = LogitAdjustment(sampling, prompt: prompt) else { return logits }
        for token in answer { adjustment.record(token) }
        var logits = logits
        logits.withUnsafeMutableBufferPointer { adjustment.apply(to: $0) }
        return logits
    }

    @Test func withoutPenaltiesAndBiasThereIsNothingToDo() {
        #expect(LogitAdjustment(Sampling(temperature: 0.5, topK: 3, seed: 1), prompt: [1]) == nil)
    }

    @Test func repetitionIsOfPromptAndAnswerAndWorksOnBothSigns() {
        let sampling = Sampling(repetitionPenalty: 2)
        #expect(
            adjusted([4, -4, 4, -4, 0], sampling, prompt: [0, 1, -1, 1], answer: [3, 3]) == [2, -8, 4, -8, 0])
    }

    @Test func presenceAndFrequencyAreOfTheAnswerAlone() {
        let sampling = Sampling(presencePenalty: 0.5, frequencyPenalty: 0.25)
        #expect(adjusted([1, 1, 1], sampling, prompt: [0], answer: [1, 2, 2]) == [1, 0.25, 0])
        #expect(adjusted([1, 1, 1], Sampling(presencePenalty: -1), answer: [2]) == [1, 1, 2])
    }

    @Test func biasIsAddedLast() {
        let sampling = Sampling(repetitionPenalty: 2, presencePenalty: 1, logitBias: [0: 100, 2: -100])
        #expect(adjusted([4, 4, 4], sampling, answer: [0]) == [101, 4, -96])
    }

    /// Against float64.
    @Test func likelihoodsAreTheLogarithmOfTheSoftmax() {
        var likelihoods = TokenLikelihoods()
        for count in [1, 7, 64, 1000] {
            let logits = (0..<count).map {
                Float(20 * Sampler.uniform(seed: 1, choice: 2, position: $0) - 10)
            }
            let total = log(logits.reduce(0) { $0 + exp(Double($1)) })
            let (token, most) = logits.withUnsafeBufferPointer {
                likelihoods.compute($0, token: Int32(count / 2), count: 5)
            }
            #expect(token.id == Int32(count / 2))
            #expect(abs(Double(token.logprob) - (Double(logits[count / 2]) - total)) < 1e-5)
            let order = logits.indices.sorted { (logits[$0], $1) > (logits[$1], $0) }.prefix(5)
            #expect(most.map { Int($0.id) } == Array(order))
            for likely in most {
                #expect(abs(Double(likely.logprob) - (Double(logits[Int(likely.id)]) - total)) < 1e-5)
            }
        }
    }

    @Test func equalsComeInTheOrderOfIdsAndWhatIsNotFiniteDoesNotCount() {
        var likelihoods = TokenLikelihoods()
        let (token, most) = [Float.nan, 1, .infinity, 1, 0, -.infinity].withUnsafeBufferPointer {
            likelihoods.compute($0, token: 3, count: 9)
        }
        #expect(most.map(\.id) == [1, 3, 4])
        #expect(token == most[1] && most[0].logprob == most[1].logprob)
        #expect(abs(exp(most[0].logprob) * 2 + exp(most[2].logprob) - 1) < 1e-6)
    }

    @Test func aGuessIsWhatFollowedTheLongestEndingLastTime() {
        #expect(PromptLookup.guess(after: [1, 2, 3, 9, 1, 2, 3, 8, 7, 1, 2, 3], most: 2) == [8, 7])
        // Three tokens say more than the two that stood there later.
        #expect(PromptLookup.guess(after: [5, 1, 2, 9, 4, 1, 2, 8, 5, 1, 2], most: 1) == [9])
        #expect(PromptLookup.guess(after: [1, 2, 3, 4, 5, 1, 2], most: 9) == [3, 4, 5, 1, 2])
        #expect(PromptLookup.guess(after: [7, 7, 7], most: 4) == [7])
    }

    @Test func nothingIsGuessedFromNothing() {
        for tokens: [Int32] in [[], [1], [1, 2], [1, 2, 3, 4]] {
            #expect(PromptLookup.guess(after: tokens, most: 3).isEmpty)
        }
        #expect(PromptLookup.guess(after: [1, 2, 3, 1, 2], most: 0).isEmpty)
    }

    @Test func rowsOfSegmentsAreNeitherMatchedNorGuessed() {
        #expect(PromptLookup.guess(after: [-1, -1, 5, -1, -1], most: 3).isEmpty)
        #expect(PromptLookup.guess(after: [1, 2, 6, -1, 4, 1, 2], most: 4) == [6])
    }
}
