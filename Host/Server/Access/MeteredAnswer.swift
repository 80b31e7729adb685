import Engine

/// An answer that its client pays for as it is written: the prompt at once, tokens as their text comes, what is left at the
/// end. Whoever goes away has paid for what was computed.
struct MeteredAnswer: AsyncSequence, Sendable {
    let modalities: [ModalityReport]
    private let answer: ChatAnswer
    private let client: AccessControl.Client

    init(_ answer: ChatAnswer, _ client: AccessControl.Client) {
        modalities = answer.modalities
        self.answer = answer
        self.client = client
        client.spend(answer.promptTokens)
    }

    func makeAsyncIterator() -> Iterator { Iterator(elements: answer.makeAsyncIterator(), client: client) }

    struct Iterator: AsyncIteratorProtocol {
        fileprivate var elements: ChatAnswer.Iterator
        fileprivate let client: AccessControl.Client
        private var paid = 0

        fileprivate init(elements: ChatAnswer.Iterator, client: AccessControl.Client) {
            self.elements = elements
            self.client = client
        }

        mutating func next() async throws -> ChatAnswer.Element? {
            let element = try await elements.next()
            switch element {
            case .text:
                paid += 1
                client.spend(1)
            case .finished(let usage): client.spend(usage.completionTokens - paid)
            default: break
            }
            return element
        }
    }
}
