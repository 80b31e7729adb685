import GatehouseNumerics
import Glibc

/// When the pieces of a given sequence were heard: the likeliest alignment of rows to them, by Viterbi's algorithm over pieces
/// with blanks between.
public enum Alignment {
    /// - Returns: the pieces with their rows; empty where there are fewer rows than the sequence needs.
    public static func align(_ pieces: [Int], _ scores: Matrix, blank: Int) -> [HeardPiece] {
        guard !pieces.isEmpty, scores.rows > 0 else { return [] }
        // States: blank, piece, blank, piece … blank.
        let states = 2 * pieces.count + 1
        func piece(_ state: Int) -> Int { state % 2 == 0 ? blank : pieces[state / 2] }
        var best = [Double](repeating: -.infinity, count: states)
        // How many states a row's best way came forward: 0, 1 or 2.
        var steps = [UInt8](repeating: 0, count: scores.rows * states)
        var logs = PrefixBeamDecoder.logProbabilities(scores.row(0))
        best[0] = logs[blank]
        best[1] = logs[pieces[0]]
        for row in 1..<max(1, scores.rows) {
            logs = PrefixBeamDecoder.logProbabilities(scores.row(row))
            for state in (0..<states).reversed() {
                var from = (best[state], UInt8(0))
                if state > 0, best[state - 1] > from.0 { from = (best[state - 1], 1) }
                // A blank may be skipped between pieces that differ.
                if state > 1, state % 2 == 1, piece(state) != piece(state - 2), best[state - 2] > from.0 {
                    from = (best[state - 2], 2)
                }
                best[state] = from.0 + logs[piece(state)]
                steps[row * states + state] = from.1
            }
        }
        var state = best[states - 1] > best[states - 2] ? states - 1 : states - 2
        guard best[state] > -.infinity else { return [] }
        var heard = pieces.map { HeardPiece(piece: $0, rows: 0..<0, probability: 0) }
        for row in (0..<scores.rows).reversed() {
            if state % 2 == 1 {
                let index = state / 2
                let log = PrefixBeamDecoder.logProbabilities(scores.row(row))[pieces[index]]
                let end = heard[index].rows.isEmpty ? row + 1 : heard[index].rows.upperBound
                heard[index].rows = row..<end
                heard[index].probability = max(heard[index].probability, Float(exp(log)))
            }
            state -= Int(steps[row * states + state])
        }
        return heard
    }
}
