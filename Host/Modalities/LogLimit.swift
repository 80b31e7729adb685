/// Lets so many lines a second through and counts the rest.
public struct LogLimit: Sendable {
    public static let linesPerSecond = 100

    /// What to do with a line.
    public enum Decision: Sendable, Equatable {
        case pass
        case drop
        /// Let it through, and say first how many were dropped before it.
        case passAfterDropping(Int)
    }

    private var second: UInt64 = 0
    private var passed = 0
    private var dropped = 0

    public init() {}

    /// - Parameter now: nanoseconds of a clock that never goes back.
    public mutating func line(at now: UInt64) -> Decision {
        let current = now / 1_000_000_000
        if current != second {
            second = current
            passed = 0
        }
        guard passed < Self.linesPerSecond else {
            dropped += 1
            return .drop
        }
        passed += 1
        if dropped == 0 { return .pass }
        defer { dropped = 0 }
        return .passAfterDropping(dropped)
    }

    /// How many were dropped since that was said last; for the end.
    public mutating func takeDropped() -> Int {
        defer { dropped = 0 }
        return dropped
    }
}
