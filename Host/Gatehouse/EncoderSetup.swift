import Foundation
import GatehouseJSON
import Modalities
import Weights

/// Which encoders stand beside a model, from the options that all commands share which take media.
struct EncoderSetup {
    static let options = [
        Option("--registry", "P", "the plugins (default: registry.json)"),
        Option(
            "--mmproj", "P",
            "the model's own encoder, a GGUF file as llama.cpp's converter writes it; a checkpoint's folder has it inside"
        ),
        Option(
            "--max-pixels", "N",
            "reduce larger images for the model's own encoder; as in its processor, an image counts for each frame of a temporal patch"
        ),
    ]

    private let path: String?
    private let projector: String?
    private let mostPixels: Int?

    init(_ arguments: Arguments) throws(UsageError) {
        path = try arguments.value("--registry")
        projector = try arguments.value("--mmproj")
        mostPixels = try arguments.integer("--max-pixels", in: 1...(1 << 30))
    }

    /// Reads the files that the options name, so that what is wrong with them is told before a large model is read.
    func open() throws -> Opened {
        Opened(
            registry: try Workspace.registry(path), projector: try projectorPath(), mostPixels: mostPixels)
    }

    /// What the options name, read.
    struct Opened {
        fileprivate let registry: Registry
        fileprivate let projector: String?
        fileprivate let mostPixels: Int?

        /// The registry of a host that runs `source`.
        ///
        /// - Parameter family: What the decoder's identity calls its family.
        func registry(for source: ModelSource, family: String, log: Log = .text) throws -> Registry {
            guard let path = try projector ?? (source.holdsEncoder() ? source.path : nil) else {
                if mostPixels != nil {
                    throw CommandError(
                        "--max-pixels: the model has no encoder of its own; --mmproj names the file that holds it"
                    )
                }
                return registry
            }
            let served = registry.serving(
                ModelEncoder(
                    family: family, weights: URL(fileURLWithPath: path).standardizedFileURL.path,
                    configuration: mostPixels.map { ["max_pixels": .number(Double($0))] } ?? [:]))
            guard !served.plugins.contains(where: \.isModels) else { return served }
            let reason = "no plugin of the registry names the family \(family) in model_weights"
            if projector != nil { throw CommandError("--mmproj \(path): \(reason)") }
            log.warning("\(path): its encoder is left alone, as \(reason)")
            return registry
        }
    }

    /// Throws where the file is none that holds an encoder.
    private func projectorPath() throws -> String? {
        guard let projector else { return nil }
        guard FileManager.default.fileExists(atPath: projector) else {
            throw CommandError("--mmproj \(projector): no such file")
        }
        guard case .gguf(let file) = try ModelSource(path: projector) else {
            throw CommandError("--mmproj \(projector): expected a GGUF file, found a folder")
        }
        let architecture = try file.metadata.require("general.architecture", file.metadata.string)
        guard architecture == "clip" else {
            throw CommandError(
                "--mmproj \(projector): general.architecture: expected \"clip\", found \"\(architecture)\"")
        }
        return projector
    }
}
