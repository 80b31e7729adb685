import Decoder

/// What the scheduler knows of a request: how many rows it has and where they lie. A value without tokens or tensors.
package struct SequenceState {
    package let id: Scheduler.RequestID
    /// Whose request it is.
    package let client: String
    /// Rows that are known: the prompt's and the tokens written.
    package private(set) var rows: Int
    /// Rows that it may have in the end.
    package let mostRows: Int
    /// Rows that `pages` hold, in their order.
    package private(set) var length = 0
    package private(set) var pages: [UInt32] = []
    /// Whether it has given a token.
    package private(set) var isWriting = false
    private var chain: PageKeyChain
    /// Rows that its client has been charged for.
    private var charged = 0

    /// - Parameter chain: That of the prompt's rows.
    package init(id: Scheduler.RequestID, client: String, rows: Int, mostRows: Int, chain: PageKeyChain) {
        precondition(rows > 0 && mostRows >= rows, "a prompt has rows, and the answer adds to them")
        self.id = id
        self.client = client
        self.rows = rows
        self.mostRows = mostRows
        self.chain = chain
    }

    /// Rows yet to be computed.
    var pending: Int { rows - length }
    /// Whether all that is left of the rows known is the token written last.
    var isDecoding: Bool { isWriting && pending == 1 }
    /// Pages that hold the rows known and one more.
    var pagesSoon: Int { KVPool.pages(for: min(rows + 1, mostRows)) }
    /// Whether it may come to need more pages than that.
    var growsFurther: Bool { KVPool.pages(for: mostRows) > pagesSoon }
    /// Rows for which `pages` have room.
    var room: Int { pages.count * KVPool.pageTokens - length }

    /// The key of the page that follows where all rows so far fill whole pages.
    var nextKey: PageKey? {
        length == pages.count * KVPool.pageTokens ? key(after: pages.count) : nil
    }

    /// Pages that it could share with sequences that hold them now.
    func heldPageCount(in pool: PagePool) -> Int {
        var (count, held) = (0, 0)
        while let key = key(after: count), let page = pool.find(key) {
            count += 1
            if pool.holderCount(of: page) > 0 { held += 1 }
        }
        return held
    }

    /// The key of the page after `count` pages, if it may come from elsewhere: at least one row is left to compute, for
    /// the logits.
    private func key(after count: Int) -> PageKey? {
        guard count < chain.keys.count, (count + 1) * KVPool.pageTokens < rows else { return nil }
        return chain.keys[count]
    }

    /// Keys of the pages that are full once `count` more rows are computed, and are not yet.
    func keysFilled(by count: Int) -> ArraySlice<PageKey> {
        let first = length / KVPool.pageTokens
        let end = min((length + count) / KVPool.pageTokens, chain.keys.count)
        return chain.keys[first..<max(first, end)]
    }

    /// Takes pages that others filled, as far as they follow what is computed.
    mutating func adopt(from pool: inout PagePool) {
        while let key = nextKey, let page = pool.hold(key) {
            pages.append(page)
            length += KVPool.pageTokens
        }
    }

    /// Grows to room for `count` more rows, or as far as the pool gives pages.
    mutating func grow(by count: Int, from pool: inout PagePool) {
        while room < count, let page = pool.take() { pages.append(page) }
    }

    /// The rows, of `count` more, that were not computed before.
    mutating func charge(for count: Int) -> Int {
        let new = max(0, length + count - max(charged, length))
        charged = max(charged, length + count)
        return new
    }

    /// `count` more rows are in the pages, after which the tokens `written` are known.
    mutating func advance(by count: Int, written: [Int32], pool: inout PagePool) {
        for token in written { chain.append(token: token) }
        rows += written.count
        if !written.isEmpty { isWriting = true }
        let first = length / KVPool.pageTokens
        for (offset, key) in keysFilled(by: count).enumerated() { pool.name(pages[first + offset], key) }
        length += count
    }

    /// Gives its pages back; its rows are computed again later.
    mutating func release(to pool: inout PagePool) {
        for page in pages.reversed() { pool.release(page) }
        pages = []
        length = 0
    }
}
