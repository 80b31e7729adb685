import Engine
import Fusion
import Testing

/// The rule is that of `Glm4vModel.get_rope_index` in Hugging Face transformers; the numbers follow from it by hand.
@Suite struct RotaryPositionsTests {
    private func segment(_ grid: Grid?) -> Segment {
        guard let grid else { return Segment(rows: [0, 0, 0], width: 1, digest: "") }
        var places: [GridPosition] = []
        for t in 0..<grid.t {
            for h in 0..<grid.h { for w in 0..<grid.w { places.append(GridPosition(t: t, h: h, w: w)) } }
        }
        return Segment(
            rows: Array(repeating: 0, count: places.count), width: 1, grid: grid, positions: places,
            digest: "")
    }

    @Test func onOneAxisTheyCountByThemselves() {
        var positions = RotaryPositions(axes: 1)
        positions.append(rows: 5)
        positions.append(segment(Grid(t: 1, h: 2, w: 2)))
        #expect(positions.of(0..<20).isEmpty)
    }

    @Test func whatFollowsAGridStartsAfterItsGreatestPlace() {
        var positions = RotaryPositions(axes: 3)
        positions.append(rows: 3)
        positions.append(segment(Grid(t: 1, h: 2, w: 3)))
        positions.append(rows: 2)
        positions.append(segment(Grid(t: 4, h: 1, w: 2)))
        #expect(positions.of(0..<3) == [0, 0, 0, 1, 1, 1, 2, 2, 2])
        #expect(
            positions.of(3..<9) == [3, 3, 3, 3, 3, 4, 3, 3, 5, 3, 4, 3, 3, 4, 4, 3, 4, 5])
        #expect(positions.of(9..<11) == [6, 6, 6, 7, 7, 7])
        #expect(positions.of(11..<13) == [8, 8, 8, 8, 8, 9])
        #expect(positions.of(17..<19) == [11, 8, 8, 11, 8, 9])
        // The answer goes on from there, wherever a step begins.
        #expect(positions.of(18..<21) == [11, 8, 9, 12, 12, 12, 13, 13, 13])
        #expect(positions.of(25..<26) == [18, 18, 18])
    }

    @Test func aSegmentWithoutGridCountsLikeText() {
        var positions = RotaryPositions(axes: 3)
        positions.append(rows: 1)
        positions.append(segment(nil))
        positions.append(rows: 1)
        #expect(positions.of(0..<5) == (0..<5).flatMap { [$0, $0, $0] })
    }
}
