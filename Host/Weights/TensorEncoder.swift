import CKernels
import Foundation
import GatehouseTensorFiles
import Synchronization

/// Encodes a tensor in another type, some rows at a time, on several threads. The bytes do not depend on their number.
public struct TensorEncoder: Sendable {
    /// A tensor's rows in the order in which they are written; nil keeps the stored one.
    public typealias RowOrder = @Sendable (_ row: Int) -> Int

    private let tensor: Tensor
    /// Of what the tensor is read from, for errors.
    private let path: String
    public let type: TensorType
    /// Rows that are written.
    public let rows: Int
    private let columns: Range<Int>
    private let order: RowOrder?
    private let width: Int
    private let threads: Int

    /// - Parameters:
    ///   - tensor: Of one or two dimensions. One dimension is a single row, or with an `order` rows of one number.
    ///   - columns: Which of its columns are written; nil: all. The ends are multiples of the blocks of both types.
    public init(
        _ tensor: Tensor, of path: String, as type: TensorType, columns: Range<Int>? = nil,
        order: RowOrder? = nil, threads: Int
    ) {
        precondition((1...2).contains(tensor.shape.count))
        self.tensor = tensor
        self.path = path
        self.type = type
        self.order = order
        self.threads = threads
        let isVector = tensor.shape.count == 1
        rows = isVector && order == nil ? 1 : tensor.shape[0]
        width = isVector ? (order == nil ? tensor.shape[0] : 1) : tensor.shape[1]
        self.columns = columns ?? 0..<width
    }

    /// Bytes of one written row.
    public var rowBytes: Int { columns.count / type.blockElements * type.blockBytes }

    /// Whether a row is stored as it is to be written.
    private var isCopy: Bool { type == tensor.type }

    /// Appends `range` of the rows, a few megabytes at a time.
    ///
    /// - Parameter progress: Told after each piece how many bytes of the stored tensor have been read for it. Their pages
    ///   are given back to the kernel.
    public func encode(
        _ range: Range<Int>, progress: (Int) -> Void = { _ in },
        append: (UnsafeRawBufferPointer) throws -> Void
    ) throws {
        let step = max(1, (4 << 20) / max(1, MemoryLayout<Float>.size * width))
        let piece = UnsafeMutableRawBufferPointer.allocate(
            byteCount: max(1, min(step, range.count) * rowBytes), alignment: 64)
        defer { piece.deallocate() }
        for start in stride(from: range.lowerBound, to: range.upperBound, by: step) {
            let rows = start..<min(start + step, range.upperBound)
            try encode(rows, into: piece)
            try append(UnsafeRawBufferPointer(rebasing: piece[..<(rows.count * rowBytes)]))
            if order == nil { tensor.releasePages(storedRange(rows)) }
            progress(storedRange(rows).count)
        }
    }

    /// Encodes `range` of the rows.
    private func encode(
        _ range: Range<Int>, into output: UnsafeMutableRawBufferPointer
    ) throws(TensorFileError) {
        let share = (range.count + threads - 1) / threads
        let sheet = Sheet(bytes: output)
        let failed = Mutex<Int?>(nil)
        DispatchQueue.concurrentPerform(iterations: threads) { thread in
            let first = min(range.lowerBound + thread * share, range.upperBound)
            let numbers = UnsafeMutableBufferPointer<Float>.allocate(capacity: width)
            defer { numbers.deallocate() }
            for row in first..<min(first + share, range.upperBound) {
                let place = (row - range.lowerBound) * rowBytes
                let target = UnsafeMutableRawBufferPointer(rebasing: sheet.bytes[place..<place + rowBytes])
                guard encode(row, into: target, using: numbers) else {
                    failed.withLock { $0 = min($0 ?? row, row) }
                    return
                }
            }
        }
        if let row = failed.withLock(\.self) {
            throw TensorFileError(
                path: path, field: "tensor \(tensor.name)",
                expected: "finite numbers up to \(GH_QUANTIZE_LARGEST)", found: "another one in row \(row)")
        }
    }

    /// Room for rows that threads fill, each its own.
    private struct Sheet: @unchecked Sendable {  // no byte is written by two threads
        let bytes: UnsafeMutableRawBufferPointer
    }

    /// Whether the row's numbers can be encoded.
    private func encode(
        _ row: Int, into target: UnsafeMutableRawBufferPointer,
        using numbers: UnsafeMutableBufferPointer<Float>
    ) -> Bool {
        let stored = UnsafeRawBufferPointer(rebasing: tensor.bytes[storedRange(row..<row + 1)])
        if isCopy {
            target.copyMemory(from: stored)
            return true
        }
        guard let source = stored.baseAddress, let start = numbers.baseAddress else { return true }
        let read = gh_dequantize_row(tensor.type.rawValue, source, start, UInt64(columns.count))
        let written = gh_quantize_row(
            type.rawValue, start, target.baseAddress, UInt64(columns.count))
        return read == GH_OK && written == GH_OK
    }

    /// Where written rows are stored, their columns alone where it is one row.
    private func storedRange(_ range: Range<Int>) -> Range<Int> {
        let block = tensor.type.blockElements
        let stride = width / block * tensor.type.blockBytes
        guard range.count == 1 else { return range.lowerBound * stride..<range.upperBound * stride }
        let start = (order.map { $0(range.lowerBound) } ?? range.lowerBound) * stride
        return start + columns.lowerBound / block * tensor.type.blockBytes..<start
            + columns.upperBound / block * tensor.type.blockBytes
    }
}
