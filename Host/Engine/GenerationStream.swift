/// What a running request sends: how much of the prompt is read, the tokens of its choices as they are written, how each ended, and last, once, what
/// they took.
public enum GenerationEvent: Sendable, Equatable {
    /// So many positions of the prompt are computed; not sent for a prompt that one step reads.
    case read(Int)
    case token(WrittenToken, choice: Int)
    /// Nothing more comes of this choice.
    case ended(FinishReason, choice: Int)
    case finished(Usage)
}

/// A token of an answer.
public struct WrittenToken: Sendable, Equatable {
    public var id: Int32
    /// How likely the model found it; nil where nobody asked.
    public var logprob: Float?
    /// The most likely tokens at its place, itself among them or not.
    public var alternatives: [TokenLikelihood]

    public init(id: Int32, logprob: Float? = nil, alternatives: [TokenLikelihood] = []) {
        self.id = id
        self.logprob = logprob
        self.alternatives = alternatives
    }
}

public enum FinishReason: String, Sendable {
    /// The model wrote an end token, the constraint allows no more, or the reader ended the choice.
    case stop
    /// The most tokens asked for, or all that the context left.
    case length
}

/// Positions that a request took.
public struct Usage: Sendable, Equatable {
    public var promptTokens: Int
    /// Tokens sent, of all choices; end tokens are not among them.
    public var completionTokens: Int
    /// Tokens of the prompt that were not computed, as an earlier request began alike.
    public var cachedTokens: Int

    public init(promptTokens: Int, completionTokens: Int, cachedTokens: Int = 0) {
        self.promptTokens = promptTokens
        self.completionTokens = completionTokens
        self.cachedTokens = cachedTokens
    }
}

/// The events of one request, to be read once, by one task. Letting go of stream and iterator, or cancelling the task
/// that iterates, ends the request within one step.
public struct GenerationStream: AsyncSequence, Sendable {
    public typealias Element = GenerationEvent

    let events: AsyncThrowingStream<GenerationEvent, any Error>
    let job: GenerationJob

    public func makeAsyncIterator() -> Iterator {
        Iterator(events: events.makeAsyncIterator(), job: job)
    }

    public struct Iterator: AsyncIteratorProtocol {
        fileprivate var events: AsyncThrowingStream<GenerationEvent, any Error>.Iterator
        fileprivate let job: GenerationJob

        public mutating func next() async throws -> GenerationEvent? {
            try await events.next()
        }

        /// Ends one choice within one step; the others go on. Tokens that it wrote meanwhile may still come.
        public func end(choice: Int) {
            job.end(choice: choice)
        }
    }
}
