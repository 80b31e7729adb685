import Decoder
import Fusion

/// A prompt laid out as the rows that a step takes: one token id each, -1 where the row is a segment's.
///
/// The llama family has one axis of positions, on which the rows of a segment simply follow each other; a segment's
/// grid is for families with more.
struct PromptRows: Sendable {
    let tokens: [Int32]
    /// Where segments stand, in rising order.
    private let segments: [(first: Int, segment: Segment)]
    private let hidden: Int

    /// - Throws: ``EngineError`` or ``DecoderError`` where a piece does not suit the model.
    init(_ prompt: Prompt, for model: DecoderModel) throws {
        var tokens: [Int32] = []
        var segments: [(first: Int, segment: Segment)] = []
        for piece in prompt.pieces {
            switch piece {
            case .tokens(let ids):
                try model.check(ids)
                tokens += ids
            case .segment(let segment):
                guard segment.width == model.hidden else {
                    throw EngineError.segmentWidth(expected: model.hidden, found: segment.width)
                }
                guard segment.weight == 1 else { throw EngineError.segmentWeight(segment.weight) }
                guard segment.rows.allSatisfy(\.isFinite) else { throw EngineError.segmentNotFinite }
                segments.append((tokens.count, segment))
                tokens += repeatElement(-1, count: segment.count)
            }
        }
        guard !tokens.isEmpty else { throw EngineError.emptyPrompt }
        self.tokens = tokens
        self.segments = segments
        hidden = model.hidden
    }

    var count: Int { tokens.count }

    /// Embeddings for a range of rows, `[range, hidden]`, zero where the row is a token's; empty where all are.
    func embeddings(_ range: Range<Int>) -> [Float] {
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
