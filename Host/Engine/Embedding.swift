import Decoder
import Fusion
import Foundation

extension DecoderModel {
    /// The meaning of a text as the decoder holds it: the mean over all positions of what its head reads, of length 1.
    /// Computed in chunks on the calling thread, between the steps of whoever else uses the model.
    ///
    /// - Parameter isCancelled: Asked before each chunk.
    /// - Returns: float32, `[hidden]`.
    /// - Throws: ``EngineError``, ``DecoderError``, `CancellationError`.
    public func embedding(
        _ tokens: [Int32], chunk: Int = 64, isCancelled: () -> Bool = { false }
    ) throws -> [Float] {
        precondition(chunk > 0)
        guard tokens.count <= contextLength else {
            throw EngineError.contextExceeded(promptTokens: tokens.count, context: contextLength)
        }
        let rows = try PromptRows(Prompt([.tokens(tokens)]), for: self)
        let pool = try KVPool(self, pages: KVPool.pages(for: rows.count))
        let pages = Array(0..<UInt32(pool.pageCount))
        var sum = [Double](repeating: 0, count: hidden)
        for start in stride(from: 0, to: rows.count, by: chunk) {
            if isCancelled() { throw CancellationError() }
            let range = start..<min(start + chunk, rows.count)
            let states = try states(
                [rows.sequence(range, pages: pages, tokens: Array(rows.tokens[range]), logits: range.count)],
                pool: pool)
            for row in 0..<range.count {
                for index in 0..<hidden { sum[index] += Double(states[row * hidden + index]) }
            }
        }
        let length = sum.reduce(0) { $0 + $1 * $1 }.squareRoot()
        guard length.isFinite else { throw EngineError.notFinite(position: rows.count - 1) }
        return sum.map { Float(length > 0 ? $0 / length : 0) }
    }
}
