import Engine
import Text

/// An answer as it is written. To be read once, by one task.
public struct ChatAnswer: AsyncSequence, Sendable {
    /// What an answer is made of: text, then how it ended, last and once.
    public enum Element: Sendable, Equatable {
        /// Never empty, and never half a character.
        case text(String)
        case finished(FinishReason, Usage)
    }

    /// One for each plugin that took a media part of the request, in order; one for a part that none took.
    public let modalities: [ModalityReport]
    public let promptTokens: Int
    let stream: GenerationStream
    let tokenizer: Tokenizer
    let stop: [String]

    public func makeAsyncIterator() -> Iterator {
        Iterator(
            tokens: stream.makeAsyncIterator(), text: TokenStream(tokenizer), matcher: StopMatcher(stop),
            promptTokens: promptTokens)
    }

    /// Turns tokens into text. Where a stop string is found the generation is let go, which ends it.
    public struct Iterator: AsyncIteratorProtocol {
        fileprivate var tokens: GenerationStream.AsyncIterator?
        fileprivate var text: TokenStream
        fileprivate var matcher: StopMatcher
        fileprivate let promptTokens: Int
        private var completionTokens = 0
        private var ending: Element?

        fileprivate init(
            tokens: GenerationStream.AsyncIterator, text: TokenStream, matcher: StopMatcher, promptTokens: Int
        ) {
            self.tokens = tokens
            self.text = text
            self.matcher = matcher
            self.promptTokens = promptTokens
        }

        public mutating func next() async throws -> Element? {
            if let ending {
                self.ending = nil
                return ending
            }
            while let event = try await tokens?.next() {
                let piece: String
                switch event {
                case .token(let id):
                    completionTokens += 1
                    piece = matcher.push(text.push(id))
                    if matcher.match != nil { finish(.stop) }
                case .finished(let reason, _):
                    piece = matcher.push(text.finish()) + matcher.finish()
                    finish(matcher.match == nil ? reason : .stop)
                }
                if !piece.isEmpty { return .text(piece) }
                if let ending {
                    self.ending = nil
                    return ending
                }
            }
            return nil
        }

        private mutating func finish(_ reason: FinishReason) {
            tokens = nil
            ending = .finished(
                reason, Usage(promptTokens: promptTokens, completionTokens: completionTokens))
        }
    }
}
