/// Receives what `encode` makes. Valid during the call only.
///
/// Each function sends one whole segment, or one call's worth of it, and throws what the host answered; let the
/// error pass.
public struct Sink {
    private let pointer: UnsafePointer<GatehouseSink>

    init(_ pointer: UnsafePointer<GatehouseSink>) {
        self.pointer = pointer
    }

    /// One segment of text for input part `part`.
    public func text(_ text: String, spans: [TextSpan] = [], part: Int = 0) throws(PluginError) {
        try begin(part, GATEHOUSE_OUTPUT_TEXT, expected: text.utf8.count)
        let spans = spans.map(\.layout)
        try check(
            text.withBytes { data, size in
                spans.withUnsafeBufferPointer { spans in
                    var view = GatehouseText(
                        struct_size: UInt32(MemoryLayout<GatehouseText>.size),
                        span_count: UInt32(spans.count),
                        data: data, size: size, spans: spans.baseAddress)
                    return pointer.pointee.text(pointer.pointee.ctx, &view)
                }
            })
        try end()
    }

    /// One segment of soft tokens for input part `part`.
    public func soft(_ slots: [SoftSlot], part: Int = 0) throws(PluginError) {
        try begin(part, GATEHOUSE_OUTPUT_SOFT, expected: slots.count)
        var slotOffsets: [UInt32] = [0]
        var pieceOffsets: [UInt32] = [0]
        var bytes: [CChar] = []
        var weights: [Float] = []
        for slot in slots {
            for piece in slot.pieces {
                bytes.append(contentsOf: piece.text.utf8.map { CChar(bitPattern: $0) })
                pieceOffsets.append(UInt32(bytes.count))
                weights.append(piece.weight)
            }
            slotOffsets.append(UInt32(weights.count))
        }
        try check(
            slotOffsets.withUnsafeBufferPointer { slotOffsets in
                pieceOffsets.withUnsafeBufferPointer { pieceOffsets in
                    bytes.withUnsafeBufferPointer { bytes in
                        weights.withUnsafeBufferPointer { weights in
                            var view = GatehouseSoft(
                                struct_size: UInt32(MemoryLayout<GatehouseSoft>.size),
                                slot_count: UInt32(slots.count), slot_offsets: slotOffsets.baseAddress,
                                piece_offsets: pieceOffsets.baseAddress, bytes: bytes.baseAddress,
                                weights: weights.baseAddress)
                            return pointer.pointee.soft(pointer.pointee.ctx, &view)
                        }
                    }
                }
            })
        try end()
    }

    /// One segment of rows, written in place by `body` into zeroed float32 memory, `[shape.rows, shape.width]`.
    public func rows(
        _ shape: RowShape, part: Int = 0,
        _ body: (UnsafeMutableBufferPointer<Float>) throws(PluginError) -> Void
    ) throws(PluginError) {
        precondition(
            shape.positions.isEmpty || shape.positions.count == shape.rows * 3, "positions are [rows, 3]")
        try begin(part, GATEHOUSE_OUTPUT_ROWS, expected: shape.rows)
        var memory: UnsafeMutableRawPointer?
        try check(
            shape.positions.withUnsafeBufferPointer { positions in
                var view = shape.layout(positions)
                return pointer.pointee.acquire_rows(pointer.pointee.ctx, &view, &memory)
            })
        if let memory, shape.rows > 0 {
            let count = shape.rows * shape.width
            try body(
                UnsafeMutableBufferPointer(
                    start: memory.bindMemory(to: Float.self, capacity: count), count: count))
        }
        try check(pointer.pointee.commit_rows(pointer.pointee.ctx, UInt32(shape.rows)))
        try end()
    }

    private func begin(_ part: Int, _ kind: Int, expected: Int) throws(PluginError) {
        try check(pointer.pointee.begin(pointer.pointee.ctx, UInt32(part), UInt32(kind), UInt64(expected)))
    }

    private func end() throws(PluginError) {
        try check(pointer.pointee.end(pointer.pointee.ctx))
    }

    private func check(_ status: GatehouseStatus) throws(PluginError) {
        if status != GATEHOUSE_OK { throw PluginError(status: status) }
    }
}

/// What a stretch of a text segment rests on.
public struct TextSpan: Sendable {
    /// Bytes of the segment's UTF-8.
    public var bytes: Range<Int>
    /// Seconds from the start of the part.
    public var seconds: ClosedRange<Double>?
    /// 0 … 1.
    public var confidence: Float?

    public init(bytes: Range<Int>, seconds: ClosedRange<Double>? = nil, confidence: Float? = nil) {
        self.bytes = bytes
        self.seconds = seconds
        self.confidence = confidence
    }

    var layout: GatehouseSpan {
        GatehouseSpan(
            begin: UInt64(bytes.lowerBound), end: UInt64(bytes.upperBound),
            start_seconds: seconds?.lowerBound ?? .nan, end_seconds: seconds?.upperBound ?? .nan,
            confidence: confidence ?? .nan, reserved: 0)
    }
}

/// A short distribution over text pieces, at one place of the output.
public struct SoftSlot: Sendable {
    /// A piece carries its own leading space. Weights are at least 0 and sum to at most 1.
    public var pieces: [(text: String, weight: Float)]

    public init(_ pieces: [(text: String, weight: Float)]) {
        self.pieces = pieces
    }
}

/// The shape of a segment of rows, and where they lie.
public struct RowShape: Sendable {
    public var rows: Int
    /// Elements in a row: the decoder's hidden size.
    public var width: Int
    /// Extent of the positions; zeros where there is none.
    public var grid: (t: Int, h: Int, w: Int)
    /// (t, h, w) of each row inside `grid`, `[rows, 3]`; empty where the host is to count.
    public var positions: [Int32]

    public init(rows: Int, width: Int, grid: (t: Int, h: Int, w: Int) = (0, 0, 0), positions: [Int32] = []) {
        self.rows = rows
        self.width = width
        self.grid = grid
        self.positions = positions
    }

    func layout(_ positions: UnsafeBufferPointer<Int32>) -> GatehouseRows {
        GatehouseRows(
            struct_size: UInt32(MemoryLayout<GatehouseRows>.size), element_type: UInt32(GATEHOUSE_FLOAT32),
            rows: UInt32(rows), width: UInt32(width), stride: UInt64(width * MemoryLayout<Float>.size),
            data: nil,
            axes: positions.isEmpty ? 0 : 3, grid_t: UInt32(grid.t), grid_h: UInt32(grid.h),
            grid_w: UInt32(grid.w),
            positions: positions.isEmpty ? nil : positions.baseAddress)
    }
}
