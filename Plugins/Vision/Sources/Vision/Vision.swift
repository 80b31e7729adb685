import Encoders
import GatehouseNumerics
import GatehouseSDK
import Pictures

/// Shows pictures to the decoder: as rows in its own space, or as soft tokens.
final class Vision: ModalityPlugin {
    static let descriptor = PluginDescriptor(
        id: "vision", name: "Vision", vendor: "Gatehouse", version: "0.1.0", license: "Apache-2.0",
        modality: "image", mediaTypes: PictureFormat.allCases.map(\.rawValue), outputKinds: [.rows, .soft],
        configurationSchema: Configuration.schema, weightsManifest: weightsManifest, needsWeights: true)

    private static let weightsManifest = """
        {"files": [\
        {"name": "config.json", "description": "of a checkpoint whose model_type is vit or glm4v"}, \
        {"name": "model.safetensors", "description": "its weights, or shards with their index"}, \
        {"name": "preprocessor_config.json", "description": "how pictures are resized and normalised"}, \
        {"name": "projector.safetensors", "description": "for vit: features to rows of a decoder"}, \
        {"name": "soft_head.safetensors", "description": "for vit, in its place: features to soft tokens"}]}
        """

    let outputs: PluginOutputs
    private let model: VisionModel
    private let team: ThreadTeam

    init(_ context: CreateContext) throws(PluginError) {
        let configuration = try Configuration(json: context.configuration)
        guard let path = context.weights else {
            throw .noWeights(
                "weights: expected the folder of a vit or glm4v checkpoint, found none configured")
        }
        do {
            model = try VisionModel(
                path: path, leastPixels: configuration.leastPixels, mostPixels: configuration.mostPixels)
        } catch {
            throw .noWeights("\(error)")
        }
        do { team = try ThreadTeam(threads: context.threads) } catch { throw .unavailable("\(error)") }
        outputs = Self.outputs(model, context.decoder)
    }

    func encode(_ input: Input, into sink: Sink, job: Job) throws(PluginError) {
        for (index, part) in input.enumerated() {
            // One alone needs no number.
            let which = input.count > 1 ? "part \(index + 1): " : ""
            guard part.kind == .encoded, let format = PictureFormat(rawValue: part.mediaType) else {
                throw .unsupported("\(which)expected the bytes of an image, found \(part.kind)")
            }
            let output: VisionModel.Output
            do {
                output = try made(part.bytes, format, index, of: input.count, job)
            } catch {
                switch error {
                case .badInput(let message): throw .badInput(which + message)
                case .outOfMemory(let message): throw .outOfMemory(which + message)
                case .cancelled: throw .cancelled
                }
            }
            try send(output, part: index, to: sink)
        }
    }

    private func made(
        _ bytes: UnsafeRawBufferPointer, _ format: PictureFormat, _ index: Int, of count: Int, _ job: Job
    ) throws(PictureError) -> VisionModel.Output {
        let job = EncoderJob(
            isCancelled: { job.isCancelled }, progress: { job.progress((Double(index) + $0) / Double(count)) }
        )
        let image = try PixelImage(decoding: bytes, as: format, isCancelled: job.isCancelled)
        return try model.encode(image, team, job)
    }

    private func send(_ output: VisionModel.Output, part: Int, to sink: Sink) throws(PluginError) {
        switch output {
        case .soft(let slots): try sink.soft(slots.map { SoftSlot($0) }, part: part)
        case .rows(let rows, let height, let width):
            var shape = RowShape(rows: rows.rows, width: rows.columns)
            if height > 0 {
                shape.grid = (1, height, width)
                shape.positions = (0..<rows.rows).flatMap { [0, Int32($0 / width), Int32($0 % width)] }
            }
            try sink.rows(shape, part: part) { memory throws(PluginError) in
                for row in 0..<rows.rows {
                    (memory.baseAddress.map { $0 + row * rows.columns })?
                        .update(from: rows.base + row * rows.stride, count: rows.columns)
                }
            }
        }
    }

    private static func outputs(_ model: VisionModel, _ decoder: Decoder?) -> PluginOutputs {
        guard let width = model.width else { return PluginOutputs(kinds: .soft) }
        let identity = DecoderIdentity(
            ofRows: width, named: model.decoder, family: model.family, atHand: decoder?.identity)
        return PluginOutputs(kinds: .rows, width: width, decoder: identity)
    }
}

@c @implementation
public func gatehouse_plugin_entry() -> UnsafePointer<GatehouseEntry> { export(Vision.self) }
