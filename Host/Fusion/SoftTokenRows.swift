import PluginHost

extension Fusion {
    /// Soft tokens as rows in the decoder's space: decision 4 of the design.
    ///
    /// A slot yields as many rows as its longest piece has tokens, each piece tokenised alone and with special tokens off.
    /// Row j is Σ pᵢ·E(token j of piece i) over the pieces that are so long, divided by their mass Σ pᵢ. Pieces without
    /// weight or tokens add nothing.
    ///
    /// - Parameter digest: What determines the soft tokens; see ``Segment/digest``.
    /// - Throws: ``FusionError`` where they take more rows than the context has.
    func segment(_ soft: SoftTokens, digest: String) throws -> Segment {
        var tokens: [Int32] = []
        /// Of each token the row that it is part of, and its weight there.
        var shares: [(row: Int, weight: Double)] = []
        var masses: [Double] = []
        for slot in soft.slots {
            let first = masses.count
            for piece in slot where piece.weight > 0 {
                let ids = try model.tokenizer.encode(piece.text, special: .asText)
                for (index, id) in ids.enumerated() {
                    if first + index == masses.count { masses.append(0) }
                    masses[first + index] += Double(piece.weight)
                    tokens.append(id)
                    shares.append((first + index, Double(piece.weight)))
                }
            }
            try checkFits(masses.count)
        }
        let hidden = model.decoder.hidden
        // In float64, so that a piece alone gives its embedding to the bit, whatever it weighs.
        var sums = [Double](repeating: 0, count: masses.count * hidden)
        var number = 0
        try embed(tokens) { embedding in
            let (row, weight) = shares[number]
            number += 1
            for column in 0..<hidden { sums[row * hidden + column] += weight * Double(embedding[column]) }
        }
        let rows = sums.indices.map { Float(sums[$0] / masses[$0 / hidden]) }
        return Segment(rows: rows, width: hidden, digest: digest)
    }

    /// Calls `receive` with the embedding row of each token in turn. Few calls of the decoder, each of which may wait for a
    /// step, and little memory, however many tokens there are.
    func embed(_ tokens: [Int32], _ receive: (UnsafeBufferPointer<Float>) -> Void) throws {
        let (hidden, most) = (model.decoder.hidden, 2048)
        for start in stride(from: 0, to: tokens.count, by: most) {
            let rows = try model.decoder.embed(Array(tokens[start..<min(start + most, tokens.count)]))
            rows.withUnsafeBufferPointer { rows in
                for row in stride(from: 0, to: rows.count, by: hidden) {
                    receive(UnsafeBufferPointer(rebasing: rows[row..<row + hidden]))
                }
            }
        }
    }
}
