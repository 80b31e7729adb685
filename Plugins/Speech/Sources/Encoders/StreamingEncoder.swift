import GatehouseNumerics

/// How far a streaming encoder looks, in its rows.
public struct StreamingWindow: Sendable, Equatable {
    /// Rows that become final at once.
    public var chunk: Int
    /// Rows before a chunk that it sees.
    public var left: Int
    /// Rows after a chunk that it sees, whose own states are thrown away.
    public var right: Int

    public init(chunk: Int, left: Int, right: Int) {
        precondition(chunk > 0 && left >= 0 && right >= 0, "a chunk has rows")
        self.chunk = chunk
        self.left = left
        self.right = right
    }
}

/// An encoder that is fed features as they come and never waits for the end.
///
/// Rows are cut into chunks. Those of a chunk and of the `right` rows after it see each other and `left` rows of the chunks
/// before, in attention; in a convolution the rows before, and none after the `right`. One thread at a time.
public final class StreamingEncoder {
    /// Rows that the first convolution has to be given again, so that what follows is right.
    private static let again = 1

    public let window: StreamingWindow
    private let encoder: ConformerEncoder
    private let keys: [RelativeKeys]
    private let memories: [BlockMemory]
    private let room: ConformerBlock.Workspace
    /// Features from the row before the next on, whole frames.
    private var features: [Float] = []
    private var isFirst = true
    /// Embeddings of rows that no chunk has had yet.
    private var waiting: [Float] = []

    public init(_ encoder: ConformerEncoder, _ window: StreamingWindow, _ team: ThreadTeam) {
        self.encoder = encoder
        self.window = window
        let configuration = encoder.configuration
        let rows = window.chunk + window.right
        keys = encoder.keys(span: window.left + rows, team)
        memories = (0..<configuration.blocks).map { _ in
            BlockMemory(
                width: configuration.width, most: window.left, rows: rows, half: configuration.taps / 2)
        }
        room = ConformerBlock.Workspace(configuration, rows: rows)
    }

    /// States of one chunk, then of the rows after it that are only a guess.
    public struct Step {
        public let states: Matrix
        public let kept: Int
    }

    /// Takes further features, whole frames of them, and hands over each chunk that is complete.
    public func push(_ input: [Float], _ team: ThreadTeam, _ body: (Step) -> Void) {
        features += input
        let configuration = encoder.configuration
        let row = configuration.factor * configuration.bands
        let before = isFirst ? 0 : Self.again
        let whole = features.count / row
        if whole > before {
            embed(whole * row, skipping: before, team)
            features.removeFirst((whole - Self.again) * row)
            isFirst = false
        }
        while waiting.count >= (window.chunk + window.right) * configuration.width {
            body(step(window.chunk, window.chunk + window.right, team))
        }
    }

    /// The rows that are left, after which no more come.
    public func finish(_ team: ThreadTeam, _ body: (Step) -> Void) {
        let configuration = encoder.configuration
        let before = isFirst ? 0 : Self.again
        if features.count > before * configuration.factor * configuration.bands {
            embed(features.count, skipping: before, team)
            features = []
        }
        while !waiting.isEmpty {
            let rows = waiting.count / configuration.width
            body(step(min(window.chunk, rows), min(window.chunk + window.right, rows), team))
        }
    }

    private func embed(_ count: Int, skipping: Int, _ team: ThreadTeam) {
        let bands = encoder.configuration.bands
        let rows = encoder.subsampling.apply(
            Matrix(rows: count / bands, columns: bands, features[..<count]), team)
        waiting += rows.rows(skipping..<rows.rows).elements
    }

    private func step(_ kept: Int, _ count: Int, _ team: ThreadTeam) -> Step {
        let width = encoder.configuration.width
        let x = Matrix(rows: count, columns: width, waiting[..<(count * width)])
        waiting.removeFirst(kept * width)
        for (index, block) in encoder.blocks.enumerated() {
            block.apply(x, keys[index], memory: memories[index], kept: kept, room, team)
        }
        return Step(states: x, kept: kept)
    }
}
