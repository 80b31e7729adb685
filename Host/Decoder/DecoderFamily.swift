import Weights

/// Decoders that share structure and tensor names. One file each; this list is the only place that knows them all.
struct DecoderFamily: Sendable {
    /// The value of `general.architecture`.
    let architecture: String
    let plan: @Sendable (GGUFFile, Shard) throws -> DecoderPlan

    static let all = [
        DecoderFamily(architecture: "llama", plan: Llama.plan),
        DecoderFamily(architecture: "glm4", plan: GLM4.plan),
    ]

    /// The family that the file names.
    static func of(_ file: GGUFFile) throws -> DecoderFamily {
        let architecture = try file.metadata.require("general.architecture", file.metadata.string)
        guard let family = all.first(where: { $0.architecture == architecture }) else {
            throw DecoderError.unknownArchitecture(
                path: file.path, found: architecture, known: all.map(\.architecture))
        }
        if let parts = try file.metadata.integer("split.count"), parts > 1 {
            throw DecoderError.unsupported(
                path: file.path, field: "split.count", expected: "a model in one file; merge its parts first",
                found: "one of \(parts) parts")
        }
        return family
    }
}
