/// How long one thing took each time that it was done, in milliseconds.
public struct Timing: Sendable {
    /// Shortest first; at least one.
    private let samples: [Double]

    package init(_ samples: [Double]) {
        precondition(!samples.isEmpty, "something is measured")
        self.samples = samples.sorted()
    }

    public var shortest: Double { samples[0] }
    public var longest: Double { samples[samples.count - 1] }
    public var median: Double { quantile(0.5) }

    /// By the nearest rank.
    public func quantile(_ share: Double) -> Double {
        samples[min(samples.count - 1, max(0, Int((share * Double(samples.count)).rounded(.up)) - 1))]
    }

    /// Runs `body` once and returns the milliseconds that it took.
    package static func milliseconds(_ body: () async throws -> Void) async rethrows -> Double {
        try await ContinuousClock().measure(body) / .milliseconds(1)
    }
}
