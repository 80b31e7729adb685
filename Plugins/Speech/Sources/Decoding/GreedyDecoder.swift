import GatehouseNumerics
import Glibc

/// The likeliest piece of every row; runs of the same piece are one, and blanks stand for nothing: Graves et al.,
/// "Connectionist temporal classification" (2006). Takes rows as they come; what it has handed over never changes.
public struct GreedyDecoder: Sendable {
    private let blank: Int
    private var row = 0
    private var run: HeardPiece?

    public init(blank: Int) { self.blank = blank }

    /// Takes rows of scores; returns the pieces that ended in them.
    public mutating func push(_ scores: Matrix) -> [HeardPiece] {
        var ended: [HeardPiece] = []
        for index in 0..<scores.rows {
            let (piece, probability) = Self.likeliest(scores.row(index))
            if var current = run, current.piece == piece {
                current.rows = current.rows.lowerBound..<row + 1
                current.probability = max(current.probability, probability)
                run = current
            } else {
                if let run { ended.append(run) }
                run =
                    piece == blank
                    ? nil : HeardPiece(piece: piece, rows: row..<row + 1, probability: probability)
            }
            row += 1
        }
        return ended
    }

    /// The piece that has not ended: it is heard, but may go on.
    public var current: HeardPiece? { run }

    /// Ends the last piece, where one is open.
    public mutating func finish() -> HeardPiece? {
        defer { run = nil }
        return run
    }

    /// Of equals the first.
    private static func likeliest(_ row: UnsafeMutableBufferPointer<Float>) -> (
        piece: Int, probability: Float
    ) {
        var best = 0
        for index in row.indices where row[index] > row[best] { best = index }
        let most = row[best]
        var sum: Float = 0
        for score in row { sum += exp(score - most) }
        return (best, 1 / sum)
    }
}
