/// One of the equal parts that a decoder's weights are cut in for tensor parallelism: some of the heads, some of the
/// feed-forward width, some rows of the output. A whole decoder is part 0 of 1.
struct Shard: Sendable, Equatable {
    var index: Int
    /// At least 1.
    var count: Int

    static let whole = Shard(index: 0, count: 1)

    /// This part's share of `total` things that `count` divides.
    func range(of total: Int) -> Range<Int> {
        total / count * index..<total / count * (index + 1)
    }

    /// This part's rows of the output, whose number `count` need not divide.
    func rows(of total: Int) -> Range<Int> {
        total * index / count..<total * (index + 1) / count
    }

    /// Key and value heads that this part's query heads read. Where there are fewer of them than parts, parts share one.
    func keyValueHeads(of shape: DecoderShape) -> Range<Int> {
        guard shape.keyValueHeads < count else { return range(of: shape.keyValueHeads) }
        let head = index * shape.keyValueHeads / count
        return head..<head + 1
    }

    /// Throws unless the decoder can be cut in this many parts.
    func check(_ shape: DecoderShape, path: String) throws(DecoderError) {
        func refuse(_ what: String, _ found: Int) -> DecoderError {
            .unsupported(
                path: path, field: what, expected: "a number that \(count) parts can share", found: "\(found)"
            )
        }
        guard shape.heads.isMultiple(of: count) else { throw refuse("attention heads", shape.heads) }
        guard shape.feedForward.isMultiple(of: count) else {
            throw refuse("feed-forward width", shape.feedForward)
        }
        guard shape.keyValueHeads.isMultiple(of: count) || count.isMultiple(of: shape.keyValueHeads) else {
            throw refuse("key and value heads", shape.keyValueHeads)
        }
    }
}
