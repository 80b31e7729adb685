import PluginHost

/// How a plugin version is doing.
public struct PluginStatus: Sendable {
    /// Counted since the daemon started.
    public struct Counts: Sendable {
        public var loads = 0
        public var calls = 0
        /// Loads and calls that failed; not those that were cancelled.
        public var errors = 0
    }

    public let identity: EncoderIdentity
    public let plugin: String
    public let version: SemanticVersion
    public let state: VersionState
    /// Whether the operator has taken it from the traffic.
    public let isHeld: Bool
    /// Where its workers run; empty where it is not loaded.
    public let processIDs: [Int32]
    /// Calls in its workers.
    public let running: Int
    /// Live streams that are open.
    public let streams: Int
    /// Calls that wait for their turn.
    public let waiting: Int
    /// Bytes that count against the memory budget.
    public let memory: Int
    /// What went wrong last, where it has failed since its last success.
    public let lastFailure: String?
    public let counts: Counts
    /// Milliseconds that half of the last calls took at most, and 95 of a hundred; nil without calls.
    public let p50: Double?
    public let p95: Double?

    /// Where its first worker runs; nil where it is not loaded.
    public var processID: Int32? { processIDs.first }
}
