/// The latencies of the last calls, in milliseconds.
public struct LatencyWindow: Sendable {
    static let capacity = 512

    private var values: [Double] = []
    private var next = 0

    public init() {}

    public mutating func add(_ milliseconds: Double) {
        if values.count < Self.capacity {
            values.append(milliseconds)
        } else {
            values[next] = milliseconds
            next = (next + 1) % Self.capacity
        }
    }

    /// The smallest latency that a fraction of the calls did not exceed (nearest rank); nil without calls.
    public func quantile(_ fraction: Double) -> Double? {
        guard !values.isEmpty else { return nil }
        let rank = Int((fraction * Double(values.count)).rounded(.up))
        return values.sorted()[min(max(rank, 1), values.count) - 1]
    }
}
