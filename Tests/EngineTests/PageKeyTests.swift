import Engine
import Fusion
import Testing

/// A page's key tells all that determines its bits.
@Suite struct PageKeyTests {
    private func chain(_ tokens: some Sequence<Int32>, salt: UInt64 = 0) -> PageKeyChain {
        var chain = PageKeyChain(salt: salt)
        for token in tokens { chain.append(token: token) }
        return chain
    }

    /// Keys of ten tokens, the rows of `segment`, and tokens up to 128 rows.
    private func keys(_ segment: Segment) -> [PageKey] {
        var chain = chain(0..<10)
        for row in 0..<segment.count { chain.append(row: row, of: segment) }
        for token in 0..<Int32(118 - segment.count) { chain.append(token: token) }
        return chain.keys
    }

    private func segment(
        count: Int = 4, weight: Float = 1, grid: Grid? = nil, positions: [GridPosition] = [],
        digest: String = "a"
    ) -> Segment {
        Segment(
            rows: Array(repeating: 0, count: count), width: 1, weight: weight, grid: grid,
            positions: positions, digest: digest)
    }

    @Test func aKeyComesWithEveryFullPage() {
        for (count, pages) in [(0, 0), (63, 0), (64, 1), (127, 1), (128, 2), (200, 3)] {
            #expect(chain(0..<Int32(count)).keys.count == pages)
        }
    }

    @Test func equalRowsHaveEqualKeysHoweverTheyCame() {
        let whole = chain(0..<200)
        var parts = chain(0..<100)
        for token in Int32(100)..<200 { parts.append(token: token) }
        #expect(parts.keys == whole.keys)
        #expect(Set(whole.keys).count == 3)
    }

    @Test func aKeyDependsOnEveryRowUpToItsPage() {
        let keys = chain(0..<192).keys
        for changed in [0, 63, 64, 191] {
            let others = chain((0..<192).map { $0 == changed ? 999 : $0 }).keys
            for page in 0..<3 { #expect((others[page] == keys[page]) == (page < changed / 64)) }
        }
        #expect(chain(0..<192, salt: 1).keys[0] != keys[0])
    }

    @Test func aKeyDependsOnAllThatMakesASegment() {
        let places = (0..<4).map { GridPosition(t: 0, h: $0 / 2, w: $0 % 2) }
        let turned = (0..<4).map { GridPosition(t: 0, h: $0 % 2, w: $0 / 2) }
        let segments = [
            segment(), segment(count: 5), segment(digest: "b"), segment(weight: 0.5),
            segment(weight: Float(0.5).nextUp),
            segment(grid: Grid(t: 1, h: 2, w: 2), positions: places),
            segment(grid: Grid(t: 1, h: 2, w: 3), positions: places),
            segment(grid: Grid(t: 1, h: 2, w: 2), positions: turned),
        ]
        #expect(Set(segments.map { keys($0)[0] }).count == segments.count)
        #expect(Set(segments.map { keys($0)[1] }).count == segments.count)
        for segment in segments { #expect(keys(segment) == keys(segment)) }
    }

    @Test func rowsOfASegmentAreNotTokensNorEachOther() {
        var rows = chain(0..<63)
        rows.append(row: 0, of: segment())
        var others = chain(0..<63)
        others.append(row: 1, of: segment())
        #expect(Set([rows.keys[0], others.keys[0], chain(0..<64).keys[0]]).count == 3)
    }

    @Test func fromASegmentWithoutDigestOnNothingHasAName() {
        #expect(keys(segment(digest: "")).isEmpty)
        var late = chain(0..<100)
        late.append(row: 0, of: segment(digest: ""))
        for token in Int32(0)..<200 { late.append(token: token) }
        #expect(late.keys == chain(0..<64).keys)
    }
}
