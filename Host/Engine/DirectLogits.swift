import Decoder

extension DecoderModel {
    /// Logits of every position of `tokens`, computed alone and in chunks, on the calling thread.
    ///
    /// - Parameter receive: Called for each chunk in order with row-major logits `[count, vocabulary]`, valid during
    ///   the call, so that a long text need not fit in memory.
    /// - Throws: ``EngineError`` or ``DecoderError``, or what `receive` throws.
    public func logits(
        _ tokens: [Int32], chunk: Int = 64, receive: (UnsafeBufferPointer<Float>) throws -> Void
    ) throws {
        precondition(chunk > 0)
        guard !tokens.isEmpty else { throw EngineError.emptyPrompt }
        guard tokens.count <= contextLength else {
            throw EngineError.contextExceeded(promptTokens: tokens.count, context: contextLength)
        }
        try check(tokens)
        let pool = try KVPool(self, pages: KVPool.pages(for: tokens.count))
        let pages = Array(0..<UInt32(pool.pageCount))
        var logits: [Float] = []
        for start in stride(from: 0, to: tokens.count, by: chunk) {
            let rows = Array(tokens[start..<min(start + chunk, tokens.count)])
            try step(
                [SequenceRows(pages: pages, length: start, tokens: rows, logits: rows.count)], pool: pool,
                logits: &logits)
            try logits.withUnsafeBufferPointer {
                try receive(UnsafeBufferPointer(rebasing: $0[..<(rows.count * vocabulary)]))
            }
        }
    }

    /// Logits of every position of `tokens`, row-major `[tokens, vocabulary]`.
    public func logits(_ tokens: [Int32]) throws -> [Float] {
        var all: [Float] = []
        all.reserveCapacity(tokens.count * vocabulary)
        try logits(tokens) { all += $0 }
        return all
    }
}
