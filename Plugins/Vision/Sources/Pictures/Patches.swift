import GatehouseNumerics

/// The grid of patches that a picture is cut into, and the order in which an encoder takes them: blocks of `merge` ×
/// `merge` patches row by row, and inside a block row by row. With a merge of 1 that is row by row.
public struct PatchGrid: Sendable, Equatable {
    /// Pixels of a patch's side.
    public let patch: Int
    public let merge: Int
    /// Patches; what is left of the picture beyond them is not seen.
    public let rows: Int
    public let columns: Int

    public init(height: Int, width: Int, patch: Int, merge: Int = 1) {
        self.patch = patch
        self.merge = merge
        rows = height / patch / merge * merge
        columns = width / patch / merge * merge
    }

    public var count: Int { rows * columns }

    /// Row and column of the patch that comes at `index`.
    public func place(_ index: Int) -> (row: Int, column: Int) {
        let inBlock = index % (merge * merge)
        let block = index / (merge * merge)
        let blocks = columns / merge
        return (block / blocks * merge + inBlock / merge, block % blocks * merge + inBlock % merge)
    }

    /// Normalised samples of some patches, `[patches, 3 × patch × patch]`, channels outermost.
    public func gather(
        _ image: PixelImage, _ indices: Range<Int>, levels: [Float], _ team: ThreadTeam, into rows: Matrix
    ) {
        precondition(image.channels == 3 && levels.count == 3 * 256, "three channels of 256 levels")
        precondition(rows.rows == indices.count && rows.columns == 3 * patch * patch, "a row a patch")
        team.split(indices.count) { part in
            image.samples.withUnsafeBufferPointer { samples in
                levels.withUnsafeBufferPointer { levels in
                    for index in part {
                        let place = place(indices.lowerBound + index)
                        let output = rows.row(index)
                        for y in 0..<patch {
                            var from = ((place.row * patch + y) * image.width + place.column * patch) * 3
                            for x in y * patch..<(y + 1) * patch {
                                for channel in 0..<3 {
                                    output[channel * patch * patch + x] =
                                        levels[channel * 256 + Int(samples[from + channel])]
                                }
                                from += 3
                            }
                        }
                    }
                }
            }
        }
    }
}
