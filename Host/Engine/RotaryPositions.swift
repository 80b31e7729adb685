import Fusion

/// Where the rows of a prompt and its answer stand on the axes of rotary position embedding.
///
/// On one axis they count from 0. On three, t, h and w, tokens stand at the same place on each, and rows of a segment
/// with a grid at its start plus their own place; what follows starts after the greatest place taken. This is M-RoPE as
/// `Glm4vModel.get_rope_index` of Hugging Face transformers lays it out.
package struct RotaryPositions: Sendable {
    private let axes: Int
    /// `[rows, axes]`; empty on one axis.
    private var places: [Int32] = []
    private var rows = 0
    /// The place that follows.
    private var next: Int32 = 0

    package init(axes: Int) {
        self.axes = axes
    }

    /// Appends rows that follow each other.
    package mutating func append(rows count: Int) {
        rows += count
        guard axes > 1 else { return }
        for _ in 0..<count {
            places += repeatElement(next, count: axes)
            next += 1
        }
    }

    package mutating func append(_ segment: Segment) {
        guard axes > 1, segment.grid != nil, !segment.positions.isEmpty else {
            append(rows: segment.count)
            return
        }
        rows += segment.count
        let start = next
        for place in segment.positions {
            let row = [start + place.t, start + place.h, start + place.w]
            places += row
            next = max(next, (row.max() ?? start) + 1)
        }
    }

    /// Places of a range of rows, `[range, axes]`; those after the last appended count on. Empty on one axis.
    package func of(_ range: Range<Int>) -> [Int32] {
        guard axes > 1 else { return [] }
        let known = range.clamped(to: 0..<rows)
        var result = Array(places[known.lowerBound * axes..<known.upperBound * axes])
        for row in max(range.lowerBound, rows)..<max(range.upperBound, rows) {
            result += repeatElement(next + Int32(row - rows), count: axes)
        }
        return result
    }
}
