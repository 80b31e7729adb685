/// Who holds the pages of a pool. A page is free, held by one sequence or several, or kept: named, held by nobody, and
/// there for the next sequence that begins alike until the memory is needed. A value.
package struct PagePool {
    package let pageCount: Int
    /// Whether named pages are kept once nobody holds them.
    private let keepsPages: Bool
    private var free: [UInt32]
    /// Sequences that hold each page.
    private var holders: [Int]
    private var cache: PrefixCache

    package init(pageCount: Int, keepsPages: Bool) {
        self.pageCount = pageCount
        self.keepsPages = keepsPages
        free = (0..<UInt32(pageCount)).reversed()
        holders = Array(repeating: 0, count: pageCount)
        cache = PrefixCache(pageCount: pageCount)
    }

    /// Pages that ``take()`` can give: free ones and kept ones.
    package var availableCount: Int { free.count + cache.idleCount }
    package var keptCount: Int { cache.idleCount }

    package func holderCount(of page: UInt32) -> Int { holders[Int(page)] }

    /// A page for new rows, held once: a free one, else the one kept longest.
    package mutating func take() -> UInt32? {
        guard let page = free.popLast() ?? cache.evict() else { return nil }
        holders[Int(page)] = 1
        return page
    }

    /// The page of that name, where there is one, without holding it.
    package func find(_ key: PageKey) -> UInt32? { cache.page(key) }

    /// Holds the page of that name once more, where there is one.
    package mutating func hold(_ key: PageKey) -> UInt32? {
        guard let page = cache.page(key) else { return nil }
        if holders[Int(page)] == 0 { cache.setUsed(page) }
        holders[Int(page)] += 1
        return page
    }

    /// Lets go of a page. Of a sequence's pages the last goes first, so that it is the first to be given up.
    package mutating func release(_ page: UInt32) {
        holders[Int(page)] -= 1
        guard holders[Int(page)] == 0 else { return }
        if keepsPages, cache.hasName(page) {
            cache.setIdle(page)
        } else {
            cache.forget(page)
            free.append(page)
        }
    }

    /// Names a page that is held and full, so that others find it.
    package mutating func name(_ page: UInt32, _ key: PageKey) {
        cache.name(page, key)
    }

    /// Forgets every name, as after a failure that leaves no page to be relied on.
    package mutating func forgetNames() {
        while let page = cache.evict() { free.append(page) }
        for page in 0..<UInt32(pageCount) { cache.forget(page) }
    }
}
