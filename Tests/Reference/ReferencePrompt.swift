/// What the reference engine reads: rows, where they turn to, and how much weight later rows give them.
public struct ReferencePrompt: Sendable {
    public enum Row: Sendable {
        case token(Int)
        /// A row in place of a token's embedding, `[hidden]`.
        case embedding([Float])
    }

    /// A segment whose rows weigh `weight` in the attention that rows after its end pay to it.
    public struct Gate: Sendable {
        public var segment: Range<Int>
        /// Above 0, at most 1.
        public var weight: Double

        public init(segment: Range<Int>, weight: Double) {
            self.segment = segment
            self.weight = weight
        }
    }

    public var rows: [Row]
    /// Rotary positions of each row on the axes time, height and width: `[rows, 3]`.
    public var positions: [[Int]]
    public var gates: [Gate]

    /// - Parameter positions: By default a row's place in the sequence, on every axis.
    public init(rows: [Row], positions: [[Int]]? = nil, gates: [Gate] = []) {
        self.rows = rows
        self.positions = positions ?? rows.indices.map { [$0, $0, $0] }
        self.gates = gates
    }

    public init(tokens: [Int32], gates: [Gate] = []) {
        self.init(rows: tokens.map { .token(Int($0)) }, gates: gates)
    }
}
