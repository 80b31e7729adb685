import Foundation

/// The slow, plain decoder that the real one is held to: every family, one sequence at a time, no cache, no batch, no
/// threads, no pages. It shares no code with the host.
public struct ReferenceDecoder: Sendable {
    /// A block. A norm that its family lacks is nil.
    public struct Layer: Sendable {
        public var attentionNorm: [Float]
        public var query: Linear
        public var key: Linear
        public var value: Linear
        public var attentionOutput: Linear
        public var postAttentionNorm: [Float]?
        public var feedForwardNorm: [Float]
        public var gate: Linear
        public var up: Linear
        public var down: Linear
        public var postFeedForwardNorm: [Float]?

        public init(
            attentionNorm: [Float], query: Linear, key: Linear, value: Linear, attentionOutput: Linear,
            postAttentionNorm: [Float]? = nil, feedForwardNorm: [Float], gate: Linear, up: Linear,
            down: Linear,
            postFeedForwardNorm: [Float]? = nil
        ) {
            self.attentionNorm = attentionNorm
            self.query = query
            self.key = key
            self.value = value
            self.attentionOutput = attentionOutput
            self.postAttentionNorm = postAttentionNorm
            self.feedForwardNorm = feedForwardNorm
            self.gate = gate
            self.up = up
            self.down = down
            self.postFeedForwardNorm = postFeedForwardNorm
        }
    }

    public var heads: Int
    /// Divides `heads`: each key head serves heads / keyValueHeads queries in turn.
    public var keyValueHeads: Int
    public var hidden: Int
    public var rotary: Rotary
    public var normEpsilon: Double
    /// `[vocabulary, hidden]`
    public var embedding: [Float]
    public var layers: [Layer]
    public var outputNorm: [Float]
    /// `[vocabulary, hidden]`; the embedding where tied.
    public var output: Linear

    public init(
        heads: Int, keyValueHeads: Int, hidden: Int, rotary: Rotary, normEpsilon: Double, embedding: [Float],
        layers: [Layer], outputNorm: [Float], output: Linear
    ) {
        self.heads = heads
        self.keyValueHeads = keyValueHeads
        self.hidden = hidden
        self.rotary = rotary
        self.normEpsilon = normEpsilon
        self.embedding = embedding
        self.layers = layers
        self.outputNorm = outputNorm
        self.output = output
    }

    /// Logits of every position, `[rows, vocabulary]`.
    public func logits(_ prompt: ReferencePrompt) -> [[Double]] {
        logits(prompt) { _, _, _, _ in }
    }

    /// The share of its attention that each head pays to a segment from each row after it:
    /// `[layers, heads, rows after it]`.
    public func attentionMass(_ prompt: ReferencePrompt, on segment: Range<Int>) -> [[[Double]]] {
        var mass = layers.map { _ in [[Double]](repeating: [], count: heads) }
        _ = logits(prompt) { layer, head, row, weights in
            guard row >= segment.upperBound else { return }
            mass[layer][head].append(weights[segment].reduce(0, +))
        }
        return mass
    }

    /// - Parameter observe: Told for each layer, head and row what weight every row up to it has.
    private func logits(
        _ prompt: ReferencePrompt, observe: (_ layer: Int, _ head: Int, _ row: Int, [Double]) -> Void
    ) -> [[Double]] {
        var residual = prompt.rows.map(embed)
        for (index, layer) in layers.enumerated() {
            let attended = attend(residual.map { norm($0, layer.attentionNorm) }, layer, prompt) {
                observe(index, $0, $1, $2)
            }
            residual = zip(residual, attended).map { add($0, norm($1, layer.postAttentionNorm)) }
            residual = residual.map { row in
                let change = swiGLU(
                    norm(row, layer.feedForwardNorm), gate: layer.gate, up: layer.up, down: layer.down)
                return add(row, norm(change, layer.postFeedForwardNorm))
            }
        }
        return residual.map { linear(norm($0, outputNorm), output) }
    }

    public func logits(_ tokens: [Int32]) -> [[Double]] {
        logits(ReferencePrompt(tokens: tokens))
    }

    /// The row that enters the first block.
    func embed(_ row: ReferencePrompt.Row) -> [Double] {
        switch row {
        case .token(let id): embedding[id * hidden..<(id + 1) * hidden].map(Double.init)
        case .embedding(let values): values.map(Double.init)
        }
    }

    private func norm(_ row: [Double], _ weight: [Float]?) -> [Double] {
        guard let weight else { return row }
        return rmsNorm(row, weight, epsilon: normEpsilon)
    }

    private func add(_ row: [Double], _ change: [Double]) -> [Double] {
        zip(row, change).map { $0 + $1 }
    }

    /// Causal attention with grouped queries: Ainslie et al., "GQA" (2023).
    /// - Parameter rows: Normalised, `[rows, hidden]`.
    private func attend(
        _ rows: [[Double]], _ layer: Layer, _ prompt: ReferencePrompt,
        observe: (_ head: Int, _ row: Int, [Double]) -> Void
    ) -> [[Double]] {
        func turned(_ projection: Linear, heads: Int) -> [[[Double]]] {
            zip(rows, prompt.positions).map { row, position in
                split(linear(row, projection), heads).map { rotary($0, position: position) }
            }
        }
        let queries = turned(layer.query, heads: heads)
        let keys = turned(layer.key, heads: keyValueHeads)
        let values = rows.map { split(linear($0, layer.value), keyValueHeads) }
        return rows.indices.map { row in
            let biases = (0...row).map { bias(of: row, to: $0, prompt.gates) }
            let attended = (0..<heads).flatMap { head in
                let group = head / (heads / keyValueHeads)
                let (output, weights) = attention(
                    queries[row][head], keys: keys[...row].map { $0[group] },
                    values: values[...row].map { $0[group] }, biases: biases)
                observe(head, row, weights)
                return output
            }
            return linear(attended, layer.attentionOutput)
        }
    }

    /// The gate's share of a score: log α where the query lies after the end of the key's segment, so that the
    /// unnormalised attention is multiplied by α.
    private func bias(of query: Int, to key: Int, _ gates: [ReferencePrompt.Gate]) -> Double {
        gates.reduce(0) { sum, gate in
            gate.segment.contains(key) && query >= gate.segment.upperBound ? sum + log(gate.weight) : sum
        }
    }

    /// A row cut into `count` heads.
    private func split(_ row: [Double], _ count: Int) -> [[Double]] {
        let width = row.count / count
        return (0..<count).map { Array(row[$0 * width..<($0 + 1) * width]) }
    }
}
