import GatehouseNumerics
import Pictures

/// A Vision Transformer in the format of Hugging Face's `ViTModel`, or such a one on a ``ResidualStem``: Dosovitskiy et al.,
/// "An image is worth 16x16 words" (2021).
public struct VisionTransformer: Sendable {
    public struct Configuration: Sendable {
        public let width: Int
        public let heads: Int
        public let blocks: Int
        public let hidden: Int
        /// Pixels of a patch's side.
        public let patch: Int
        /// Pixels of a side of the pictures it was trained on.
        public let image: Int
        public let epsilon: Float
        public let activation: Activation
        /// What makes a row of a patch.
        public let patchEmbedding: PatchEmbedding

        /// Names of `patch_embedding` in `config.json`, which published ones do not have.
        public enum PatchEmbedding: String, Sendable, CaseIterable {
            /// One product with its pixels.
            case linear
            case resnet
        }

        public init(_ file: ConfigurationFile) throws(TensorFileError) {
            width = try file.extent("hidden_size", default: 768)
            heads = try file.extent("num_attention_heads", default: 12)
            blocks = try file.extent("num_hidden_layers", default: 12)
            hidden = try file.extent("intermediate_size", default: 3072)
            patch = try file.extent("patch_size", default: 16)
            image = try file.extent("image_size", default: 224)
            epsilon = Float(try file.number("layer_norm_eps", default: 1e-12))
            activation = try file.activation("hidden_act", default: "gelu")
            let embedding = try file.string("patch_embedding", default: "linear")
            guard let embedding = PatchEmbedding(rawValue: embedding) else {
                let known = PatchEmbedding.allCases.map(\.rawValue).joined(separator: ", ")
                throw file.error("patch_embedding", "one of \(known)", "\"\(embedding)\"")
            }
            patchEmbedding = embedding
            let (patch, width) = (patch, width)
            guard embedding == .linear || patch > 1 && patch & (patch - 1) == 0 && 2 * width % patch == 0
            else {
                throw file.error(
                    "patch_size", "a power of two that divides twice hidden_size \(width)", "\(patch)")
            }
            guard width % heads == 0 else {
                throw file.error("num_attention_heads", "a divisor of hidden_size \(width)", "\(heads)")
            }
            guard try file.extent("num_channels", default: 3) == 3 else {
                throw file.error("num_channels", "3", file.summary("num_channels"))
            }
        }
    }

    private struct Block: Sendable {
        let attentionNorm: LayerNorm
        let stacked: Linear
        let output: Linear
        let feedForwardNorm: LayerNorm
        let up: Linear
        let down: Linear
    }

    private enum Embedding: Sendable {
        case linear(Linear)
        case resnet(ResidualStem)
    }

    public let configuration: Configuration
    private let embedding: Embedding
    /// Class token, as one row.
    private let classToken: Matrix
    /// `[1 + side², width]`: the class token's, then a square of them.
    private let positions: Matrix
    private let blocks: [Block]
    private let norm: LayerNorm

    public init(_ configuration: Configuration, _ weights: WeightReader) throws(TensorFileError) {
        let (width, hidden) = (configuration.width, configuration.hidden)
        let side = configuration.image / configuration.patch
        let weights = weights.has("vit.embeddings.cls_token") ? weights.under("vit") : weights
        let embeddings = weights.under("embeddings")
        embedding =
            switch configuration.patchEmbedding {
            case .linear:
                .linear(
                    Linear(
                        weight: try embeddings.weight(
                            "patch_embeddings.projection.weight",
                            [width, 3, configuration.patch, configuration.patch]),
                        bias: try embeddings.bias("patch_embeddings.projection", width)))
            case .resnet:
                .resnet(
                    try ResidualStem(
                        width: width, patch: configuration.patch, embeddings.under("patch_embeddings.stem")))
            }
        classToken = try embeddings.floats("cls_token", [1, 1, width])
        positions = try embeddings.floats("position_embeddings", [1, 1 + side * side, width])
            .reshaped(columns: width)
        norm = try weights.layerNorm("layernorm", width, epsilon: configuration.epsilon)
        var blocks: [Block] = []
        for index in 0..<configuration.blocks {
            // The names of published files, or those that newer versions of the library have inside.
            let published = weights.has("encoder.layer.\(index).layernorm_before.weight")
            let block = weights.under(published ? "encoder.layer.\(index)" : "layers.\(index)")
            let attention = published ? "attention.attention." : "attention."
            let names = published ? ["query", "key", "value"] : ["q_proj", "k_proj", "v_proj"]
            blocks.append(
                Block(
                    attentionNorm: try block.layerNorm(
                        "layernorm_before", width, epsilon: configuration.epsilon),
                    stacked: try block.stacked(names.map { attention + $0 }, inputs: width, outputs: width),
                    output: try block.linear(
                        published ? "attention.output.dense" : "attention.o_proj", inputs: width,
                        outputs: width),
                    feedForwardNorm: try block.layerNorm(
                        "layernorm_after", width, epsilon: configuration.epsilon),
                    up: try block.linear(
                        published ? "intermediate.dense" : "mlp.fc1", inputs: width, outputs: hidden),
                    down: try block.linear(
                        published ? "output.dense" : "mlp.fc2", inputs: hidden, outputs: width)))
        }
        self.configuration = configuration
        self.blocks = blocks
    }

    /// The last hidden state, `[1 + patches, width]`, the class token first. `levels` normalises the picture's samples.
    public func features(
        _ image: PixelImage, levels: [Float], _ team: ThreadTeam, _ job: EncoderJob = EncoderJob()
    ) throws(PictureError) -> Matrix {
        let grid = PatchGrid(height: image.height, width: image.width, patch: configuration.patch)
        guard grid.count > 0 else {
            throw .badInput(
                "the image is \(image.width) × \(image.height) pixels once resized: at least a patch of \(configuration.patch) × \(configuration.patch) is needed"
            )
        }
        let width = configuration.width
        let x = Matrix(uninitializedRows: 1 + grid.count, columns: width)
        embed(image, grid, levels, team, into: x)

        let normed = Matrix(uninitializedRows: x.rows, columns: width)
        let stacked = Matrix(uninitializedRows: x.rows, columns: 3 * width)
        let hidden = Matrix(uninitializedRows: x.rows, columns: configuration.hidden)
        let scale = 1 / Float(width / configuration.heads).squareRoot()
        // Between two attentions a thread takes its tokens through every layer, so that they stay in its own caches.
        team.split(x.rows, unit: ThreadTeam.rowUnit) { project($0, of: x, blocks[0], normed, stacked) }
        for (index, block) in blocks.enumerated() {
            try job.check()
            team.attention(
                stacked.columns(0..<width), stacked.columns(width..<2 * width),
                stacked.columns(2 * width..<3 * width), heads: configuration.heads, scale: scale,
                into: normed,
                isCancelled: job.isCancelled)
            try job.check()
            team.split(x.rows, unit: ThreadTeam.rowUnit) { rows in
                finish(rows, of: x, block, normed, hidden)
                if index + 1 < blocks.count {
                    project(rows, of: x, blocks[index + 1], normed, stacked)
                } else {
                    ThreadTeam.alone.normalize(x.rows(rows), norm, into: x.rows(rows))
                }
            }
            job.progress(Double(index + 1) / Double(blocks.count))
        }
        try job.check()
        return x
    }

    /// Queries, keys and values of some tokens, on the caller's thread.
    private func project(
        _ rows: Range<Int>, of x: Matrix, _ block: Block, _ normed: Matrix, _ stacked: Matrix
    ) {
        ThreadTeam.alone.normalize(x.rows(rows), block.attentionNorm, into: normed.rows(rows))
        ThreadTeam.alone.linear(normed.rows(rows), block.stacked, into: stacked.rows(rows))
    }

    /// What follows the attention, `normed`, of some tokens, on the caller's thread.
    private func finish(
        _ rows: Range<Int>, of x: Matrix, _ block: Block, _ normed: Matrix, _ hidden: Matrix
    ) {
        let (x, normed, hidden) = (x.rows(rows), normed.rows(rows), hidden.rows(rows))
        ThreadTeam.alone.linear(normed, block.output, addingTo: x)
        ThreadTeam.alone.normalize(x, block.feedForwardNorm, into: normed)
        ThreadTeam.alone.linear(normed, block.up, configuration.activation, into: hidden)
        ThreadTeam.alone.linear(hidden, block.down, addingTo: x)
    }

    /// Class token and patches, each with its position.
    private func embed(
        _ image: PixelImage, _ grid: PatchGrid, _ levels: [Float], _ team: ThreadTeam, into x: Matrix
    ) {
        let side = configuration.image / configuration.patch
        let first = x.row(0)
        for column in 0..<x.columns { first[column] = classToken.row(0)[column] + positions.row(0)[column] }
        let patches = x.rows(1..<x.rows)
        team.interpolate(
            positions.rows(1..<positions.rows), from: (side, side), to: (grid.rows, grid.columns), .bicubic,
            into: patches)
        switch embedding {
        case .linear(let layer):
            let samples = Matrix(uninitializedRows: grid.count, columns: layer.inputs)
            grid.gather(image, 0..<grid.count, levels: levels, team, into: samples)
            team.linear(samples, layer, addingTo: patches)
        case .resnet(let stem):
            let rows = stem.rows(image, grid, levels, team)
            for index in 0..<grid.count {
                let (patch, row) = (patches.row(index), rows.row(index))
                for column in patch.indices { patch[column] += row[column] }
            }
        }
    }
}
