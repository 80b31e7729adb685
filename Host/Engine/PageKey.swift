import Decoder
import Digest
import Fusion

/// Names a full page of keys and values by all that determines its bits: SHA-256 over the name of the page before it
/// and over its rows. Equal keys mean equal pages, however they were computed.
package struct PageKey: Hashable, Sendable {
    private let words: SIMD4<UInt64>

    fileprivate init(_ digest: [UInt8]) {
        var words = SIMD4<UInt64>.zero
        for (index, byte) in digest.enumerated() { words[index / 8] |= UInt64(byte) << (index % 8 * 8) }
        self.words = words
    }

    /// The words are as good as random already.
    package func hash(into hasher: inout Hasher) {
        hasher.combine(words[0])
    }

    fileprivate var bytes: [UInt8] {
        (0..<32).map { UInt8(truncatingIfNeeded: words[$0 / 8] >> ($0 % 8 * 8)) }
    }
}

/// The keys of a sequence's full pages, which grow with its rows. A value.
package struct PageKeyChain: Sendable {
    /// One for each full page that has a name, from the start of the sequence.
    package private(set) var keys: [PageKey] = []
    /// Rows of the page that is not yet full.
    private var page: [UInt8] = []
    private var pageRows = 0
    /// Whether a row came that nothing names; then no later page has a name.
    private var hasEnded = false

    /// - Parameter salt: Sequences of different salts share no page.
    package init(salt: UInt64 = 0) {
        put(salt)
    }

    package mutating func append(token: Int32) {
        guard !hasEnded else { return }
        page.append(0)
        put(UInt32(bitPattern: token))
        endRow()
    }

    /// Appends a row of a segment: its content, its place in it, its weight and where it lies.
    package mutating func append(row: Int, of segment: Segment) {
        guard !hasEnded, !segment.digest.isEmpty else {
            hasEnded = true
            return
        }
        page.append(1)
        put(UInt32(segment.digest.utf8.count))
        page += segment.digest.utf8
        put(UInt64(row))
        put(segment.weight.bitPattern)
        let grid = segment.grid ?? Grid(t: 0, h: 0, w: 0)
        let place = segment.grid == nil ? GridPosition(t: 0, h: 0, w: 0) : segment.positions[row]
        for number in [grid.t, grid.h, grid.w, place.t, place.h, place.w] { put(UInt32(bitPattern: number)) }
        endRow()
    }

    private mutating func endRow() {
        pageRows += 1
        guard pageRows == KVPool.pageTokens else { return }
        var hash = SHA256()
        hash.update(page)
        let key = PageKey(hash.finishBytes())
        keys.append(key)
        page = key.bytes
        pageRows = 0
    }

    private mutating func put(_ number: some FixedWidthInteger) {
        withUnsafeBytes(of: number.littleEndian) { page += $0 }
    }
}
