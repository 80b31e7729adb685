import GatehouseNumerics
import Glibc
import Pictures

/// The vision tower of GLM-4.1V, `Glm4vVisionModel` of Hugging Face: pictures to rows in its decoder's space.
public struct Glm4vVisionTower: Sendable {
    public struct Configuration: Sendable, Equatable {
        public var width: Int
        public var heads: Int
        public var blocks: Int
        /// Pixels of a patch's side.
        public var patch: Int
        /// Pictures that a patch reaches through; a single picture counts as so many alike.
        public var frames: Int
        /// Patches of a side of what becomes one row.
        public var merge: Int
        /// Pixels of a side of the square that the positions were made for.
        public var image: Int
        /// Width of its rows, and of the blocks' feed-forward layers.
        public var output: Int
        /// Width of the merger's feed-forward layer.
        public var context: Int
        public var epsilon: Float
        public var theta: Double
        public var activation: Activation

        /// Reads `vision_config` of `config.json`.
        public init(_ file: ConfigurationFile) throws(TensorFileError) {
            width = try file.extent("hidden_size", default: 1536)
            heads = try file.extent("num_heads", default: 12)
            blocks = try file.extent("depth", default: 24)
            patch = try file.extent("patch_size", default: 14)
            frames = try file.extent("temporal_patch_size", default: 2)
            merge = try file.extent("spatial_merge_size", default: 2)
            image = try file.extent("image_size", default: 336)
            output = try file.extent("out_hidden_size", default: 4096)
            context = try file.extent("intermediate_size", default: 13696)
            epsilon = Float(try file.number("rms_norm_eps", default: 1e-5))
            let rotary = file.section("rope_parameters") ?? file
            theta = try rotary.number("rope_theta", default: 10000)
            activation = try file.activation("hidden_act", default: "silu")
            guard width % (4 * heads) == 0 else {
                throw file.error("num_heads", "heads of a multiple of 4 in width \(width)", "\(heads)")
            }
            guard try file.extent("in_channels", default: 3) == 3 else {
                throw file.error("in_channels", "3", file.summary("in_channels"))
            }
        }
    }

    /// What a file calls its tensors, without `.weight` and `.bias`.
    public struct Names: Sendable {
        let patch, patchNorm, positions, norm, downsample: String
        let projection, projectionNorm, gate, up, down: String
        /// Stands before the number of a block.
        let block: String
        let attentionNorm, stacked, output, feedForwardNorm, blockGate, blockUp, blockDown: String

        /// Of published checkpoints, under `visual.` or `model.visual.`.
        public static let checkpoint = Names(
            patch: "patch_embed.proj", patchNorm: "post_conv_layernorm",
            positions: "embeddings.position_embedding",
            norm: "post_layernorm", downsample: "downsample", projection: "merger.proj",
            projectionNorm: "merger.post_projection_norm", gate: "merger.gate_proj", up: "merger.up_proj",
            down: "merger.down_proj", block: "blocks", attentionNorm: "norm1", stacked: "attn.qkv",
            output: "attn.proj", feedForwardNorm: "norm2", blockGate: "mlp.gate_proj", blockUp: "mlp.up_proj",
            blockDown: "mlp.down_proj")

        /// Of `mmproj` files in GGUF format, as llama.cpp's converter writes them.
        public static let mmproj = Names(
            patch: "v.patch_embd", patchNorm: "v.norm_embd", positions: "v.position_embd", norm: "v.post_ln",
            downsample: "mm.patch_merger", projection: "mm.model.fc", projectionNorm: "mm.post_norm",
            gate: "mm.gate", up: "mm.up", down: "mm.down", block: "v.blk", attentionNorm: "ln1",
            stacked: "attn_qkv", output: "attn_out", feedForwardNorm: "ln2", blockGate: "ffn_gate",
            blockUp: "ffn_up", blockDown: "ffn_down")
    }

    private struct Block: Sendable {
        let attentionNorm: RMSNorm
        let stacked: Linear
        let output: Linear
        let feedForwardNorm: RMSNorm
        let gate: Linear
        let up: Linear
        let down: Linear
    }

    /// Patches that are taken at once where nothing asks for all of them.
    private static let panel = 2048

    public let configuration: Configuration
    private let embedding: Linear
    private let embeddingNorm: RMSNorm
    /// `[side², width]`.
    private let positions: Matrix
    private let blocks: [Block]
    private let norm: RMSNorm
    private let downsample: Linear
    private let projection: Linear
    private let projectionNorm: LayerNorm
    private let gate: Linear
    private let up: Linear
    private let down: Linear

    public init(
        _ configuration: Configuration, _ weights: WeightReader, _ names: Names
    ) throws(TensorFileError) {
        let (width, output, merge) = (configuration.width, configuration.output, configuration.merge)
        let (epsilon, context) = (configuration.epsilon, configuration.context)
        let side = configuration.image / configuration.patch
        embedding = Linear(
            weight: try Self.patchWeight(configuration, weights, names.patch),
            bias: try weights.bias(names.patch, width))
        embeddingNorm = try weights.rmsNorm(names.patchNorm, width, epsilon: epsilon)
        positions = try weights.floats("\(names.positions).weight", [side * side, width])
            .reshaped(columns: width)
        norm = try weights.rmsNorm(names.norm, width, epsilon: epsilon)
        downsample = Linear(
            weight: try Self.mergeWeight(
                weights.floats("\(names.downsample).weight", [output, width, merge, merge]), configuration),
            bias: try weights.bias(names.downsample, output))
        projection = try weights.linear(names.projection, inputs: output, outputs: output)
        projectionNorm = try weights.layerNorm(names.projectionNorm, output, epsilon: 1e-5)
        gate = try weights.linear(names.gate, inputs: output, outputs: context)
        up = try weights.linear(names.up, inputs: output, outputs: context)
        down = try weights.linear(names.down, inputs: context, outputs: output)
        var blocks: [Block] = []
        for index in 0..<configuration.blocks {
            let block = weights.under("\(names.block).\(index)")
            blocks.append(
                Block(
                    attentionNorm: try block.rmsNorm(names.attentionNorm, width, epsilon: epsilon),
                    stacked: try block.linear(names.stacked, inputs: width, outputs: 3 * width),
                    output: try block.linear(names.output, inputs: width, outputs: width),
                    feedForwardNorm: try block.rmsNorm(names.feedForwardNorm, width, epsilon: epsilon),
                    gate: try block.linear(names.blockGate, inputs: width, outputs: output),
                    up: try block.linear(names.blockUp, inputs: width, outputs: output),
                    down: try block.linear(names.blockDown, inputs: output, outputs: width)))
        }
        self.configuration = configuration
        self.blocks = blocks
    }

    /// Rows for the decoder, `[patches / merge², output]`, row by row of the picture, and the grid that they lie in.
    public func rows(
        _ image: PixelImage, levels: [Float], _ team: ThreadTeam, _ job: EncoderJob = EncoderJob()
    ) throws(PictureError) -> (rows: Matrix, height: Int, width: Int) {
        let merge = configuration.merge
        let grid = PatchGrid(
            height: image.height, width: image.width, patch: configuration.patch, merge: merge)
        guard grid.count > 0 else {
            let least = configuration.patch * merge
            throw .badInput(
                "the image is \(image.width) × \(image.height) pixels once resized: at least \(least) × \(least) are needed"
            )
        }
        let x = try embed(image, grid, levels, team, job)
        let angles = angles(grid)
        // Blocks cost the most by far; the merger counts as one.
        let steps = Double(blocks.count + 1)
        for (index, block) in blocks.enumerated() {
            try attend(x, block, angles, team, job)
            try feedForward(x, block, team, job)
            job.progress(Double(index + 1) / steps)
        }
        let rows = try merged(x, team, job)
        job.progress(1)
        return (rows, grid.rows / merge, grid.columns / merge)
    }

    // MARK: Steps

    private func embed(
        _ image: PixelImage, _ grid: PatchGrid, _ levels: [Float], _ team: ThreadTeam, _ job: EncoderJob
    ) throws(PictureError) -> Matrix {
        let width = configuration.width
        let side = configuration.image / configuration.patch
        let x = Matrix(uninitializedRows: grid.count, columns: width)
        let samples = Matrix(uninitializedRows: min(Self.panel, grid.count), columns: embedding.inputs)
        for panel in Self.panels(grid.count) {
            try job.check()
            let part = samples.rows(0..<panel.count)
            grid.gather(image, panel, levels: levels, team, into: part)
            team.linear(part, embedding, into: x.rows(panel))
            team.normalize(x.rows(panel), embeddingNorm, into: x.rows(panel))
        }
        let inOrder = Matrix(uninitializedRows: grid.count, columns: width)
        team.interpolate(
            positions, from: (side, side), to: (grid.rows, grid.columns), .bicubic, into: inOrder)
        team.split(grid.count) { patches in
            for patch in patches {
                let place = grid.place(patch)
                let position = inOrder.row(place.row * grid.columns + place.column)
                let row = x.row(patch)
                for column in 0..<width { row[column] += position[column] }
            }
        }
        return x
    }

    /// The first quarter of a head's pairs turns with the row, the second with the column.
    private func angles(_ grid: PatchGrid) -> RotaryAngles {
        let quarter = configuration.width / configuration.heads / 4
        let frequencies = (0..<quarter).map { pow(configuration.theta, -Double($0) / Double(quarter)) }
        let cosines = Matrix(uninitializedRows: grid.count, columns: 2 * quarter)
        let sines = Matrix(uninitializedRows: grid.count, columns: 2 * quarter)
        // In float32, as the reference has them.
        let table = (0..<max(grid.rows, grid.columns)).map { place in
            frequencies.map { frequency in
                let angle = Float(place) * Float(frequency)
                return (cosine: cosf(angle), sine: sinf(angle))
            }
        }
        for patch in 0..<grid.count {
            let place = grid.place(patch)
            for index in 0..<quarter {
                cosines.row(patch)[index] = table[place.row][index].cosine
                sines.row(patch)[index] = table[place.row][index].sine
                cosines.row(patch)[quarter + index] = table[place.column][index].cosine
                sines.row(patch)[quarter + index] = table[place.column][index].sine
            }
        }
        return RotaryAngles(cosines: cosines, sines: sines)
    }

    private func attend(
        _ x: Matrix, _ block: Block, _ angles: RotaryAngles, _ team: ThreadTeam, _ job: EncoderJob
    ) throws(PictureError) {
        let width = configuration.width
        let stacked = Matrix(uninitializedRows: x.rows, columns: 3 * width)
        let normed = Matrix(uninitializedRows: x.rows, columns: width)
        for panel in Self.panels(x.rows) {
            try job.check()
            let part = stacked.rows(panel)
            team.normalize(x.rows(panel), block.attentionNorm, into: normed.rows(panel))
            team.linear(normed.rows(panel), block.stacked, into: part)
            team.rotate(
                part.columns(0..<2 * width), heads: 2 * configuration.heads,
                by: RotaryAngles(cosines: angles.cosines.rows(panel), sines: angles.sines.rows(panel)))
        }
        let scale = 1 / Float(width / configuration.heads).squareRoot()
        team.attention(
            stacked.columns(0..<width), stacked.columns(width..<2 * width),
            stacked.columns(2 * width..<3 * width), heads: configuration.heads, scale: scale, into: normed,
            isCancelled: job.isCancelled)
        for panel in Self.panels(x.rows) {
            try job.check()
            team.linear(normed.rows(panel), block.output, addingTo: x.rows(panel))
        }
    }

    private func feedForward(
        _ x: Matrix, _ block: Block, _ team: ThreadTeam, _ job: EncoderJob
    ) throws(PictureError) {
        let most = min(Self.panel, x.rows)
        let normed = Matrix(uninitializedRows: most, columns: configuration.width)
        let hidden = Matrix(uninitializedRows: most, columns: configuration.output)
        let scratch = Matrix(uninitializedRows: most, columns: configuration.output)
        for panel in Self.panels(x.rows) {
            try job.check()
            let rows = 0..<panel.count
            team.normalize(x.rows(panel), block.feedForwardNorm, into: normed.rows(rows))
            team.gatedLinear(
                normed.rows(rows), gate: block.gate, up: block.up, configuration.activation,
                scratch: scratch.rows(rows), into: hidden.rows(rows))
            team.linear(hidden.rows(rows), block.down, addingTo: x.rows(panel))
        }
    }

    private func merged(_ x: Matrix, _ team: ThreadTeam, _ job: EncoderJob) throws(PictureError) -> Matrix {
        let cells = configuration.merge * configuration.merge
        let output = Matrix(uninitializedRows: x.rows / cells, columns: configuration.output)
        let most = min(Self.panel, output.rows)
        let joined = Matrix(uninitializedRows: most, columns: configuration.output)
        let projected = Matrix(uninitializedRows: most, columns: configuration.output)
        let hidden = Matrix(uninitializedRows: most, columns: configuration.context)
        let scratch = Matrix(uninitializedRows: most, columns: configuration.context)
        team.normalize(x, norm, into: x)
        // The patches of a cell stand next to each other.
        let grouped = x.reshaped(columns: cells * configuration.width)
        for panel in Self.panels(output.rows) {
            try job.check()
            let rows = 0..<panel.count
            team.linear(grouped.rows(panel), downsample, into: joined.rows(rows))
            team.linear(joined.rows(rows), projection, into: projected.rows(rows))
            team.normalize(projected.rows(rows), projectionNorm, into: projected.rows(rows))
            team.activate(projected.rows(rows), .gelu)
            try job.check()
            team.gatedLinear(
                projected.rows(rows), gate: gate, up: up, configuration.activation,
                scratch: scratch.rows(rows), into: hidden.rows(rows))
            team.linear(hidden.rows(rows), down, into: output.rows(panel))
        }
        return output
    }

    private static func panels(_ count: Int) -> [Range<Int>] {
        stride(from: 0, to: count, by: panel).map { $0..<min(count, $0 + panel) }
    }

    // MARK: Weights

    /// The kernel summed over its frames, which all see the same picture: `[width, 3 × patch × patch]`.
    private static func patchWeight(
        _ configuration: Configuration, _ weights: WeightReader, _ name: String
    ) throws(TensorFileError) -> WeightMatrix {
        let (width, frames, patch) = (configuration.width, configuration.frames, configuration.patch)
        let area = patch * patch
        let summed = Matrix(rows: width, columns: 3 * area)
        // One tensor with all frames, or one for each.
        let apart = weights.has("\(name).weight.1")
        let joined = apart ? nil : try weights.floats("\(name).weight", [width, 3, frames, patch, patch])
        for frame in 0..<frames {
            let kernel: Matrix
            if let joined {
                kernel = joined
            } else {
                let part = frame == 0 ? "\(name).weight" : "\(name).weight.\(frame)"
                kernel = try weights.floats(part, [width, 3, patch, patch])
            }
            for plane in 0..<width * 3 {
                let from = kernel.base + (apart ? plane : plane * frames + frame) * area
                let to = summed.base + plane * area
                for pixel in 0..<area { to[pixel] += from[pixel] }
            }
        }
        return WeightMatrix(summed)
    }

    /// `[output, width, merge, merge]` to `[output, merge × merge × width]`, as the patches of a cell stand.
    private static func mergeWeight(_ kernel: Matrix, _ configuration: Configuration) -> WeightMatrix {
        let (width, cells) = (configuration.width, configuration.merge * configuration.merge)
        let turned = Matrix(uninitializedRows: configuration.output, columns: cells * width)
        for output in 0..<configuration.output {
            let from = kernel.base + output * width * cells
            let row = turned.row(output)
            for channel in 0..<width {
                for cell in 0..<cells { row[cell * width + channel] = from[channel * cells + cell] }
            }
        }
        return WeightMatrix(turned)
    }
}
