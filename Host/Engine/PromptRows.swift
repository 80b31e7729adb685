import Decoder
import Foundation
import Fusion

/// A prompt laid out as the rows that a step takes: one token id each, -1 where the row is a segment's, with rotary
/// positions and what weighs less.
struct PromptRows: Sendable {
    let tokens: [Int32]
    /// Spans of segments that weigh less than 1, in rising order.
    let gates: [GatedSpan]
    /// Where segments stand, in rising order.
    private let segments: [(first: Int, segment: Segment)]
    private let hidden: Int
    private let positions: RotaryPositions

    /// - Throws: ``EngineError`` or ``DecoderError`` where a piece does not suit the model.
    init(_ prompt: Prompt, for model: DecoderModel) throws {
        var tokens: [Int32] = []
        var gates: [GatedSpan] = []
        var segments: [(first: Int, segment: Segment)] = []
        var positions = RotaryPositions(axes: model.positionAxes)
        for piece in prompt.pieces {
            switch piece {
            case .tokens(let ids):
                try model.check(ids)
                tokens += ids
                positions.append(rows: ids.count)
            case .segment(let segment):
                try Self.check(segment, hidden: model.hidden)
                if segment.weight < 1, segment.count > 0 {
                    // An α so small that its logarithm is not finite is as good as the least normal number.
                    let weight = max(segment.weight, .leastNormalMagnitude)
                    gates.append(
                        GatedSpan(rows: tokens.count..<tokens.count + segment.count, logWeight: log(weight)))
                }
                segments.append((tokens.count, segment))
                tokens += repeatElement(-1, count: segment.count)
                positions.append(segment)
            }
        }
        guard !tokens.isEmpty else { throw EngineError.emptyPrompt }
        self.tokens = tokens
        self.gates = gates
        self.segments = segments
        self.positions = positions
        hidden = model.hidden
    }

    private static func check(_ segment: Segment, hidden: Int) throws(EngineError) {
        guard segment.width == hidden else {
            throw .segmentWidth(expected: hidden, found: segment.width)
        }
        try expect(
            (0...1).contains(segment.weight), "weight of a segment", "a number from 0 to 1",
            "\(segment.weight)")
        guard segment.rows.allSatisfy(\.isFinite) else { throw .segmentNotFinite }
        guard let grid = segment.grid else { return }
        let most: Int32 = 1 << 20
        for (place, axis) in [(grid.t, "t"), (grid.h, "h"), (grid.w, "w")] where !(1...most).contains(place) {
            throw .segmentPosition("\(axis) extends over \(place), expected 1 to \(most)")
        }
        for (row, place) in segment.positions.enumerated() {
            let isInside =
                (0..<grid.t).contains(place.t) && (0..<grid.h).contains(place.h)
                && (0..<grid.w).contains(place.w)
            if !isInside {
                throw .segmentPosition(
                    "row \(row) lies at \(place.t), \(place.h), \(place.w), outside of \(grid.t), \(grid.h), \(grid.w)"
                )
            }
        }
    }

    var count: Int { tokens.count }

    /// The names of the prompt's pages.
    func keys(salt: UInt64) -> PageKeyChain {
        var chain = PageKeyChain(salt: salt)
        var row = 0
        for (first, segment) in segments {
            for token in tokens[row..<first] { chain.append(token: token) }
            for index in 0..<segment.count { chain.append(row: index, of: segment) }
            row = first + segment.count
        }
        for token in tokens[row...] { chain.append(token: token) }
        return chain
    }

    /// A range of rows, which may reach into the answer, in the form the model takes them.
    ///
    /// - Parameters:
    ///   - tokens: One id for each.
    ///   - logits: How many of the last hand back logits.
    func sequence(_ range: Range<Int>, pages: [UInt32], tokens: [Int32], logits: Int) -> SequenceRows {
        SequenceRows(
            pages: pages, length: range.lowerBound, tokens: tokens, embeddings: embeddings(range),
            positions: positions.of(range), gates: gates.filter { $0.rows.upperBound < range.upperBound },
            logits: logits)
    }

    /// Embeddings for a range of rows, `[range, hidden]`, zero where the row is a token's; empty where all are.
    private func embeddings(_ range: Range<Int>) -> [Float] {
        var rows: [Float] = []
        for (first, segment) in segments {
            let shared = range.clamped(to: first..<first + segment.count)
            guard !shared.isEmpty else { continue }
            if rows.isEmpty { rows = [Float](repeating: 0, count: range.count * hidden) }
            let source = (shared.lowerBound - first) * hidden..<(shared.upperBound - first) * hidden
            let target = (shared.lowerBound - range.lowerBound) * hidden
            rows.replaceSubrange(target..<target + source.count, with: segment.rows[source])
        }
        return rows
    }
}
