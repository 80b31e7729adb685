import Decoder
import Fusion

extension DecoderModel {
    /// Logits of every position of `prompt`, computed alone and in chunks, on the calling thread.
    ///
    /// - Parameter receive: Called for each chunk in order with row-major logits `[count, vocabulary]`, valid during
    ///   the call, so that a long text need not fit in memory.
    /// - Throws: ``EngineError`` or ``DecoderError``, or what `receive` throws.
    public func logits(
        _ prompt: Prompt, chunk: Int = 64, receive: (UnsafeBufferPointer<Float>) throws -> Void
    ) throws {
        precondition(chunk > 0)
        guard prompt.count <= contextLength else {
            throw EngineError.contextExceeded(promptTokens: prompt.count, context: contextLength)
        }
        let rows = try PromptRows(prompt, for: self)
        let pool = try KVPool(self, pages: KVPool.pages(for: rows.count))
        let pages = Array(0..<UInt32(pool.pageCount))
        var logits: [Float] = []
        for start in stride(from: 0, to: rows.count, by: chunk) {
            let range = start..<min(start + chunk, rows.count)
            try step(
                [rows.sequence(range, pages: pages, tokens: Array(rows.tokens[range]), logits: range.count)],
                pool: pool, logits: &logits)
            try logits.withUnsafeBufferPointer {
                try receive(UnsafeBufferPointer(rebasing: $0[..<(range.count * vocabulary)]))
            }
        }
    }

    /// Logits of every position of `tokens`; see above.
    public func logits(
        _ tokens: [Int32], chunk: Int = 64, receive: (UnsafeBufferPointer<Float>) throws -> Void
    ) throws {
        try logits(Prompt([.tokens(tokens)]), chunk: chunk, receive: receive)
    }

    /// Logits of every position of `tokens`, row-major `[tokens, vocabulary]`.
    public func logits(_ tokens: [Int32]) throws -> [Float] {
        var all: [Float] = []
        all.reserveCapacity(tokens.count * vocabulary)
        try logits(tokens) { all += $0 }
        return all
    }
}
