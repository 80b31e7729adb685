/// What an encoder asks and tells while it works.
public struct EncoderJob: Sendable {
    /// Whether the result is no longer wanted. Called on any thread of the team.
    public let isCancelled: @Sendable () -> Bool
    /// How much is done, 0 … 1. Called on the caller's thread.
    public let progress: @Sendable (Double) -> Void

    public init(
        isCancelled: @escaping @Sendable () -> Bool = { false },
        progress: @escaping @Sendable (Double) -> Void = { _ in }
    ) {
        self.isCancelled = isCancelled
        self.progress = progress
    }
}
