/// How values between the places of a grid are made.
public enum GridInterpolation: Sendable {
    case bilinear
    case bicubic
}

extension ThreadTeam {
    /// Rows that lie on a grid, `[height × width, columns]`, on a grid of another size, as PyTorch's `interpolate` makes
    /// them with `align_corners=False` and without antialiasing; positions of a checkpoint for pictures of other sizes.
    public func interpolate(
        _ rows: Matrix, from old: (height: Int, width: Int), to new: (height: Int, width: Int),
        _ interpolation: GridInterpolation, into output: Matrix
    ) {
        precondition(
            rows.rows == old.height * old.width && output.rows == new.height * new.width
                && rows.columns == output.columns, "rows fill their grids")
        let vertical = (0..<new.height).map { GridTaps($0, from: old.height, to: new.height, interpolation) }
        let horizontal = (0..<new.width).map { GridTaps($0, from: old.width, to: new.width, interpolation) }
        split(new.height) { lines in
            for y in lines {
                for x in 0..<new.width {
                    let row = output.row(y * new.width + x)
                    row.update(repeating: 0)
                    for (line, outer) in vertical[y].taps {
                        for (place, inner) in horizontal[x].taps {
                            let source = rows.row(line * old.width + place)
                            let weight = outer * inner
                            for column in 0..<row.count { row[column] += weight * source[column] }
                        }
                    }
                }
            }
        }
    }
}

/// The old places that make a new one along an axis. Beyond the edge the last place counts.
private struct GridTaps: Sendable {
    let taps: [(place: Int, weight: Float)]

    init(_ index: Int, from old: Int, to new: Int, _ interpolation: GridInterpolation) {
        let scale = Float(old) / Float(new)
        let center = (Float(index) + 0.5) * scale - 0.5
        switch interpolation {
        case .bilinear:
            let center = max(0, center)
            let first = min(old - 1, Int(center))
            let fraction = center - Float(first)
            taps = [(first, 1 - fraction), (min(old - 1, first + 1), fraction)]
        case .bicubic:
            let below = center.rounded(.down)
            let fraction = Double(center - below)
            taps = (-1...2).map { offset in
                (
                    min(old - 1, max(0, Int(below) + offset)),
                    Float(Cubic.weight(abs(fraction - Double(offset)), sharpness: -0.75))
                )
            }
        }
    }
}
