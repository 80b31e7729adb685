import Decoder
import Foundation
import Reference
import Weights

extension DecoderModel {
    /// Logits of every row of a prompt in the reference engine's words, `[rows, vocabulary]`.
    /// - Parameter chunk: Rows of one step.
    public func logits(_ prompt: ReferencePrompt, chunk: Int = .max) throws -> [[Float]] {
        let count = prompt.rows.count
        let pool = try KVPool(self, pages: KVPool.pages(for: count))
        // Not in their own order, so that a table that is not read shows.
        let pages = Array((0..<UInt32(pool.pageCount)).reversed())
        let gates = prompt.gates.map { GatedSpan(rows: $0.segment, logWeight: Float(log($0.weight))) }
        var result: [[Float]] = []
        var logits: [Float] = []
        var start = 0
        while start < count {
            let rows = start..<min(count, chunk < count ? start + chunk : count)
            try step(
                [
                    SequenceRows(
                        pages: pages, length: start, tokens: prompt.rows[rows].map(\.id),
                        embeddings: prompt.embeddings(rows, width: hidden),
                        positions: prompt.positions[rows].flatMap {
                            $0.prefix(positionAxes).map { Int32($0) }
                        },
                        gates: gates, logits: rows.count)
                ], pool: pool, logits: &logits)
            result += rows.indices.map {
                Array(logits[($0 - start) * vocabulary..<($0 - start + 1) * vocabulary])
            }
            start = rows.upperBound
        }
        return result
    }
}

extension ReferencePrompt {
    /// The rows given in place of tokens, `[rows, width]`; empty where there are none.
    fileprivate func embeddings(_ range: Range<Int>, width: Int) -> [Float] {
        guard rows[range].contains(where: { $0.id < 0 }) else { return [] }
        return rows[range].flatMap { row -> [Float] in
            guard case .embedding(let values) = row else { return .init(repeating: .nan, count: width) }
            return values
        }
    }
}

extension ReferencePrompt.Row {
    /// The token's id, or -1.
    fileprivate var id: Int32 {
        guard case .token(let id) = self else { return -1 }
        return Int32(id)
    }
}

extension CheckpointFixture {
    /// The decoder over the checkpoint's weights.
    public func decoder(_ format: Format, options: DecoderModel.Options) throws -> DecoderModel {
        try DecoderModel(ModelSource(path: path(format)), options: options)
    }
}
