/// The client closed its connection, or stopped reading for longer than `Limits.stallDeadline`.
public struct HTTPClientGone: Error, CustomStringConvertible {
    public var description: String { "the client has gone away" }
}

/// Writes the body of a streamed response.
public struct HTTPBodyWriter: Sendable {
    let channel: ResponseChannel

    /// Hands bytes to the client, in the order of the calls. Suspends while more than
    /// `Limits.streamBufferBytes` are queued, so that a slow reader slows its producer.
    ///
    /// Throws `HTTPClientGone` once the client is gone, `CancellationError` where the task is cancelled for
    /// another reason. The handler's task is cancelled when its client goes, whether it writes or not.
    public func write(_ bytes: [UInt8]) async throws {
        try await channel.write(bytes)
    }
}
