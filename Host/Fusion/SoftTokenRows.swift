import PluginHost

extension Fusion {
    /// Soft tokens as rows in the decoder's space: decision 4 of the design.
    ///
    /// A slot yields as many rows as its longest piece has tokens, each piece tokenised alone and with special tokens off.
    /// Row j is Σ pᵢ·E(token j of piece i) over the pieces that are so long, divided by their mass Σ pᵢ. Pieces without
    /// weight or tokens add nothing.
    ///
    /// - Parameter digest: What determines the soft tokens; see ``Segment/digest``.
    func segment(_ soft: SoftTokens, digest: String) throws -> Segment {
        let hidden = model.decoder.hidden
        var rows: [Float] = []
        for slot in soft.slots {
            let pieces = try slot.filter { $0.weight > 0 }.map { piece in
                let tokens = try model.tokenizer.encode(piece.text, special: .asText)
                return (embeddings: try model.decoder.embed(tokens), weight: Double(piece.weight))
            }
            let longest = pieces.map(\.embeddings.count).max() ?? 0
            for start in stride(from: 0, to: longest, by: hidden) {
                let long = pieces.filter { $0.embeddings.count > start }
                let mass = long.reduce(0) { $0 + $1.weight }
                for column in start..<start + hidden {
                    // In float64, so that a piece alone gives its embedding to the bit, whatever it weighs.
                    let sum = long.reduce(0) { $0 + $1.weight * Double($1.embeddings[column]) }
                    rows.append(Float(sum / mass))
                }
            }
        }
        return Segment(rows: rows, width: hidden, digest: digest)
    }
}
