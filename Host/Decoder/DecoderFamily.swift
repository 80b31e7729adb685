import Weights

/// Decoders that share structure and tensor names. One file each; ``DecoderFamilies`` knows them all.
protocol DecoderFamily {
    /// What a decoder's identity calls it.
    static var name: String { get }
    /// Values of `model_type` in `config.json`.
    static var modelTypes: [String] { get }
    static var gguf: GGUFLayout { get }
    /// What the names of an encoder's tensors begin with, which lies beside the decoder in checkpoints of the family.
    static var encoderPrefixes: [String] { get }
    static func layout(_ checkpoint: Checkpoint) throws -> CheckpointLayout
}

extension DecoderFamily {
    static var encoderPrefixes: [String] { [] }

    static func isEncoders(_ tensor: String) -> Bool { encoderPrefixes.contains { tensor.hasPrefix($0) } }
}

extension ModelSource {
    /// Whether an encoder's weights lie beside the decoder.
    public func holdsEncoder() throws -> Bool {
        guard case .checkpoint(let checkpoint) = self else { return false }
        let family = try DecoderFamilies.family(of: checkpoint)
        return checkpoint.tensors.contains { family.isEncoders($0.name) }
    }
}

/// The families that this host runs.
enum DecoderFamilies {
    static var all: [any DecoderFamily.Type] { [Llama.self, GLM4.self, GLM4V.self] }

    /// One part of the decoder that a model holds, as its family reads it.
    static func plan(
        _ source: ModelSource, _ shard: Shard, quantizing: WeightTable.Quantizing?
    ) throws -> DecoderPlan {
        let weights = WeightTable(source.weights, quantizing: quantizing)
        switch source {
        case .gguf(let file):
            let family = try family(of: file)
            let gguf = family.gguf
            let shape = try DecoderShape(
                GGUFHyperparameters(metadata: file.metadata, architecture: gguf.architecture), weights,
                pairing: gguf.pairing)
            let plan = try DecoderPlan(
                family: family.name, shape: shape, names: gguf.names, weights: weights, shard: shard)
            try weights.checkAllTaken(family: family.name)
            return plan
        case .checkpoint(let checkpoint):
            let family = try family(of: checkpoint)
            return try plan(family, try family.layout(checkpoint), weights, shard)
        }
    }

    /// One part of the decoder that a checkpoint holds. Throws where it holds something else too.
    static func plan(
        _ family: any DecoderFamily.Type, _ layout: CheckpointLayout, _ weights: WeightTable, _ shard: Shard
    ) throws -> DecoderPlan {
        let plan = try DecoderPlan(
            family: family.name, shape: layout.shape, names: layout.names, weights: weights, shard: shard)
        try weights.checkAllTaken(family: family.name, isIgnored: layout.isIgnored)
        return plan
    }

    private static func family(of file: GGUFFile) throws -> any DecoderFamily.Type {
        let architecture = try file.metadata.require("general.architecture", file.metadata.string)
        if let parts = try file.metadata.integer("split.count"), parts > 1 {
            throw DecoderError.unsupported(
                path: file.path, field: "split.count", expected: "a model in one file; merge its parts first",
                found: "one of \(parts) parts")
        }
        let families = all.filter { $0.gguf.architecture == architecture }
        guard let first = families.first else {
            // Those with sections share the name of one without.
            throw DecoderError.unknownFamily(
                path: file.path, field: "general.architecture", found: architecture,
                known: all.map { $0.gguf }.filter { !$0.hasSections }.map(\.architecture))
        }
        let sections = try file.metadata.integers("\(architecture).rope.dimension_sections") ?? []
        let hasSections = sections.contains { $0 != 0 }
        for family in families where family.gguf.hasSections == hasSections { return family }
        return first
    }

    static func family(of checkpoint: Checkpoint) throws -> any DecoderFamily.Type {
        let configuration = checkpoint.configuration
        let type = try configuration.require("model_type", configuration.string)
        for family in all where family.modelTypes.contains(type) { return family }
        throw DecoderError.unknownFamily(
            path: configuration.path, field: "model_type", found: type, known: all.flatMap { $0.modelTypes })
    }
}
