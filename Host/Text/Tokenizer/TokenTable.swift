import Foundation

/// The numbers of tokens by their spelling. Spellings lie one after the other in one block of memory.
struct TokenTable: Sendable {
    private var text: [UInt8] = []
    // Where each entry's spelling ends in `text`; it begins where the one before ends.
    private var ends: [Int] = []
    private var ids: [TokenID] = []
    // Places of entries, by hash; -1 where there is none.
    private var slots: [Int32]
    private let mask: Int

    /// - Parameter capacity: Entries that will be inserted at most.
    init(capacity: Int) {
        var bits = 4
        while (1 << bits) < capacity * 2 { bits += 1 }
        mask = (1 << bits) - 1
        slots = Array(repeating: -1, count: 1 << bits)
        ends.reserveCapacity(capacity)
        ids.reserveCapacity(capacity)
        text.reserveCapacity(capacity * 8)
    }

    /// Adds a token, unless its spelling is there already: then the number it has is returned.
    @discardableResult
    mutating func insert(_ spelling: String, id: TokenID) -> TokenID? {
        var spelling = spelling
        return spelling.withUTF8 { insert($0, id: id) }
    }

    private mutating func insert(_ spelling: UnsafeBufferPointer<UInt8>, id: TokenID) -> TokenID? {
        let slot = slot(of: spelling)
        guard slots[slot] < 0 else { return ids[Int(slots[slot])] }
        slots[slot] = Int32(ids.count)
        text.append(contentsOf: spelling)
        ends.append(text.count)
        ids.append(id)
        return nil
    }

    func id(of spelling: UnsafeBufferPointer<UInt8>) -> TokenID? {
        let entry = slots[slot(of: spelling)]
        return entry < 0 ? nil : ids[Int(entry)]
    }

    func id(of spelling: some Collection<UInt8>) -> TokenID? {
        let found = spelling.withContiguousStorageIfAvailable { id(of: $0) }
        return found ?? Array(spelling).withUnsafeBufferPointer { id(of: $0) }
    }

    // Swift's own hash, which is keyed anew in each process: no file can be made to collide.
    private func slot(of spelling: UnsafeBufferPointer<UInt8>) -> Int {
        var hasher = Hasher()
        hasher.combine(bytes: UnsafeRawBufferPointer(spelling))
        var slot = hasher.finalize() & mask
        text.withUnsafeBytes { text in
            while slots[slot] >= 0 {
                let entry = Int(slots[slot])
                let start = entry == 0 ? 0 : ends[entry - 1]
                if ends[entry] - start == spelling.count {
                    guard let known = text.baseAddress, let wanted = spelling.baseAddress else { return }
                    if memcmp(known + start, wanted, spelling.count) == 0 { return }
                }
                slot = (slot + 1) & mask
            }
        }
        return slot
    }
}
