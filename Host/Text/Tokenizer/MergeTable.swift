/// The merges of a byte-pair encoding: what two neighbouring tokens become, and how urgent that is.
///
/// A hash table with open addressing: it is asked some four times for each byte of text. Its hash is another in each
/// table, so that no file can be made to collide.
struct MergeTable: Sendable {
    struct Merge: Sendable {
        /// Lower is merged first.
        var rank: UInt32
        var result: TokenID
    }

    private var keys: [UInt64]
    private var merges: [Merge]
    private let mask: Int
    private let shift: UInt64
    private let multiplier = UInt64.random(in: .min ... .max) | 1

    // No pair has it: ids are not negative.
    private static let empty = UInt64.max

    /// - Parameter capacity: Merges that will be inserted at most.
    init(capacity: Int) {
        var bits: UInt64 = 4
        while (1 << bits) < capacity * 2 { bits += 1 }
        mask = (1 << bits) - 1
        shift = 64 - bits
        keys = Array(repeating: Self.empty, count: 1 << bits)
        merges = Array(repeating: Merge(rank: 0, result: 0), count: 1 << bits)
    }

    private func slot(of key: UInt64) -> Int {
        var slot = Int((key &* multiplier) >> shift)
        while keys[slot] != key && keys[slot] != Self.empty { slot = (slot + 1) & mask }
        return slot
    }

    private static func key(_ left: TokenID, _ right: TokenID) -> UInt64 {
        UInt64(UInt32(bitPattern: left)) << 32 | UInt64(UInt32(bitPattern: right))
    }

    /// Adds a merge.
    ///
    /// - Parameter replaces: Whether it takes the place of one of the same pair.
    mutating func insert(_ left: TokenID, _ right: TokenID, _ merge: Merge, replaces: Bool) {
        let key = Self.key(left, right)
        let slot = slot(of: key)
        guard replaces || keys[slot] == Self.empty else { return }
        keys[slot] = key
        merges[slot] = merge
    }

    subscript(left: TokenID, right: TokenID) -> Merge? {
        let slot = slot(of: Self.key(left, right))
        return keys[slot] == Self.empty ? nil : merges[slot]
    }
}

/// Merges the tokens of one word after another. Holds scratch memory only; one thread at a time.
///
/// Neighbours are merged in the order of (rank, place), from a heap: n log n for a word of n bytes.
struct WordMerger {
    private var ids: [TokenID] = []
    // The living neighbours of each place; -1 at the ends.
    private var before: [Int32] = []
    private var after: [Int32] = []
    // (rank, place of the left token), the rank in the upper half. Entries go stale and are then skipped.
    private var heap: [UInt64] = []

    /// Appends to `output` what `word`, one token a byte, becomes.
    mutating func merge(
        _ word: some Collection<TokenID>, with table: MergeTable, into output: inout [TokenID]
    ) {
        ids.removeAll(keepingCapacity: true)
        ids.append(contentsOf: word)
        if ids.count < 2 {
            output.append(contentsOf: ids)
            return
        }
        before.removeAll(keepingCapacity: true)
        after.removeAll(keepingCapacity: true)
        heap.removeAll(keepingCapacity: true)
        for place in 0..<Int32(ids.count) {
            before.append(place - 1)
            after.append(place + 1)
        }
        after[ids.count - 1] = -1
        for place in 0..<Int32(ids.count - 1) { push(place, table) }

        while let (rank, place) = pop() {
            let left = Int(place)
            guard ids[left] >= 0, after[left] >= 0 else { continue }
            let right = Int(after[left])
            guard let merge = table[ids[left], ids[right]], merge.rank == rank else { continue }
            ids[left] = merge.result
            ids[right] = -1
            after[left] = after[right]
            if after[left] >= 0 {
                before[Int(after[left])] = place
                push(place, table)
            }
            if before[left] >= 0 { push(before[left], table) }
        }
        for id in ids where id >= 0 { output.append(id) }
    }

    private mutating func push(_ place: Int32, _ table: MergeTable) {
        guard let merge = table[ids[Int(place)], ids[Int(after[Int(place)])]] else { return }
        var index = heap.count
        let entry = UInt64(merge.rank) << 32 | UInt64(place)
        heap.append(entry)
        while index > 0 {
            let parent = (index - 1) / 2
            if heap[parent] <= entry { break }
            heap[index] = heap[parent]
            index = parent
        }
        heap[index] = entry
    }

    private mutating func pop() -> (rank: UInt32, place: Int32)? {
        guard let top = heap.first, let last = heap.popLast() else { return nil }
        if !heap.isEmpty {
            var index = 0
            while true {
                var child = 2 * index + 1
                if child >= heap.count { break }
                if child + 1 < heap.count, heap[child + 1] < heap[child] { child += 1 }
                if heap[child] >= last { break }
                heap[index] = heap[child]
                index = child
            }
            heap[index] = last
        }
        return (UInt32(top >> 32), Int32(truncatingIfNeeded: top))
    }
}
