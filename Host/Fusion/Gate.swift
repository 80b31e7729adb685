import Foundation

/// The learned gate of a plugin for one decoder: it says how much a segment matters to the message that carries it.
///
/// α = σ(w·[s; t; s⊙t] + b) in float32, s being the ``NormalizedMean`` of the segment's rows and t that of the
/// embeddings of the message's text.
public struct Gate: Sendable, Equatable {
    /// A linear function, whose value σ takes.
    struct Linear: Sendable, Equatable {
        var weight: [Float]
        var bias: Float
    }

    /// Over s, t and s⊙t in turn: `[3 · hidden]`.
    let full: Linear
    /// Over t alone: `[hidden]`; nil where the plugin ships no early gate.
    let early: Linear?

    /// α of a segment.
    public func weight(of segment: NormalizedMean, in text: NormalizedMean) -> Float {
        let (s, t) = (segment.values, text.values)
        var sum: Float = 0
        for index in s.indices { sum += full.weight[index] * s[index] }
        for index in t.indices { sum += full.weight[s.count + index] * t[index] }
        for index in s.indices { sum += full.weight[2 * s.count + index] * (s[index] * t[index]) }
        return Self.sigmoid(sum + full.bias)
    }

    /// What the early gate says of any segment in a message of this text; nil where there is none.
    public func earlyWeight(in text: NormalizedMean) -> Float? {
        guard let early else { return nil }
        var sum: Float = 0
        for (weight, value) in zip(early.weight, text.values) { sum += weight * value }
        return Self.sigmoid(sum + early.bias)
    }

    private static func sigmoid(_ x: Float) -> Float { 1 / (1 + exp(-x)) }
}

/// x̄ / √(mean(x̄²) + 10⁻⁶) of the mean x̄ of some rows, in float32, summed in the order of the rows.
public struct NormalizedMean: Sendable, Equatable {
    /// `[width]`
    public let values: [Float]

    /// nil where there are no rows.
    /// - Parameter rows: Row-major, `[count, width]`.
    public init?(rows: [Float], width: Int) {
        precondition(width > 0 && rows.count.isMultiple(of: width), "rows are [count, width]")
        var sum = RowSum(width: width)
        rows.withUnsafeBufferPointer { rows in
            for start in stride(from: 0, to: rows.count, by: width) {
                sum.add(UnsafeBufferPointer(rebasing: rows[start..<start + width]))
            }
        }
        self.init(sum)
    }

    /// nil where there are no rows.
    init?(_ sum: RowSum) {
        guard sum.count > 0 else { return nil }
        let mean = sum.values.map { $0 / Float(sum.count) }
        let square = mean.reduce(0) { $0 + $1 * $1 }
        let scale = 1 / (square / Float(mean.count) + 1e-6).squareRoot()
        values = mean.map { $0 * scale }
    }
}

/// Rows added up in their order, in float32.
struct RowSum {
    /// `[width]`
    private(set) var values: [Float]
    /// Of the rows.
    private(set) var count = 0

    init(width: Int) {
        values = [Float](repeating: 0, count: width)
    }

    mutating func add(_ row: UnsafeBufferPointer<Float>) {
        for column in values.indices { values[column] += row[column] }
        count += 1
    }
}
