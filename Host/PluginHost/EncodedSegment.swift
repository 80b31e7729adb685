/// What a plugin made of one input part, checked against the rules of the ABI.
public struct EncodedSegment: Sendable {
    /// One of the three kinds of output.
    public enum Content: Sendable {
        case text(EncodedText)
        case soft(SoftTokens)
        case rows(EncodedRows)
    }

    /// Index of the input part it stands for.
    public let part: Int
    public let content: Content

    package init(part: Int, content: Content) {
        self.part = part
        self.content = content
    }
}

/// What one call of a plugin made.
public struct EncodeOutput: Sendable {
    /// In the order of the parts.
    public let segments: [EncodedSegment]
    /// Time inside the plugin.
    public let nanoseconds: UInt64

    public init(segments: [EncodedSegment], nanoseconds: UInt64) {
        self.segments = segments
        self.nanoseconds = nanoseconds
    }

    /// What the rows of `segments` lie in; a call has one piece of memory for all.
    public var memory: SharedMemory? {
        for case .rows(let rows) in segments.lazy.map(\.content) { return rows.memory }
        return nil
    }
}

/// Text, and what stretches of it rest on.
public struct EncodedText: Sendable, Equatable {
    /// What a stretch of the text rests on.
    public struct Span: Sendable, Equatable {
        /// Bytes of the text's UTF-8.
        public var begin: Int
        public var end: Int
        /// Seconds from the start of the part; NaN where there is none.
        public var startSeconds: Double
        public var endSeconds: Double
        /// 0 … 1, or NaN.
        public var confidence: Float
    }

    public var text: String
    public var spans: [Span]
}

/// Slots, each a short distribution over text pieces.
public struct SoftTokens: Sendable, Equatable {
    /// One text piece with its own leading space, and its weight in the slot.
    public struct Piece: Sendable, Equatable {
        public var text: String
        public var weight: Float

        package init(text: String, weight: Float) {
            self.text = text
            self.weight = weight
        }
    }

    public var slots: [[Piece]]

    package init(slots: [[Piece]]) {
        self.slots = slots
    }

    /// The heaviest piece of each slot, one after the other.
    public var mostLikelyReading: String {
        slots.compactMap { slot in slot.max { $0.weight < $1.weight }?.text }.joined()
    }
}

/// Embedding rows, float32 and contiguous, in memory shared with whoever made them.
public struct EncodedRows: Sendable {
    /// Number of rows.
    public let count: Int
    /// Elements in a row.
    public let width: Int
    /// Extent in time, height and width; zeros where there is none.
    public let grid: (t: Int32, h: Int32, w: Int32)
    /// (t, h, w) of each row, `[count, 3]`; empty where the host is to count.
    public let positions: [Int32]

    let memory: SharedMemory
    /// Bytes from the start of `memory`.
    let offset: Int

    package init(
        count: Int, width: Int, grid: (t: Int32, h: Int32, w: Int32), positions: [Int32],
        memory: SharedMemory, offset: Int
    ) {
        self.count = count
        self.width = width
        self.grid = grid
        self.positions = positions
        self.memory = memory
        self.offset = offset
    }

    /// Calls `body` with the values, `[count, width]`.
    public func withValues<Result>(_ body: (UnsafeBufferPointer<Float>) throws -> Result) rethrows -> Result {
        let start = (memory.base + offset).assumingMemoryBound(to: Float.self)
        return try body(UnsafeBufferPointer(start: start, count: count * width))
    }
}
