/// How near two sets of logits are, position by position.
public struct Agreement: Sendable {
    /// The largest ‖found - expected‖ / ‖expected‖ of a position.
    public var error: Double
    /// Positions whose most likely token is the same.
    public var sameTop: Int
    public var positions: Int

    public var isSameEverywhere: Bool { sameTop == positions }

    /// - Parameters:
    ///   - found: `[positions, vocabulary]`, of which the last count.
    ///   - expected: `[positions, vocabulary]`
    public init(_ found: [[Double]], _ expected: [[Float]]) {
        precondition(found.count >= expected.count, "every expected position was computed")
        error = 0
        sameTop = 0
        positions = expected.count
        for (found, expected) in zip(found.suffix(expected.count), expected) {
            var (difference, norm) = (0.0, 0.0)
            for (value, other) in zip(found, expected) {
                difference += (value - Double(other)) * (value - Double(other))
                norm += Double(other) * Double(other)
            }
            let error = (difference / norm).squareRoot()
            // A comparison alone would let NaN pass.
            self.error = error.isNaN ? .infinity : max(self.error, error)
            sameTop += Self.top(found) == Self.top(expected) ? 1 : 0
        }
    }

    public init(_ found: [[Float]], _ expected: [[Float]]) {
        self.init(found.map { $0.map(Double.init) }, expected)
    }

    private static func top<Value: Comparable>(_ row: [Value]) -> Int? {
        row.indices.max { row[$0] < row[$1] }
    }
}
