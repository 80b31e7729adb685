/// What the engine reads: the one value that passes from fusion to the scheduler, the caches and the backends.
public struct Prompt: Sendable, Equatable {
    /// Never empty when handed to the engine.
    public var pieces: [Piece]

    public init(_ pieces: [Piece]) {
        self.pieces = pieces
    }

    /// Positions that the prompt takes in the context.
    public var count: Int {
        pieces.reduce(0) { $0 + $1.count }
    }
}

/// A run of tokens, or what an encoder made of a media part.
public enum Piece: Sendable, Equatable {
    /// Token ids of the decoder's vocabulary.
    case tokens([Int32])
    case segment(Segment)

    /// Positions that the piece takes.
    public var count: Int {
        switch self {
        case .tokens(let ids): ids.count
        case .segment(let segment): segment.count
        }
    }
}

/// Embedding rows that stand where a media part stood.
public struct Segment: Sendable, Equatable {
    /// The embeddings, row-major, `[count, width]`, float32.
    public var rows: [Float]
    /// Elements in a row: the decoder's hidden size.
    public var width: Int
    /// The gate's weight α, 0 … 1. One leaves attention as it is.
    public var weight: Float
    /// Extent of the positions that the rows lie in, or nil where they simply follow each other.
    public var grid: Grid?
    /// (t, h, w) of each row inside `grid`; empty where `grid` is nil.
    public var positions: [GridPosition]
    /// Digest of what determines the rows: content, plugin, version and configuration.
    public var digest: String

    public init(
        rows: [Float], width: Int, weight: Float = 1, grid: Grid? = nil, positions: [GridPosition] = [],
        digest: String
    ) {
        precondition(width > 0 && rows.count.isMultiple(of: width), "rows are [count, width]")
        precondition(grid == nil || positions.count == rows.count / width, "one position for each row")
        self.rows = rows
        self.width = width
        self.weight = weight
        self.grid = grid
        self.positions = positions
        self.digest = digest
    }

    /// Number of rows.
    public var count: Int { rows.count / width }
}

/// Extent in time, height and width, each at least 1.
public struct Grid: Sendable, Equatable {
    public var t: Int32
    public var h: Int32
    public var w: Int32

    public init(t: Int32, h: Int32, w: Int32) {
        self.t = t
        self.h = h
        self.w = w
    }
}

/// A place in a ``Grid``, counted from zero.
public struct GridPosition: Sendable, Equatable {
    public var t: Int32
    public var h: Int32
    public var w: Int32

    public init(t: Int32, h: Int32, w: Int32) {
        self.t = t
        self.h = h
        self.w = w
    }
}
