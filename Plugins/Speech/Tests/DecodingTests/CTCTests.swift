import Decoding
import Foundation
import GatehouseNumerics
import Testing

/// Decoders against the definition: the probability of a sequence is that of all its alignments.
@Suite struct CTCTests {
    private static let blank = 3

    private func scores(_ rows: Int, seed: Int) -> Matrix {
        Matrix(
            rows: rows, columns: 4,
            (0..<rows * 4).map { Float(($0 * 7919 + seed * 104_729) % 1009) / 250 - 2 })
    }

    /// Scores that name one piece a row.
    private func spelt(_ pieces: [Int]) -> Matrix {
        Matrix(
            rows: pieces.count, columns: 4, pieces.flatMap { piece in (0..<4).map { $0 == piece ? 5 : 0 } })
    }

    private func collapsed(_ path: [Int]) -> [Int] {
        path.indices.filter { $0 == 0 || path[$0] != path[$0 - 1] }.map { path[$0] }.filter {
            $0 != Self.blank
        }
    }

    /// Of every sequence the probability of all paths that spell it.
    private func summed(_ scores: Matrix) -> [[Int]: Double] {
        let logs = (0..<scores.rows).map { Self.logProbabilities(scores.row($0)) }
        var sums: [[Int]: Double] = [:]
        func walk(_ path: [Int], _ sum: Double) {
            guard path.count < scores.rows else {
                sums[collapsed(path), default: 0] += exp(sum)
                return
            }
            for piece in 0..<4 { walk(path + [piece], sum + logs[path.count][piece]) }
        }
        walk([], 0)
        return sums
    }

    private static func logProbabilities(_ row: UnsafeMutableBufferPointer<Float>) -> [Double] {
        let sum = row.reduce(0.0) { $0 + exp(Double($1)) }
        return row.map { Double($0) - log(sum) }
    }

    @Test(arguments: [1, 2, 3, 4])
    func aWideBeamFindsTheProbabilityOfEverySequence(_ seed: Int) {
        let scores = scores(6, seed: seed)
        let reference = summed(scores)
        let found = PrefixBeamDecoder(blank: Self.blank, width: 5000).decode(scores)
        #expect(found.count == reference.count)
        for (pieces, log) in found {
            #expect(abs(exp(log) - (reference[pieces] ?? -1)) < 1e-9)
        }
        #expect(found.first?.pieces == reference.max { $0.value < $1.value }?.key)
        #expect(found.map(\.logProbability) == found.map(\.logProbability).sorted(by: >))
    }

    @Test func aNarrowBeamStillFindsWhatIsClear() {
        let found = PrefixBeamDecoder(blank: Self.blank, width: 2).decode(spelt([3, 0, 0, 3, 0, 1, 2, 2]))
        #expect(found.count == 2 && found.first?.pieces == [0, 0, 1, 2])
    }

    @Test func runsAreOnePieceAndABlankParts() {
        var decoder = GreedyDecoder(blank: Self.blank)
        var heard = decoder.push(spelt([3, 0, 0, 3, 0, 1, 2, 2]))
        #expect(decoder.current?.rows == 6..<8)
        if let last = decoder.finish() { heard.append(last) }
        #expect(heard.map(\.piece) == [0, 0, 1, 2])
        #expect(heard.map(\.rows) == [1..<3, 4..<5, 5..<6, 6..<8])
        #expect(heard.allSatisfy { $0.probability > 0.97 && $0.probability < 1 })
        #expect(decoder.finish() == nil)
    }

    @Test func whatIsHeardDependsOnNoStretches() {
        let scores = scores(60, seed: 9)
        var whole = GreedyDecoder(blank: Self.blank)
        var heard = whole.push(scores)
        if let last = whole.finish() { heard.append(last) }
        var parts = GreedyDecoder(blank: Self.blank)
        var pieces = (0..<60).flatMap { parts.push(scores.rows($0..<$0 + 1)) }
        if let last = parts.finish() { pieces.append(last) }
        #expect(pieces == heard && heard.count > 10)
    }

    @Test func anAlignmentIsTheLikeliestPathThatSpellsTheSequence() {
        let rows = scores(7, seed: 5)
        let logs = (0..<7).map { Self.logProbabilities(rows.row($0)) }
        for pieces in [[0], [1, 1], [0, 2, 1], [2, 2, 0]] {
            var best = (log: -Double.infinity, path: [Int]())
            func walk(_ path: [Int], _ sum: Double) {
                guard path.count < 7 else {
                    if collapsed(path) == pieces, sum > best.log { best = (sum, path) }
                    return
                }
                for piece in 0..<4 { walk(path + [piece], sum + logs[path.count][piece]) }
            }
            walk([], 0)
            var expected: [Range<Int>] = []
            for (row, piece) in best.path.enumerated() where piece != Self.blank {
                if row > 0, best.path[row - 1] == piece, let last = expected.indices.last {
                    expected[last] = expected[last].lowerBound..<row + 1
                } else {
                    expected.append(row..<row + 1)
                }
            }
            let heard = Alignment.align(pieces, rows, blank: Self.blank)
            #expect(heard.map(\.piece) == pieces && heard.map(\.rows) == expected)
        }
        #expect(Alignment.align([0, 0, 0, 0, 0], rows, blank: Self.blank).isEmpty)
        #expect(Alignment.align([], rows, blank: Self.blank).isEmpty)
    }
}
