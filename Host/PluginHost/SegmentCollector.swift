import CGatehouse

/// The receiving end of a plugin's output: the functions behind `GatehouseSink`.
///
/// It copies what it is handed and holds it to the rules of the ABI. Once a rule is broken every call is refused and
/// `failure` says which; the encode has failed even if the plugin returns OK. Used by one thread at a time.
final class SegmentCollector {
    /// Rows of one call may take this much.
    static let mostBytes = 1 << 30
    /// Text, soft tokens and positions of one call: they travel inside a message, whose size is bounded.
    static let mostMessageBytes = WorkerChannel.mostBytes / 2

    private(set) var segments: [EncodedSegment] = []
    private(set) var failure: PluginFailure?

    private let partCount: Int
    private let outputs: OutputFacts
    private let tellText: (@Sendable (String) -> Void)?
    private var open: Open?
    private var memory: SharedMemory?
    private var used = 0
    /// What text, soft tokens and positions take of ``mostMessageBytes``.
    private var messageBytes = 0
    /// Bytes, slots or rows that the part of the open segment has so far.
    private var slotsOfPart = 0

    /// The segment that begin opened and end has not closed.
    private struct Open {
        let part: Int
        let kind: Int
        var text: [UInt8] = []
        var spans: [EncodedText.Span] = []
        var slots: [[SoftTokens.Piece]] = []
        var offset = 0
        var rows = 0
        var grid: (t: Int32, h: Int32, w: Int32) = (0, 0, 0)
        var positions: [Int32] = []
        /// Rows handed out by acquire and not committed yet.
        var acquired: Int?
    }

    /// - Parameter tellText: Handed every segment of text as it ends.
    init(partCount: Int, outputs: OutputFacts, tellText: (@Sendable (String) -> Void)? = nil) {
        self.partCount = partCount
        self.tellText = tellText
        self.outputs = outputs
    }

    /// The C face of this collector. Valid while `self` lives.
    var sink: GatehouseSink {
        GatehouseSink(
            struct_size: UInt32(MemoryLayout<GatehouseSink>.size), reserved: 0,
            ctx: Unmanaged.passUnretained(self).toOpaque(),
            begin: { ctx, part, kind, _ in
                SegmentCollector.with(ctx) { try $0.begin(part: Int(part), kind: Int(kind)) }
            },
            text: { ctx, text in SegmentCollector.with(ctx) { try $0.append(text: text) } },
            soft: { ctx, soft in SegmentCollector.with(ctx) { try $0.append(soft: soft) } },
            rows: { ctx, rows in SegmentCollector.with(ctx) { try $0.append(rows: rows) } },
            acquire_rows: { ctx, shape, data in SegmentCollector.with(ctx) { try $0.acquire(shape, data) } },
            commit_rows: { ctx, rows in SegmentCollector.with(ctx) { try $0.commit(Int(rows)) } },
            end: { ctx in SegmentCollector.with(ctx) { try $0.end() } })
    }

    /// To be called when encode returned OK.
    func checkFinished() {
        if failure == nil, let open {
            failure = PluginFailure(
                .violation, "it returned without ending the segment it began for part \(open.part)")
        }
    }

    private struct Refusal: Error {
        let message: String
    }

    private static func with(
        _ ctx: UnsafeMutableRawPointer?, _ body: (SegmentCollector) throws -> Void
    ) -> GatehouseStatus {
        guard let ctx else { return GatehouseStatus(GATEHOUSE_FAILED) }
        let collector = Unmanaged<SegmentCollector>.fromOpaque(ctx).takeUnretainedValue()
        guard collector.failure == nil else { return GatehouseStatus(GATEHOUSE_FAILED) }
        do {
            try body(collector)
            return GatehouseStatus(GATEHOUSE_OK)
        } catch let refusal as Refusal {
            collector.failure = PluginFailure(.violation, refusal.message)
        } catch {
            collector.failure = PluginFailure(.system, "the host could not keep its output: \(error)")
        }
        return GatehouseStatus(GATEHOUSE_FAILED)
    }

    private func require(_ condition: Bool, _ message: @autoclosure () -> String) throws(Refusal) {
        if !condition { throw Refusal(message: message()) }
    }

    private func begin(part: Int, kind: Int) throws {
        try require(open == nil, "it began a segment inside another")
        try require(part < partCount, "it began a segment for part \(part) of \(partCount)")
        try require(
            part >= segments.last?.part ?? 0, "it went back from part \(segments.last?.part ?? 0) to \(part)")
        let known = [GATEHOUSE_OUTPUT_TEXT, GATEHOUSE_OUTPUT_SOFT, GATEHOUSE_OUTPUT_ROWS].contains(kind)
        try require(
            known && outputs.kinds & UInt32(kind) != 0,
            "it began output of kind \(kind), which it does not declare")
        if part != segments.last?.part { slotsOfPart = 0 }
        open = Open(part: part, kind: kind)
    }

    private func current(_ kind: Int, _ function: String) throws(Refusal) -> Open {
        guard let open, open.kind == kind, open.acquired == nil else {
            throw Refusal(message: "it called \(function) outside a segment of that kind")
        }
        return open
    }

    private func append(text: UnsafePointer<GatehouseText>?) throws {
        var open = try current(GATEHOUSE_OUTPUT_TEXT, "text")
        guard let text, gatehouse_struct_size(text) == MemoryLayout<GatehouseText>.size else {
            throw Refusal(message: "its GatehouseText has another size than the ABI's")
        }
        let size = Int(clamping: text.pointee.size)
        try require(
            size == 0 || text.pointee.data != nil, "its text of \(size) bytes has no data")
        let spanCount = Int(text.pointee.span_count)
        try require(spanCount == 0 || text.pointee.spans != nil, "its \(spanCount) spans have no data")
        try countMessage(size)
        try countMessage(spanCount * MemoryLayout<GatehouseSpan>.size)
        try countSlots(size, "bytes of text")
        if size > 0, let data = text.pointee.data {
            open.text.append(contentsOf: UnsafeRawBufferPointer(start: data, count: size))
        }
        for span in UnsafeBufferPointer(start: text.pointee.spans, count: spanCount) {
            let begin = Int(clamping: span.begin)
            let end = Int(clamping: span.end)
            try require(
                begin <= end && end <= open.text.count && begin >= open.spans.last?.end ?? 0,
                "a span of its text lies outside the text or out of order (\(begin) … \(end))")
            open.spans.append(
                EncodedText.Span(
                    begin: begin, end: end, startSeconds: span.start_seconds, endSeconds: span.end_seconds,
                    confidence: span.confidence))
        }
        self.open = open
    }

    private func append(soft: UnsafePointer<GatehouseSoft>?) throws {
        var open = try current(GATEHOUSE_OUTPUT_SOFT, "soft")
        guard let soft, gatehouse_struct_size(soft) == MemoryLayout<GatehouseSoft>.size,
            let slotOffsets = soft.pointee.slot_offsets, let pieceOffsets = soft.pointee.piece_offsets
        else { throw Refusal(message: "its GatehouseSoft is not as the ABI says") }
        try countSlots(Int(soft.pointee.slot_count), "slots")
        for slot in 0..<Int(soft.pointee.slot_count) {
            try countMessage(4)
            let first = Int(slotOffsets[slot])
            let last = Int(slotOffsets[slot + 1])
            try require(
                first <= last && last - first <= 1 << 16, "slot \(slot) has pieces \(first) … \(last)")
            var pieces: [SoftTokens.Piece] = []
            for piece in first..<last {
                let begin = Int(pieceOffsets[piece])
                let end = Int(pieceOffsets[piece + 1])
                try require(
                    begin <= end && end - begin <= 1 << 16, "piece \(piece) has bytes \(begin) … \(end)")
                guard let bytes = soft.pointee.bytes, let weights = soft.pointee.weights else {
                    throw Refusal(message: "its soft pieces have no bytes or no weights")
                }
                try countMessage(8 + end - begin)
                let text = UnsafeRawBufferPointer(start: bytes + begin, count: end - begin)
                guard let string = String(validating: text, as: UTF8.self) else {
                    throw Refusal(message: "soft piece \(piece) is not UTF-8")
                }
                try require(
                    weights[piece].isFinite && weights[piece] >= 0,
                    "soft piece \(piece) weighs \(weights[piece]); expected 0 … 1")
                pieces.append(SoftTokens.Piece(text: string, weight: weights[piece]))
            }
            let sum = pieces.reduce(0) { $0 + $1.weight }
            try require(sum <= 1.001, "the weights of slot \(slot) sum to \(sum); expected at most 1")
            open.slots.append(pieces)
        }
        self.open = open
    }

    private func append(rows: UnsafePointer<GatehouseRows>?) throws {
        var open = try current(GATEHOUSE_OUTPUT_ROWS, "rows")
        let shape = try checkedShape(rows)
        guard let data = shape.data, shape.rows > 0 else {
            try require(shape.rows == 0, "its rows have no data")
            return
        }
        let target = try reserve(&open, shape)
        let width = Int(shape.width)
        for row in 0..<Int(shape.rows) {
            let source = data + row * Int(shape.stride)
            let values = target + row * width
            switch Int(shape.element_type) {
            case GATEHOUSE_FLOAT32:
                UnsafeMutableRawPointer(values).copyMemory(
                    from: source, byteCount: width * MemoryLayout<Float>.size)
            case GATEHOUSE_FLOAT16:
                for i in 0..<width {
                    let bits = source.loadUnaligned(fromByteOffset: i * 2, as: UInt16.self)
                    values[i] = Float(Float16(bitPattern: bits))
                }
            default:
                for i in 0..<width {
                    let bits = source.loadUnaligned(fromByteOffset: i * 2, as: UInt16.self)
                    values[i] = Float(bitPattern: UInt32(bits) << 16)
                }
            }
        }
        try keep(&open, values: target, rows: Int(shape.rows))
        self.open = open
    }

    private func acquire(
        _ shape: UnsafePointer<GatehouseRows>?, _ data: UnsafeMutablePointer<UnsafeMutableRawPointer?>?
    ) throws {
        var open = try current(GATEHOUSE_OUTPUT_ROWS, "acquire_rows")
        let shape = try checkedShape(shape)
        try require(
            Int(shape.element_type) == GATEHOUSE_FLOAT32, "it acquired rows of a type other than float32")
        guard let data else {
            throw Refusal(message: "it called acquire_rows without a place for the result")
        }
        let room = UnsafeMutableRawPointer(try reserve(&open, shape))
        // An earlier commit may have left rows here that it did not keep.
        room.initializeMemory(as: UInt8.self, repeating: 0, count: Int(shape.rows) * Int(shape.width) * 4)
        data.pointee = room
        open.acquired = Int(shape.rows)
        self.open = open
    }

    private func commit(_ rows: Int) throws {
        guard var open, let acquired = open.acquired, let memory else {
            throw Refusal(message: "it committed rows that it had not acquired")
        }
        try require(rows <= acquired, "it committed \(rows) of \(acquired) rows")
        open.acquired = nil
        let start = open.offset + open.rows * Int(outputs.width) * MemoryLayout<Float>.size
        let values = (memory.base + start).assumingMemoryBound(to: Float.self)
        if open.positions.count > (open.rows + rows) * 3 {
            open.positions.removeLast(open.positions.count - (open.rows + rows) * 3)
        }
        try keep(&open, values: values, rows: rows)
        self.open = open
    }

    private func end() throws {
        guard let open, open.acquired == nil else {
            throw Refusal(message: "it ended a segment that is not open")
        }
        let content: EncodedSegment.Content
        switch open.kind {
        case GATEHOUSE_OUTPUT_TEXT:
            guard let text = String(validating: open.text, as: UTF8.self) else {
                throw Refusal(message: "its text is not UTF-8")
            }
            content = .text(EncodedText(text: text, spans: open.spans))
            tellText?(text)
        case GATEHOUSE_OUTPUT_SOFT:
            content = .soft(SoftTokens(slots: open.slots))
        default:
            let memory = try self.memory ?? SharedMemory(size: 1)
            self.memory = memory
            content = .rows(
                EncodedRows(
                    count: open.rows, width: Int(outputs.width), grid: open.grid, positions: open.positions,
                    memory: memory, offset: open.offset))
        }
        segments.append(EncodedSegment(part: open.part, content: content))
        self.open = nil
    }

    /// Reads a shape only after its size was found right.
    private func checkedShape(_ rows: UnsafePointer<GatehouseRows>?) throws(Refusal) -> GatehouseRows {
        guard let rows, gatehouse_struct_size(rows) == MemoryLayout<GatehouseRows>.size else {
            throw Refusal(message: "its GatehouseRows has another size than the ABI's")
        }
        let shape = rows.pointee
        try require(
            shape.width == outputs.width && shape.width > 0,
            "its rows are \(shape.width) wide; it declared \(outputs.width)")
        try require(
            Int(shape.width) <= Self.mostBytes / MemoryLayout<Float>.size,
            "its rows are larger than \(Self.mostBytes) bytes")
        try require(
            Int(shape.element_type) <= GATEHOUSE_BFLOAT16,
            "its rows have the unknown type \(shape.element_type)")
        let elementSize = Int(shape.element_type) == GATEHOUSE_FLOAT32 ? 4 : 2
        try require(
            shape.data == nil
                || UInt64(shape.width) * UInt64(elementSize)...UInt64(Self.mostBytes) ~= shape.stride,
            "its rows have a stride of \(shape.stride) bytes for \(shape.width) elements of \(elementSize)")
        try require(shape.axes == 0 || shape.axes == 3, "its rows have \(shape.axes) axes; expected 0 or 3")
        try require(shape.axes == 0 || shape.positions != nil, "its rows have axes but no positions")
        return shape
    }

    /// Room for the rows of `shape` behind those the open segment has, with their positions taken in.
    private func reserve(_ open: inout Open, _ shape: GatehouseRows) throws -> UnsafeMutablePointer<Float> {
        try require(
            Int(shape.rows) <= Self.mostBytes / (Int(shape.width) * MemoryLayout<Float>.size),
            "its rows are larger than \(Self.mostBytes) bytes")
        let bytes = Int(shape.rows) * Int(shape.width) * MemoryLayout<Float>.size
        if open.rows == 0 { open.offset = (used + 63) & ~63 }
        let start = open.offset + open.rows * Int(shape.width) * MemoryLayout<Float>.size
        try require(bytes <= Self.mostBytes - start, "its rows are larger than \(Self.mostBytes) bytes")
        let memory = try self.memory ?? SharedMemory(size: start + bytes)
        self.memory = memory
        if start + bytes > memory.size { try memory.grow(to: max(start + bytes, memory.size * 2)) }
        try takePositions(&open, shape)
        return (memory.base + start).assumingMemoryBound(to: Float.self)
    }

    private func takePositions(_ open: inout Open, _ shape: GatehouseRows) throws(Refusal) {
        let hasPositions = shape.axes == 3
        try require(
            open.rows == 0 || hasPositions == !open.positions.isEmpty,
            "some rows of a segment have positions and others have none")
        guard hasPositions, let positions = shape.positions else { return }
        let limits = [shape.grid_t, shape.grid_h, shape.grid_w]
        let grid = (
            t: Int32(clamping: limits[0]), h: Int32(clamping: limits[1]), w: Int32(clamping: limits[2])
        )
        try require(open.rows == 0 || open.grid == grid, "rows of one segment lie in different grids")
        open.grid = grid
        try countMessage(Int(shape.rows) * 3 * MemoryLayout<Int32>.size)
        for index in 0..<Int(shape.rows) * 3 {
            let position = positions[index]
            let limit = limits[index % 3]
            try require(
                position >= 0 && UInt32(position) < limit,
                "row \(index / 3) has position \(position) on axis \(index % 3) of a grid of \(limit)")
            open.positions.append(position)
        }
    }

    /// Counts `rows` new rows in, after a look at every value.
    private func keep(_ open: inout Open, values: UnsafeMutablePointer<Float>, rows: Int) throws(Refusal) {
        let width = Int(outputs.width)
        for index in 0..<rows * width where !values[index].isFinite {
            throw Refusal(message: "row \(open.rows + index / width) of its output holds \(values[index])")
        }
        open.rows += rows
        used = open.offset + open.rows * width * MemoryLayout<Float>.size
        try countSlots(rows, "rows")
    }

    /// Holds a part's output to the bound that the instance declared.
    private func countSlots(_ count: Int, _ what: String) throws(Refusal) {
        slotsOfPart += count
        try require(
            outputs.mostSlots == 0 || slotsOfPart <= outputs.mostSlots,
            "it made \(slotsOfPart) \(what) for one part; it declared at most \(outputs.mostSlots)")
    }

    private func countMessage(_ bytes: Int) throws(Refusal) {
        try require(
            bytes <= Self.mostMessageBytes - messageBytes,
            "its text, soft tokens and positions take more than \(Self.mostMessageBytes) bytes")
        messageBytes += bytes
    }
}
