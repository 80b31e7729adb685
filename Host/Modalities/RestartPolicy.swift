import PluginHost

/// Decides what follows the failure of a plugin version. Success starts the count anew.
public struct RestartPolicy: Sendable, Equatable {
    /// What to do about a failure.
    public enum Verdict: Sendable, Equatable {
        /// Start another worker when a call needs one.
        case restart
        /// Start none for this many seconds.
        case backOff(seconds: Double)
        /// Start none until somebody intervenes.
        case takeOut
    }

    /// Failures in a row.
    public private(set) var failures = 0
    /// What the last of them was.
    public private(set) var reason = ""

    public init() {}

    /// Waiting time after the second failure in a row; each further one doubles it.
    static let firstWait = 0.25
    static let longestWait = 30.0

    /// Counts a failure; `limit` of them in a row take the version out.
    public mutating func fail(_ reason: String, limit: Int) -> Verdict {
        failures += 1
        self.reason = reason
        if failures >= limit { return .takeOut }
        // One failure may be one bad input, and the next call should not pay for it.
        if failures == 1 { return .restart }
        var wait = Self.firstWait
        for _ in 2..<failures where wait < Self.longestWait { wait *= 2 }
        return .backOff(seconds: min(wait, Self.longestWait))
    }

    public mutating func succeed() {
        self = RestartPolicy()
    }

    /// Whether a failed call counts against the version: where the plugin broke, not where it refused its input.
    public static func counts(_ reason: PluginFailure.Reason) -> Bool {
        switch reason {
        case .crashed, .violation, .timedOut, .memoryLimit: true
        default: false
        }
    }
}
