import Weights

/// Decoders that share structure and tensor names. One file each; ``DecoderFamilies`` knows them all.
protocol DecoderFamily {
    /// What a decoder's identity calls it.
    static var name: String { get }
    /// The value of `general.architecture` in GGUF files; nil where another family's file tells the two apart.
    static var architecture: String? { get }
    /// Values of `model_type` in `config.json`.
    static var modelTypes: [String] { get }
    static func plan(_ file: GGUFFile, _ shard: Shard) throws -> DecoderPlan
    static func plan(_ checkpoint: Checkpoint, _ shard: Shard) throws -> DecoderPlan
}

/// The families that this host runs.
enum DecoderFamilies {
    static var all: [any DecoderFamily.Type] { [Llama.self, GLM4.self, GLM4V.self] }

    /// One part of the decoder that a model holds, as its family reads it.
    static func plan(_ source: ModelSource, _ shard: Shard) throws -> DecoderPlan {
        switch source {
        case .gguf(let file):
            let family = try family(of: file)
            return try family.plan(file, shard)
        case .checkpoint(let checkpoint):
            let family = try family(of: checkpoint)
            return try family.plan(checkpoint, shard)
        }
    }

    private static func family(of file: GGUFFile) throws -> any DecoderFamily.Type {
        let architecture = try file.metadata.require("general.architecture", file.metadata.string)
        if let parts = try file.metadata.integer("split.count"), parts > 1 {
            throw DecoderError.unsupported(
                path: file.path, field: "split.count", expected: "a model in one file; merge its parts first",
                found: "one of \(parts) parts")
        }
        for family in all where family.architecture == architecture { return family }
        throw DecoderError.unknownFamily(
            path: file.path, field: "general.architecture", found: architecture,
            known: all.compactMap { $0.architecture })
    }

    private static func family(of checkpoint: Checkpoint) throws -> any DecoderFamily.Type {
        let configuration = checkpoint.configuration
        let type = try configuration.require("model_type", configuration.string)
        for family in all where family.modelTypes.contains(type) { return family }
        throw DecoderError.unknownFamily(
            path: configuration.path, field: "model_type", found: type, known: all.flatMap { $0.modelTypes })
    }
}
