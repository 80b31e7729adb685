import Engine

/// An answer that its client pays for as it is written, and whose times are measured: the prompt is paid at once, tokens as
/// their text comes, what is left at the end. Whoever goes away has paid for what was computed.
struct MeteredAnswer: AsyncSequence, Sendable {
    let modalities: [ModalityReport]
    private let answer: ChatAnswer
    private let client: AccessControl.Client
    private let metrics: ServiceMetrics
    private let started: ContinuousClock.Instant

    /// - Parameter started: When the request came.
    init(
        _ answer: ChatAnswer, _ client: AccessControl.Client, _ metrics: ServiceMetrics,
        since started: ContinuousClock.Instant
    ) {
        modalities = answer.modalities
        self.answer = answer
        self.client = client
        self.metrics = metrics
        self.started = started
        client.spend(answer.promptTokens)
        metrics.add(answer.modalities)
    }

    func makeAsyncIterator() -> Iterator {
        Iterator(elements: answer.makeAsyncIterator(), client: client, metrics: metrics, last: started)
    }

    struct Iterator: AsyncIteratorProtocol {
        fileprivate var elements: ChatAnswer.Iterator
        fileprivate let client: AccessControl.Client
        fileprivate let metrics: ServiceMetrics
        /// When the last text came, or the request.
        fileprivate var last: ContinuousClock.Instant
        private var paid = 0

        fileprivate init(
            elements: ChatAnswer.Iterator, client: AccessControl.Client, metrics: ServiceMetrics,
            last: ContinuousClock.Instant
        ) {
            self.elements = elements
            self.client = client
            self.metrics = metrics
            self.last = last
        }

        mutating func next() async throws -> ChatAnswer.Element? {
            let element = try await elements.next()
            switch element {
            case .text:
                let now = ContinuousClock.now
                let seconds = (now - last) / .seconds(1)
                paid == 0 ? metrics.addFirst(seconds) : metrics.addNext(seconds)
                last = now
                paid += 1
                client.spend(1)
            case .finished(let usage):
                client.spend(usage.completionTokens - paid)
                metrics.add(usage)
            default: break
            }
            return element
        }
    }
}
