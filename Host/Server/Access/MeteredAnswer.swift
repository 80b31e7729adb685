import Engine
import GatehouseJSON

/// An answer that its client pays for as it is written, and whose times are measured and noted: the prompt is paid at once, tokens as
/// their text comes, what is left at the end. Whoever goes away has paid for what was computed.
struct MeteredAnswer: AsyncSequence, Sendable {
    let modalities: [ModalityReport]
    private let answer: ChatAnswer
    private let client: AccessControl.Client
    private let metrics: ServiceMetrics
    private let started: ContinuousClock.Instant
    private let recordsContent: Bool

    /// - Parameters:
    ///   - started: When the request came.
    ///   - recordsContent: Whether the log is to have what was answered.
    init(
        _ answer: ChatAnswer, _ client: AccessControl.Client, _ metrics: ServiceMetrics,
        since started: ContinuousClock.Instant, recordsContent: Bool = false
    ) {
        modalities = answer.modalities
        self.answer = answer
        self.client = client
        self.metrics = metrics
        self.started = started
        self.recordsContent = recordsContent
        client.spend(answer.promptTokens)
        metrics.add(answer.modalities)
        client.notes.set("prompt_tokens", .number(answer.promptTokens))
        let plugins = answer.modalities.compactMap { report in
            report.version.map { "\(report.plugin ?? "") \($0)" }
        }
        if !plugins.isEmpty { client.notes.set("plugins", .string(plugins.joined(separator: ", "))) }
    }

    func makeAsyncIterator() -> Iterator {
        Iterator(
            elements: answer.makeAsyncIterator(), client: client, metrics: metrics, last: started,
            content: recordsContent ? "" : nil)
    }

    struct Iterator: AsyncIteratorProtocol {
        fileprivate var elements: ChatAnswer.Iterator
        fileprivate let client: AccessControl.Client
        fileprivate let metrics: ServiceMetrics
        /// When the last text came, or the request.
        fileprivate var last: ContinuousClock.Instant
        private var paid = 0
        /// What was answered, of all choices; nil where that is nobody's business.
        private var content: String?

        fileprivate init(
            elements: ChatAnswer.Iterator, client: AccessControl.Client, metrics: ServiceMetrics,
            last: ContinuousClock.Instant, content: String?
        ) {
            self.elements = elements
            self.client = client
            self.metrics = metrics
            self.last = last
            self.content = content
        }

        mutating func next() async throws -> ChatAnswer.Element? {
            let element = try await elements.next()
            switch element {
            case .text(let text, _):
                content?.append(text.reasoning + text.text)
                let now = ContinuousClock.now
                let seconds = (now - last) / .seconds(1)
                paid == 0 ? metrics.addFirst(seconds) : metrics.addNext(seconds)
                if paid == 0 { client.notes.set("first_token_seconds", .number(seconds)) }
                last = now
                paid += 1
                client.spend(1)
                client.notes.set("answer_tokens", .number(paid))
            case .finished(let usage):
                client.spend(usage.completionTokens - paid)
                metrics.add(usage)
                client.notes.set("prompt_tokens", .number(usage.promptTokens))
                client.notes.set("cached_tokens", .number(usage.cachedTokens))
                client.notes.set("answer_tokens", .number(usage.completionTokens))
                if let content { client.notes.set("answer", .string(content)) }
            default: break
            }
            return element
        }
    }
}
