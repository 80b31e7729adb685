import CKernels

/// What one sequence does in a step: its new rows follow the `length` that its pages already hold.
public struct SequenceRows: Sendable {
    /// Page table; enough pages for `length` and the new rows.
    public var pages: [UInt32]
    /// Rows that the pages hold already.
    public var length: Int
    /// One id for each new row, below the vocabulary; -1 where the row comes from `embeddings`.
    public var tokens: [Int32]
    /// Row-major `[tokens, hidden]`, read where the token is -1; empty where none is.
    public var embeddings: [Float]
    /// Rotary positions of the new rows, row-major `[tokens, DecoderModel.positionAxes]`; where empty they count on
    /// from `length`, the same on every axis.
    public var positions: [Int32]
    /// Spans of the sequence that weigh less, rising and apart.
    public var gates: [GatedSpan]
    /// How many of the last new rows hand back logits.
    public var logits: Int

    public init(
        pages: [UInt32], length: Int, tokens: [Int32], embeddings: [Float] = [], positions: [Int32] = [],
        gates: [GatedSpan] = [], logits: Int
    ) {
        self.pages = pages
        self.length = length
        self.tokens = tokens
        self.embeddings = embeddings
        self.positions = positions
        self.gates = gates
        self.logits = logits
    }
}

/// Rows of a sequence that weigh less for all rows after them.
public struct GatedSpan: Sendable, Equatable {
    /// Counted from the start of the sequence; not empty.
    public var rows: Range<Int>
    /// Logarithm of what multiplies the unnormalised attention that later rows pay to these: finite, at most 0.
    public var logWeight: Float

    public init(rows: Range<Int>, logWeight: Float) {
        self.rows = rows
        self.logWeight = logWeight
    }
}

extension DecoderModel {
    /// Runs one step over `pool`.
    ///
    /// - Parameter logits: Grown where it is too small; its front receives `[Σ sequences.logits, vocabulary]`, in
    ///   order. Reuse it between steps.
    /// - Throws: ``DecoderError/backend(what:status:)``; no page of the sequences may be relied on afterwards.
    public func step(_ sequences: [SequenceRows], pool: KVPool, logits: inout [Float]) throws(DecoderError) {
        precondition(pool.model === self, "a pool serves the model that it was made from")
        let outputs = sequences.reduce(0) { $0 + $1.logits }
        if logits.count < outputs * vocabulary {
            logits.append(contentsOf: repeatElement(0, count: outputs * vocabulary - logits.count))
        }
        let batch = StepBatch(sequences, model: self, pageCount: pool.pageCount)
        let status = logits.withUnsafeMutableBufferPointer { logits in
            batch.withSequences { sequences in
                turn.take { step(sequences, pool: pool, logits: logits) }
            }
        }
        try DecoderError.check(status, "a step of \(batch.rowCount) rows")
    }

    /// Runs one step over `pool` without the head.
    ///
    /// - Returns: What the head would read of the rows that ask for logits, after the final norm: float32, row-major
    ///   `[Σ sequences.logits, hidden]`, in order.
    /// - Throws: as ``step(_:pool:logits:)``.
    public func states(_ sequences: [SequenceRows], pool: KVPool) throws(DecoderError) -> [Float] {
        precondition(pool.model === self, "a pool serves the model that it was made from")
        let count = sequences.reduce(0) { $0 + $1.logits } * hidden
        let batch = StepBatch(sequences, model: self, pageCount: pool.pageCount)
        var status = GH_OK
        let states = [Float](unsafeUninitializedCapacity: count) { states, written in
            status = batch.withSequences { sequences in
                turn.take {
                    step(
                        sequences, pool: pool, logits: UnsafeMutableBufferPointer(start: nil, count: 0),
                        states: states)
                }
            }
            written = count
        }
        try DecoderError.check(status, "a step of \(batch.rowCount) rows")
        return states
    }
}

/// The arrays of a step's sequences laid end to end, so that one pinned buffer of each kind serves the C call.
private struct StepBatch {
    private var pages: [UInt32] = []
    private var tokens: [Int32] = []
    private var positions: [Int32] = []
    private var embeddings: [Float] = []
    private var gates: [gh_gated_span] = []
    private var entries: [Entry] = []

    private struct Entry {
        var firstPage: Int
        var firstRow: Int
        /// Into `positions`.
        var firstPosition: Int
        var firstGate: Int
        var gateCount: Int
        /// Into `embeddings`, or nil where the sequence has none.
        var firstElement: Int?
        var length: Int
        var rows: Int
        var logits: Int
    }

    var rowCount: Int { tokens.count }

    init(_ sequences: [SequenceRows], model: DecoderModel, pageCount: Int) {
        for sequence in sequences {
            let rows = sequence.tokens.count
            let end = sequence.length + rows
            precondition(
                rows > 0 && sequence.logits >= 0 && sequence.logits <= rows, "logits are of new rows")
            precondition(sequence.pages.count >= KVPool.pages(for: end), "the page table covers every row")
            precondition(sequence.pages.allSatisfy { $0 < pageCount }, "pages are of the pool")
            precondition(
                sequence.tokens.allSatisfy { $0 < model.vocabulary }, "token ids were checked before the step"
            )
            let needsRows = sequence.tokens.contains { $0 < 0 }
            precondition(
                !needsRows || sequence.embeddings.count == rows * model.hidden,
                "embeddings are [rows, hidden]")
            let axes = model.positionAxes
            precondition(
                sequence.positions.isEmpty || sequence.positions.count == rows * axes,
                "positions are [rows, axes]")
            entries.append(
                Entry(
                    firstPage: pages.count, firstRow: tokens.count, firstPosition: positions.count,
                    firstGate: gates.count, gateCount: sequence.gates.count,
                    firstElement: needsRows ? embeddings.count : nil, length: sequence.length, rows: rows,
                    logits: sequence.logits))
            pages += sequence.pages
            tokens += sequence.tokens
            if sequence.positions.isEmpty {
                for row in sequence.length..<end { positions += repeatElement(Int32(row), count: axes) }
            } else {
                positions += sequence.positions
            }
            gates += sequence.gates.map { gate in
                gh_gated_span(
                    begin: UInt32(gate.rows.lowerBound), end: UInt32(gate.rows.upperBound),
                    log_weight: gate.logWeight, reserved: 0)
            }
            if needsRows { embeddings += sequence.embeddings }
        }
    }

    /// Calls `body` with the C form, which is valid only during the call.
    func withSequences<Result>(_ body: (UnsafeBufferPointer<gh_sequence>) -> Result) -> Result {
        pages.withUnsafeBufferPointer { pages in
            tokens.withUnsafeBufferPointer { tokens in
                positions.withUnsafeBufferPointer { positions in
                    embeddings.withUnsafeBufferPointer { embeddings in
                        gates.withUnsafeBufferPointer { gates in
                            let sequences = entries.map { entry in
                                gh_sequence(
                                    pages: pages.baseAddress.map { $0 + entry.firstPage },
                                    tokens: tokens.baseAddress.map { $0 + entry.firstRow },
                                    embeddings: entry.firstElement.flatMap { first in
                                        embeddings.baseAddress.map { $0 + first }
                                    },
                                    positions: positions.baseAddress.map { $0 + entry.firstPosition },
                                    gates: gates.baseAddress.map { $0 + entry.firstGate },
                                    length: UInt32(entry.length), rows: UInt32(entry.rows),
                                    logits: UInt32(entry.logits), gate_count: UInt32(entry.gateCount))
                            }
                            return sequences.withUnsafeBufferPointer(body)
                        }
                    }
                }
            }
        }
    }
}
