import Decoder
import Synchronization

/// A submitted request on its way through the engine: made by the submitter, then used by the engine's thread.
final class GenerationJob: Sendable {
    let rows: PromptRows
    let sampling: Sampling
    let seed: UInt64
    let choice: Int
    /// Most tokens to write, within what the context leaves.
    let most: Int
    let endTokens: Set<Int32>
    private let continuation: GenerationStream.Continuation
    private let abandoned = Atomic(false)

    init(
        _ request: GenerationRequest, rows: PromptRows, most: Int, continuation: GenerationStream.Continuation
    ) {
        self.rows = rows
        self.most = most
        sampling = request.sampling
        seed = request.sampling.seed ?? UInt64.random(in: .min ... .max)
        choice = request.choice
        endTokens = request.endTokens
        self.continuation = continuation
        continuation.onTermination = { [weak self] reason in
            if case .cancelled = reason { self?.abandoned.store(true, ordering: .relaxed) }
        }
    }

    /// Pages that hold all that the request may ever take.
    var pageCount: Int { KVPool.pages(for: rows.count + most) }

    /// Whether nobody reads the stream any more.
    var isAbandoned: Bool { abandoned.load(ordering: .relaxed) }

    func send(_ token: Int32) {
        continuation.yield(.token(token))
    }

    func finish(_ reason: FinishReason, completionTokens: Int) {
        let usage = Usage(promptTokens: rows.count, completionTokens: completionTokens)
        continuation.yield(.finished(reason, usage))
        continuation.finish()
    }

    func fail(_ error: any Error) {
        continuation.finish(throwing: error)
    }
}
