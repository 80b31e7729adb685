import GatehouseNumerics
import Glibc

/// The likeliest sequences of pieces, each with the probability of all its alignments: Hannun et al., "First-pass large
/// vocabulary continuous speech recognition using bi-directional recurrent DNNs" (2014). A language model adds to the logarithm
/// of a sequence its own, by its weight, and its bonus for each piece.
public struct PrefixBeamDecoder: Sendable {
    /// Logarithm of the probability that a piece needs for a row to be thought of: what is below changes no result that a
    /// person could see.
    private static let leastLogProbability = -14.0

    private let blank: Int
    private let width: Int
    private let language: PieceLanguageModel?

    /// - Parameter width: sequences that are followed.
    public init(blank: Int, width: Int, language: PieceLanguageModel? = nil) {
        precondition(width > 0, "a beam follows something")
        self.blank = blank
        self.width = width
        self.language = language
    }

    private struct Candidate {
        /// Logarithms of the probabilities of its alignments that end in a blank, and in its last piece.
        var blank = -Double.infinity
        var piece = -Double.infinity
        /// What the language model adds.
        var added = 0.0

        var all: Double { logSum(blank, piece) }

        mutating func add(blank log: Double) { blank = logSum(blank, log) }
        mutating func add(piece log: Double) { piece = logSum(piece, log) }
    }

    /// A sequence, as the one that it extends and a piece.
    private struct Sequence: Hashable {
        let parent: Int
        let piece: Int
    }

    /// The likeliest sequences with the logarithms of their probabilities, what the language model adds included, the likeliest
    /// first. Polls `isCancelled` and then
    /// returns early, with none.
    public func decode(
        _ scores: Matrix, isCancelled: () -> Bool = { false }
    ) -> [(pieces: [Int], logProbability: Double)] {
        // All that ever were in the beam, the empty one first.
        var sequences = [Sequence(parent: -1, piece: -1)]
        var places = [sequences[0]: 0]
        // Of each what the language model makes of it; none without one.
        var states = language.map { [$0.start] } ?? []
        var beam: [(place: Int, candidate: Candidate)] = [(0, Candidate(blank: 0))]
        for row in 0..<scores.rows {
            if isCancelled() { return [] }
            let logs = Self.logProbabilities(scores.row(row))
            let likely = likeliest(logs)
            var next: [Sequence: Candidate] = [:]
            for (place, candidate) in beam {
                let all = candidate.all
                let sequence = sequences[place]
                next[sequence, default: Candidate(added: candidate.added)].add(blank: all + logs[blank])
                if sequence.piece >= 0 {
                    next[sequence]?.add(piece: candidate.piece + logs[sequence.piece])
                }
                func longer(_ piece: Int) -> Candidate {
                    guard let language else { return Candidate() }
                    let log = language.logProbability(piece, after: states[place])
                    return Candidate(added: candidate.added + language.weight * log + language.bonus)
                }
                for piece in likely {
                    // The same piece twice needs a blank between.
                    let before = piece == sequence.piece ? candidate.blank : all
                    guard before > -.infinity else { continue }
                    next[Sequence(parent: place, piece: piece), default: longer(piece)]
                        .add(piece: before + logs[piece])
                }
            }
            // Of equals the one that came first.
            let kept = next.map { sequence, candidate in
                (sequence: sequence, candidate: candidate, all: candidate.all + candidate.added)
            }.sorted {
                ($1.all, $0.sequence.parent, $0.sequence.piece)
                    < ($0.all, $1.sequence.parent, $1.sequence.piece)
            }
            beam = kept.prefix(width).map { sequence, candidate, _ in
                if let place = places[sequence] { return (place, candidate) }
                sequences.append(sequence)
                places[sequence] = sequences.count - 1
                if let language { states.append(language.state(states[sequence.parent], sequence.piece)) }
                return (sequences.count - 1, candidate)
            }
        }
        return beam.map { place, candidate in
            var pieces: [Int] = []
            var place = place
            while place > 0 {
                pieces.append(sequences[place].piece)
                place = sequences[place].parent
            }
            return (pieces.reversed(), candidate.all + candidate.added)
        }
    }

    /// The pieces that a row is thought to be: of those that are likely enough, twice as many as sequences are followed.
    private func likeliest(_ logs: [Double]) -> [Int] {
        let likely = logs.indices.filter { $0 != blank && logs[$0] >= Self.leastLogProbability }
        guard likely.count > 2 * width else { return likely }
        return Array(likely.sorted { (logs[$1], $0) < (logs[$0], $1) }.prefix(2 * width))
    }

    static func logProbabilities(_ row: UnsafeMutableBufferPointer<Float>) -> [Double] {
        let most = Double(row.max() ?? 0)
        let sum = row.reduce(0.0) { $0 + exp(Double($1) - most) }
        let total = most + log(sum)
        return row.map { Double($0) - total }
    }
}
