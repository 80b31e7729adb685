import GatehouseNumerics
import Glibc
import Pictures

/// A checkpoint that turns pictures into something a decoder reads: encoder, processor and head together.
public struct VisionModel: Sendable {
    public enum Output: Sendable {
        /// Rows in a decoder's space; a grid of 0 × 0 where their places are not told.
        case rows(Matrix, height: Int, width: Int)
        case soft([[(text: String, weight: Float)]])
    }

    private enum Encoder: Sendable {
        case transformer(VisionTransformer, Head)
        case glm4v(Glm4vVisionTower)
    }

    private enum Head: Sendable {
        case projector(Projector)
        case soft(SoftTokenHead)
    }

    private let encoder: Encoder
    private let processor: ImageProcessor

    /// Opens a folder that has `config.json` beside its weights, of a `vit` or a `glm4v` checkpoint; or a file in GGUF format,
    /// the `mmproj` of a `glm4v` model.
    ///
    /// - Parameters:
    ///   - leastPixels: for GLM-4.1V, in place of what the checkpoint's processor says.
    ///   - mostPixels: likewise.
    public init(path: String, leastPixels: Int? = nil, mostPixels: Int? = nil) throws(TensorFileError) {
        // By what it is, not by its name, which a store may change.
        var status = stat()
        if stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG {
            try self.init(mmproj: path, leastPixels, mostPixels)
        } else {
            try self.init(folder: path, leastPixels, mostPixels)
        }
    }

    private init(mmproj path: String, _ leastPixels: Int?, _ mostPixels: Int?) throws(TensorFileError) {
        let file = try GGUFContents(path: path)
        let configuration = try Glm4vVisionTower.Configuration(mmproj: file)
        encoder = .glm4v(
            try Glm4vVisionTower(configuration, WeightReader(file, residency: .stored), .mmproj))
        processor = Self.bounded(
            try ImageProcessor(mmproj: file, patch: configuration.patch, merge: configuration.merge),
            leastPixels, mostPixels)
    }

    private init(folder: String, _ leastPixels: Int?, _ mostPixels: Int?) throws(TensorFileError) {
        let file = try ConfigurationFile(path: "\(folder)/config.json")
        let type = try file.string("model_type", default: "")
        let processor = try Self.processorFile(folder)
        switch type {
        case "vit":
            let configuration = try VisionTransformer.Configuration(file)
            let weights = WeightReader(try SafetensorsCheckpoint(path: folder))
            let transformer = try VisionTransformer(configuration, weights)
            encoder = .transformer(transformer, try Self.head(folder, width: configuration.width))
            self.processor = try ImageProcessor(processor, kind: .vit)
        case "glm4v", "glm4v_vision":
            // A checkpoint's configuration has the tower's inside; one of the tower alone is it.
            let section = file.section("vision_config") ?? file
            let configuration = try Glm4vVisionTower.Configuration(section)
            let checkpoint = try SafetensorsCheckpoint(path: folder)
            let name = "patch_embed.proj.weight"
            let prefix = ["model.visual.", "visual.", ""].first {
                checkpoint.tensor(named: $0 + name) != nil
            }
            guard let prefix else {
                throw TensorFileError(
                    path: folder, field: "tensor model.visual.\(name)", expected: "a vision tower",
                    found: "no such tensor, nor one of visual.\(name)")
            }
            encoder = .glm4v(
                try Glm4vVisionTower(
                    configuration, WeightReader(checkpoint, prefix: prefix, residency: .stored), .checkpoint))
            self.processor = try Self.bounded(
                ImageProcessor(
                    processor, kind: .glm4v(patch: configuration.patch, merge: configuration.merge)),
                leastPixels, mostPixels)
        default:
            throw file.error("model_type", "\"vit\" or \"glm4v\"", file.summary("model_type"))
        }
    }

    /// The picture in the size that the encoder takes it in.
    public func resized(_ image: PixelImage, _ team: ThreadTeam) throws(PictureError) -> PixelImage {
        try processor.resized(image, team)
    }

    /// What each 8-bit sample of a resized picture counts as, `[3, 256]`.
    public var levels: [Float] { processor.levels }

    /// What the decoder is to read of a picture.
    public func encode(
        _ image: PixelImage, _ team: ThreadTeam, _ job: EncoderJob = EncoderJob()
    ) throws(PictureError) -> Output {
        try encode(resized: try resized(image, team), team, job)
    }

    /// The same of what ``resized(_:_:)`` made.
    public func encode(
        resized image: PixelImage, _ team: ThreadTeam, _ job: EncoderJob = EncoderJob()
    ) throws(PictureError) -> Output {
        switch encoder {
        case .glm4v(let tower):
            let (rows, height, width) = try tower.rows(image, levels: processor.levels, team, job)
            return .rows(rows, height: height, width: width)
        case .transformer(let transformer, let head):
            let features = try transformer.features(image, levels: processor.levels, team, job)
            switch head {
            case .projector(let projector):
                return .rows(projector.rows(features, classTokens: 1, team), height: 0, width: 0)
            case .soft(let head): return .soft(head.soft(features, classTokens: 1, team))
            }
        }
    }

    /// Width of the rows; nil where it makes soft tokens.
    public var width: Int? {
        switch encoder {
        case .glm4v(let tower): tower.configuration.output
        case .transformer(_, .projector(let projector)): projector.width
        case .transformer(_, .soft): nil
        }
    }

    /// Whose space the rows are in, where the checkpoint says so.
    public var decoder: (family: String, fingerprint: [Float])? {
        if case .transformer(_, .projector(let projector)) = encoder { projector.decoder } else { nil }
    }

    /// The family that the rows of a tower without a word on it are for.
    public var family: String? {
        if case .glm4v = encoder { "glm4v" } else { nil }
    }

    private static func processorFile(_ folder: String) throws(TensorFileError) -> ConfigurationFile {
        do {
            return try ConfigurationFile(path: "\(folder)/preprocessor_config.json")
        } catch {
            // Newer checkpoints have one file for all their processors.
            if error.field == "file",
                let all = try? ConfigurationFile(path: "\(folder)/processor_config.json"),
                let own = all.section("image_processor")
            {
                return own
            }
            throw error
        }
    }

    private static func head(_ folder: String, width: Int) throws(TensorFileError) -> Head {
        let projector = Result { () throws(TensorFileError) in
            try SafetensorsFile(path: "\(folder)/\(Projector.fileName)")
        }
        if case .success(let file) = projector { return .projector(try Projector(file, width: width)) }
        let soft = Result { () throws(TensorFileError) in
            try SafetensorsFile(path: "\(folder)/\(SoftTokenHead.fileName)")
        }
        if case .success(let file) = soft { return .soft(try SoftTokenHead(file, width: width)) }
        guard case .failure(let first) = projector, case .failure(let second) = soft else {
            preconditionFailure("both are failures here")
        }
        throw TensorFileError(
            path: folder, field: "head", expected: "\(Projector.fileName) or \(SoftTokenHead.fileName)",
            found: "neither: \(first); \(second)")
    }

    private static func bounded(
        _ processor: ImageProcessor, _ leastPixels: Int?, _ mostPixels: Int?
    ) -> ImageProcessor {
        var processor = processor
        if case .smart(var resize) = processor.size {
            resize.leastPixels = leastPixels ?? resize.leastPixels
            resize.mostPixels = mostPixels ?? resize.mostPixels
            processor.size = .smart(resize)
        }
        return processor
    }
}

extension EncoderJob {
    func check() throws(PictureError) {
        if isCancelled() { throw .cancelled }
    }
}
