/// Which pages hold what, by key, and in which order those that nobody holds were last used.
///
/// Knows nothing of who holds a page: ``PagePool`` tells it.
struct PrefixCache {
    private var pages: [PageKey: UInt32] = [:]
    /// By page; nil where the page has no name.
    private var keys: [PageKey?]
    /// Pages with a name that nobody holds, a list linked both ways, the longest unused first. By page, and the list's
    /// ends at index `pageCount`.
    private var following: [UInt32]
    private var preceding: [UInt32]
    private(set) var idleCount = 0

    private var ends: UInt32 { UInt32(keys.count) }

    init(pageCount: Int) {
        keys = Array(repeating: nil, count: pageCount)
        following = Array(0...UInt32(pageCount))
        preceding = following
    }

    func page(_ key: PageKey) -> UInt32? { pages[key] }

    func hasName(_ page: UInt32) -> Bool { keys[Int(page)] != nil }

    /// Names a page, unless another has the name already.
    mutating func name(_ page: UInt32, _ key: PageKey) {
        guard pages[key] == nil, keys[Int(page)] == nil else { return }
        pages[key] = page
        keys[Int(page)] = key
    }

    /// Takes the name from a page that is not idle.
    mutating func forget(_ page: UInt32) {
        if let key = keys[Int(page)] { pages[key] = nil }
        keys[Int(page)] = nil
    }

    /// A named page is held by nobody from now on.
    mutating func setIdle(_ page: UInt32) {
        let last = preceding[Int(ends)]
        following[Int(last)] = page
        preceding[Int(page)] = last
        following[Int(page)] = ends
        preceding[Int(ends)] = page
        idleCount += 1
    }

    /// Somebody holds the page again.
    mutating func setUsed(_ page: UInt32) {
        let (before, after) = (preceding[Int(page)], following[Int(page)])
        following[Int(before)] = after
        preceding[Int(after)] = before
        idleCount -= 1
    }

    /// Gives up the page that was idle longest, with its name.
    mutating func evict() -> UInt32? {
        let page = following[Int(ends)]
        guard page != ends else { return nil }
        setUsed(page)
        forget(page)
        return page
    }
}
