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
        /// A call of a function begins; calls are counted from 0.
        case call(Int, name: String, choice: Int)
        /// More of a call's arguments.
        case arguments(String, call: Int, choice: Int)
        case ended(FinishReason, choice: Int)
        case finished(Usage)
    }

    /// One for each plugin that took a media part of the request, in order; one for a part that none took.
    public let modalities: [ModalityReport]
    public let promptTokens: Int
    private let generation: Generation
    private let writers: [AnswerWriter]
    /// nil where no functions may be called.
    private let calls: CallReader?

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
        writer: AnswerWriter, calls: CallReader? = nil
    ) {
        self.calls = calls
        self.modalities = modalities
        self.promptTokens = promptTokens
        generation = Generation(stream)
        writers = Array(repeating: writer, count: choices)
    }

    /// The first iterator reads the answer; any other finds nothing.
    public func makeAsyncIterator() -> Iterator {
        Iterator(
            events: generation.take()?.makeAsyncIterator(), writers: writers,
            readers: calls.map { Array(repeating: $0, count: writers.count) } ?? [])
    }

    /// Turns tokens into text. Where a stop string is found the choice is let go, which ends it.
    public struct Iterator: AsyncIteratorProtocol {
        fileprivate var events: GenerationStream.Iterator?
        fileprivate var writers: [AnswerWriter]
        /// Of each choice; none where no functions may be called.
        private var readers: [CallReader]
        private var callCounts: [Int]
        private var completionTokens = 0
        /// To be handed out before more is read.
        private var ready: ArraySlice<Element> = []

        fileprivate init(
            events: GenerationStream.Iterator?, writers: [AnswerWriter], readers: [CallReader]
        ) {
            self.events = events
            self.writers = writers
            self.readers = readers
            callCounts = Array(repeating: 0, count: readers.count)
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
                        handRest(of: choice)
                        ready.append(.ended(.stop, choice: choice))
                    }
                case .ended(let reason, let choice):
                    if writers[choice].isFinished { continue }
                    hand(writers[choice].finish(reason), of: choice)
                    handRest(of: choice)
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
            guard let text else { return }
            guard !readers.isEmpty else { return ready.append(.text(text, choice: choice)) }
            let pieces = readers[choice].push(text.text)
            if pieces == [.text(text.text)] { return ready.append(.text(text, choice: choice)) }
            // Tokens of calls are reported too, before what they are part of.
            let rest = AnswerText("", reasoning: text.reasoning, tokens: text.tokens)
            if rest != AnswerText("") { ready.append(.text(rest, choice: choice)) }
            pieces.forEach { hand($0, of: choice) }
        }

        private mutating func handRest(of choice: Int) {
            guard !readers.isEmpty else { return }
            readers[choice].finish().forEach { hand($0, of: choice) }
        }

        private mutating func hand(_ piece: AnswerPiece, of choice: Int) {
            switch piece {
            case .text(let text): ready.append(.text(AnswerText(text), choice: choice))
            case .call(let name):
                ready.append(.call(callCounts[choice], name: name, choice: choice))
                callCounts[choice] += 1
            case .arguments(let text):
                ready.append(.arguments(text, call: callCounts[choice] - 1, choice: choice))
            }
        }
    }
}
