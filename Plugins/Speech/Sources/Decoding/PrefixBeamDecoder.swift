import GatehouseNumerics
import Glibc

/// The likeliest sequences of pieces, each with the probability of all its alignments: Hannun et al., "First-pass large
/// vocabulary continuous speech recognition using bi-directional recurrent DNNs" (2014), without a language model.
public struct PrefixBeamDecoder: Sendable {
    /// Logarithm of the probability that a piece needs for a row to be thought of: what is below changes no result that a
    /// person could see.
    private static let leastLogProbability = -14.0

    private let blank: Int
    private let width: Int

    /// - Parameter width: sequences that are followed.
    public init(blank: Int, width: Int) {
        precondition(width > 0, "a beam follows something")
        self.blank = blank
        self.width = width
    }

    private struct Candidate {
        /// Logarithms of the probabilities of its alignments that end in a blank, and in its last piece.
        var blank = -Double.infinity
        var piece = -Double.infinity

        var all: Double { logSum(blank, piece) }
    }

    /// A sequence, as the one that it extends and a piece.
    private struct Node: Hashable {
        let parent: Int
        let piece: Int
    }

    /// The likeliest sequences with the logarithms of their probabilities, the likeliest first.
    public func decode(_ scores: Matrix) -> [(pieces: [Int], logProbability: Double)] {
        // Node 0 is the empty sequence.
        var nodes = [Node(parent: -1, piece: -1)]
        var places: [Node: Int] = [:]
        func extended(_ node: Int, _ piece: Int) -> Int {
            let key = Node(parent: node, piece: piece)
            if let place = places[key] { return place }
            nodes.append(key)
            places[key] = nodes.count - 1
            return nodes.count - 1
        }
        var beam: [(node: Int, candidate: Candidate)] = [(0, Candidate(blank: 0))]
        for index in 0..<scores.rows {
            let logs = Self.logProbabilities(scores.row(index))
            let likely = logs.indices.filter { $0 != blank && logs[$0] >= Self.leastLogProbability }
            var next: [Int: Candidate] = [:]
            for (node, candidate) in beam {
                let all = candidate.all
                let last = nodes[node].piece
                var same = next[node] ?? Candidate()
                same.blank = logSum(same.blank, all + logs[blank])
                if last >= 0 { same.piece = logSum(same.piece, candidate.piece + logs[last]) }
                next[node] = same
                for piece in likely {
                    // The same piece twice needs a blank between.
                    let before = piece == last ? candidate.blank : all
                    guard before > -.infinity else { continue }
                    let other = extended(node, piece)
                    next[other, default: Candidate()].piece = logSum(
                        next[other]?.piece ?? -.infinity, before + logs[piece])
                }
            }
            // Nodes are numbered in the order in which they came, which settles ties.
            beam = next.map { (node: $0.key, candidate: $0.value, all: $0.value.all) }
                .sorted { ($1.all, $0.node) < ($0.all, $1.node) }
                .prefix(width).map { ($0.node, $0.candidate) }
        }
        return beam.map { node, candidate in
            var pieces: [Int] = []
            var node = node
            while node > 0 {
                pieces.append(nodes[node].piece)
                node = nodes[node].parent
            }
            return (pieces.reversed(), candidate.all)
        }
    }

    static func logProbabilities(_ row: UnsafeMutableBufferPointer<Float>) -> [Double] {
        let most = Double(row.max() ?? 0)
        let sum = row.reduce(0.0) { $0 + exp(Double($1) - most) }
        let total = most + log(sum)
        return row.map { Double($0) - total }
    }
}
