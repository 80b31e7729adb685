import GatehouseNumerics
import Sounds
import Synchronization

/// A FastConformer in the format of Hugging Face's `ParakeetForCTC`: Rekesh et al., "Fast Conformer with linearly scalable
/// attention" (2023). Features to states, and with a head to scores of pieces.
public struct ConformerEncoder: Sendable {
    public let configuration: ConformerConfiguration
    let subsampling: Subsampling
    let blocks: [ConformerBlock]
    private let head: Linear?
    private let positions: PositionTable

    /// - Parameter weights: of the whole checkpoint.
    public init(
        _ configuration: ConformerConfiguration, _ weights: WeightReader
    ) throws(TensorFileError) {
        let encoder = configuration.vocabulary == nil ? weights : weights.under("encoder")
        subsampling = try Subsampling(configuration, encoder.under("subsampling"))
        var blocks: [ConformerBlock] = []
        for index in 0..<configuration.blocks {
            blocks.append(try ConformerBlock(configuration, encoder.under("layers.\(index)")))
        }
        self.blocks = blocks
        if let vocabulary = configuration.vocabulary {
            head = Linear(
                weight: try weights.weight("ctc_head.weight", [vocabulary, configuration.width, 1]),
                bias: try weights.bias("ctc_head", vocabulary))
        } else {
            head = nil
        }
        self.configuration = configuration
        positions = PositionTable(
            layers: blocks.map(\.relative), width: configuration.width, heads: configuration.heads)
    }

    /// Rows of states for so many frames of features.
    public func rows(_ frames: Int) -> Int { subsampling.rows(frames) }

    /// The last hidden state of an utterance, `[rows, width]`, from `[frames, bands]`.
    public func states(
        _ features: Matrix, _ team: ThreadTeam, _ job: EncoderJob = EncoderJob()
    ) throws(SoundError) -> Matrix {
        try job.check()
        let x = subsampling.apply(features, team)
        let keys = positions.keys(span: x.rows, team)
        let room = ConformerBlock.Workspace(configuration, rows: x.rows)
        for (index, block) in blocks.enumerated() {
            try job.check()
            block.apply(x, keys[index], memory: nil, kept: 0, room, team)
            job.progress(Double(index + 1) / Double(blocks.count))
        }
        return x
    }

    /// Scores of pieces before the softmax, `[rows, vocabulary]`; nil without a head.
    public func scores(_ states: Matrix, _ team: ThreadTeam) -> Matrix? {
        guard let head else { return nil }
        let scores = Matrix(uninitializedRows: states.rows, columns: head.outputs)
        team.linear(states, head, into: scores)
        return scores
    }

    /// What the blocks compare queries with, for distances smaller than `span`.
    func keys(span: Int, _ team: ThreadTeam) -> [RelativeKeys] { positions.keys(span: span, team) }
}

/// Keys of distances for every block, made when a longer utterance than ever comes.
private final class PositionTable: Sendable {
    /// Spans are multiples of this.
    private static let step = 64

    private let layers: [Linear]
    private let width: Int
    private let heads: Int
    private let made = Mutex<[RelativeKeys]>([])

    init(layers: [Linear], width: Int, heads: Int) {
        self.layers = layers
        self.width = width
        self.heads = heads
    }

    func keys(span: Int, _ team: ThreadTeam) -> [RelativeKeys] {
        made.withLock { made in
            if let first = made.first, first.span >= span { return made }
            let span = (span + Self.step - 1) / Self.step * Self.step
            let rows = RelativeKeys.sinusoids(span: span, width: width)
            made = layers.map { layer in
                let keys = Matrix(uninitializedRows: rows.rows, columns: layer.outputs)
                team.linear(rows, layer, into: keys)
                return RelativeKeys(keys, heads: heads, team)
            }
            return made
        }
    }
}

extension EncoderJob {
    /// Throws ``SoundError/cancelled`` where the result is no longer wanted.
    public func check() throws(SoundError) {
        if isCancelled() { throw .cancelled }
    }
}
