import Engine
import Synchronization
import Text

/// An answer as it is written, of one choice or several. To be read once, by one task.
public struct ChatAnswer: AsyncSequence, Sendable {
    /// What an answer is made of: how much of a long prompt is read; for each choice text, then how it ended, once; last, once, what all of them took.
    public enum Element: Sendable, Equatable {
        /// Positions of the prompt.
        case read(Int)
        case text(AnswerText, choice: Int)
        case ended(FinishReason, choice: Int)
        case finished(Usage)
    }

    /// One for each plugin that took a media part of the request, in order; one for a part that none took.
    public let modalities: [ModalityReport]
    public let promptTokens: Int
    private let generation: Generation
    private let writers: [AnswerWriter]

    /// The tokens to come, until the reader takes them: whoever has the stream keeps the generation running.
    private final class Generation: Sendable {
        private let stream: Mutex<GenerationStream?>

        init(_ stream: GenerationStream) {
            self.stream = Mutex(stream)
        }

        func take() -> GenerationStream? {
            stream.withLock { stream in
                defer { stream = nil }
                return stream
            }
        }
    }

    init(
        modalities: [ModalityReport], promptTokens: Int, stream: GenerationStream, choices: Int,
        writer: AnswerWriter
    ) {
        self.modalities = modalities
        self.promptTokens = promptTokens
        generation = Generation(stream)
        writers = Array(repeating: writer, count: choices)
    }

    /// The first iterator reads the answer; any other finds nothing.
    public func makeAsyncIterator() -> Iterator {
        Iterator(events: generation.take()?.makeAsyncIterator(), writers: writers)
    }

    /// Turns tokens into text. Where a stop string is found the choice is let go, which ends it.
    public struct Iterator: AsyncIteratorProtocol {
        fileprivate var events: GenerationStream.Iterator?
        fileprivate var writers: [AnswerWriter]
        private var completionTokens = 0
        /// To be handed out before more is read.
        private var ready: ArraySlice<Element> = []

        fileprivate init(events: GenerationStream.Iterator?, writers: [AnswerWriter]) {
            self.events = events
            self.writers = writers
        }

        public mutating func next() async throws -> Element? {
            while ready.isEmpty, let event = try await events?.next() {
                switch event {
                case .read(let count): ready.append(.read(count))
                case .token(let token, let choice):
                    if writers[choice].isFinished { continue }
                    completionTokens += 1
                    hand(writers[choice].push(token), of: choice)
                    if writers[choice].isFinished {
                        events?.end(choice: choice)
                        ready.append(.ended(.stop, choice: choice))
                    }
                case .ended(let reason, let choice):
                    if writers[choice].isFinished { continue }
                    hand(writers[choice].finish(reason), of: choice)
                    ready.append(.ended(writers[choice].isStopped ? .stop : reason, choice: choice))
                case .finished(var usage):
                    events = nil
                    // Not those that came after a stop string.
                    usage.completionTokens = completionTokens
                    ready.append(.finished(usage))
                }
            }
            return ready.popFirst()
        }

        private mutating func hand(_ text: AnswerText?, of choice: Int) {
            if let text { ready.append(.text(text, choice: choice)) }
        }
    }
}
