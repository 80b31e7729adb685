import Constraints
import Decoder
import Synchronization

/// A submitted request on its way through the engine: made by the submitter, then used by the engine's thread.
final class GenerationJob: Sendable {
    let request: GenerationRequest
    let rows: PromptRows
    /// Names the pages of the prompt.
    let chain: PageKeyChain
    /// The beginning of what each choice is held to.
    let constraint: ConstraintState?
    let seed: UInt64
    /// Most tokens to write, within what the context leaves.
    let most: Int
    private let continuation: AsyncThrowingStream<GenerationEvent, any Error>.Continuation
    private let abandoned = Atomic(false)
    /// Choices that the reader wants no more of.
    private let endedChoices = Mutex<Set<Int>>([])

    /// - Parameter most: At least 1.
    init(
        _ request: GenerationRequest, rows: PromptRows, chain: PageKeyChain, most: Int,
        constraint: ConstraintState?,
        continuation: AsyncThrowingStream<GenerationEvent, any Error>.Continuation
    ) {
        self.request = request
        self.rows = rows
        self.chain = chain
        self.most = most
        self.constraint = constraint
        seed = request.sampling.seed ?? UInt64.random(in: .min ... .max)
        self.continuation = continuation
        continuation.onTermination = { [weak self] reason in
            if case .cancelled = reason { self?.abandoned.store(true, ordering: .relaxed) }
        }
    }

    /// Whether nobody reads the stream any more.
    var isAbandoned: Bool { abandoned.load(ordering: .relaxed) }

    /// Whether nobody wants more of a choice.
    func isEnded(choice: Int) -> Bool {
        endedChoices.withLock { $0.contains(choice) }
    }

    func end(choice: Int) {
        _ = endedChoices.withLock { $0.insert(choice) }
    }

    func send(_ event: GenerationEvent) {
        continuation.yield(event)
    }

    func finish(_ usage: Usage) {
        continuation.yield(.finished(usage))
        continuation.finish()
    }

    func fail(_ error: any Error) {
        continuation.finish(throwing: error)
    }
}
