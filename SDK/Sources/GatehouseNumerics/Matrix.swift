/// Rows of float32, row-major: memory of its own, or a view of part of another's, which it keeps alive.
///
/// Copies are views of the same memory. Nothing guards it: a parallel loop writes to each row from one thread only.
public struct Matrix: @unchecked Sendable {  // see above: who shares it keeps writers apart
    public let rows: Int
    public let columns: Int
    /// Elements from row to row.
    public let stride: Int
    public let base: UnsafeMutablePointer<Float>
    private let owner: AnyObject?

    /// Zeros, aligned to 64 bytes.
    public init(rows: Int, columns: Int) {
        precondition(rows >= 0 && columns >= 0, "extents of a matrix are not negative")
        let memory = AlignedMemory(count: rows * columns)
        self.init(rows: rows, columns: columns, stride: columns, base: memory.base, owner: memory)
    }

    /// What the memory happened to hold, aligned likewise: for what is written before it is read.
    public init(uninitializedRows rows: Int, columns: Int) {
        precondition(rows >= 0 && columns >= 0, "extents of a matrix are not negative")
        let memory = AlignedMemory(count: rows * columns, zeroed: false)
        self.init(rows: rows, columns: columns, stride: columns, base: memory.base, owner: memory)
    }

    /// The given elements, `[rows, columns]`.
    public init(rows: Int, columns: Int, _ elements: some Sequence<Float>) {
        self.init(rows: rows, columns: columns)
        let written = UnsafeMutableBufferPointer(start: base, count: rows * columns).update(from: elements)
        precondition(written.index == rows * columns, "a matrix has rows × columns elements")
    }

    /// A view of memory that stays valid while `owner` lives; without one, as long as the view is used.
    public init(
        rows: Int, columns: Int, stride: Int, base: UnsafeMutablePointer<Float>, owner: AnyObject?
    ) {
        self.rows = rows
        self.columns = columns
        self.stride = stride
        self.base = base
        self.owner = owner
    }

    /// A copy of all elements, row by row.
    public var elements: [Float] {
        [Float](unsafeUninitializedCapacity: rows * columns) { buffer, count in
            for index in 0..<rows {
                (buffer.baseAddress.map { $0 + index * columns })?
                    .update(from: base + index * stride, count: columns)
            }
            count = rows * columns
        }
    }

    /// A row where it lies: valid while a matrix of this memory lives.
    public func row(_ index: Int) -> UnsafeMutableBufferPointer<Float> {
        UnsafeMutableBufferPointer(start: base + index * stride, count: columns)
    }

    /// A view of some rows.
    public func rows(_ range: Range<Int>) -> Matrix {
        precondition(range.lowerBound >= 0 && range.upperBound <= rows, "rows lie inside the matrix")
        return Matrix(
            rows: range.count, columns: columns, stride: stride, base: base + range.lowerBound * stride,
            owner: owner)
    }

    /// A view of some columns.
    public func columns(_ range: Range<Int>) -> Matrix {
        precondition(range.lowerBound >= 0 && range.upperBound <= columns, "columns lie inside the matrix")
        return Matrix(
            rows: rows, columns: range.count, stride: stride, base: base + range.lowerBound, owner: owner)
    }

    /// The same elements in rows of another width; for matrices without gaps between rows.
    public func reshaped(columns width: Int) -> Matrix {
        precondition(stride == columns && rows * columns % width == 0, "elements fill the new rows")
        return Matrix(rows: rows * columns / width, columns: width, stride: width, base: base, owner: owner)
    }
}

/// Float32, aligned for any vector.
private final class AlignedMemory {
    let base: UnsafeMutablePointer<Float>

    init(count: Int, zeroed: Bool = true) {
        let bytes = max(1, count) * MemoryLayout<Float>.stride
        let memory = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: 64)
        if zeroed { memory.initializeMemory(as: UInt8.self, repeating: 0, count: bytes) }
        base = memory.bindMemory(to: Float.self, capacity: max(1, count))
    }

    deinit { UnsafeMutableRawPointer(base).deallocate() }
}
