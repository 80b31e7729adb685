import Weights

/// A GGUF file that is to be written from a model, with its matrices in one type.
///
/// Vectors stay float32. A matrix whose rows no block of the type divides falls back to Q8_0, or where that does not
/// divide them either to F16. In files of four or five bits the embedding and the output are Q8_0.
public struct GGUFConversion {
    /// A type that matrices can be written in.
    public enum Target: String, Sendable, CaseIterable {
        case f32, f16, bf16, q8_0, q4_0, q4_1, q5_0, q5_1, q4_k, q5_k, q6_k

        public var type: TensorType {
            switch self {
            case .f32: .f32
            case .f16: .f16
            case .bf16: .bf16
            case .q8_0: .q8_0
            case .q4_0: .q4_0
            case .q4_1: .q4_1
            case .q5_0: .q5_0
            case .q5_1: .q5_1
            case .q4_k: .q4_k
            case .q5_k: .q5_k
            case .q6_k: .q6_k
            }
        }
    }

    /// What is written.
    public let writer: GGUFWriter
    /// Matrices that fell back to another type.
    public let fallbacks: [(name: String, type: TensorType)]

    /// The entries of a checkpoint's tokenizer for a file of an architecture whose embedding has `vocabulary` rows.
    public typealias TokenizerEntries = (
        _ checkpoint: Checkpoint, _ architecture: String, _ vocabulary: Int
    ) throws -> [GGUFEntry]

    /// - Parameters:
    ///   - name: `general.name`, where the source is a checkpoint.
    ///   - tokenizer: Asked where the source is a checkpoint.
    ///   - progress: Told how many bytes of the source have been read.
    public init(
        _ source: ModelSource, to target: Target, threads: Int, name: String, tokenizer: TokenizerEntries,
        progress: LoadProgress? = nil
    ) throws {
        var plan = Plan(
            target: target, threads: threads, path: source.weights.path,
            total: source.weights.tensors.reduce(0) { $0 + $1.byteCount }, progress: progress)
        switch source {
        case .gguf(let file): try plan.take(file)
        case .checkpoint(let checkpoint): try plan.take(checkpoint, name: name, tokenizer)
        }
        writer = GGUFWriter(entries: plan.entries, tensors: plan.tensors)
        fallbacks = plan.fallbacks
    }
}

/// Collects entries and tensors.
private struct Plan {
    let target: GGUFConversion.Target
    let threads: Int
    let path: String
    let total: Int
    let progress: LoadProgress?
    let counter = Counter()
    var entries: [GGUFEntry] = []
    var tensors: [GGUFWriter.TensorPlan] = []
    var fallbacks: [(name: String, type: TensorType)] = []

    /// Bytes read, on the writing thread.
    final class Counter {
        var done = 0
    }

    mutating func take(_ file: GGUFFile) throws {
        let own = ["general.file_type", "general.quantization_version", "general.alignment"]
        for key in file.metadata.keys where !own.contains(key) {
            if let entry = file.metadata.entry(key) { entries.append(entry) }
        }
        addFileType()
        for tensor in file.tensors {
            try add(tensor, as: tensor.name, isVocabulary: Self.vocabularyNames.contains(tensor.name))
        }
    }

    private static let vocabularyNames = ["token_embd.weight", "output.weight"]

    mutating func take(
        _ checkpoint: Checkpoint, name: String, _ tokenizer: GGUFConversion.TokenizerEntries
    ) throws {
        let weights = WeightTable(checkpoint)
        let family = try DecoderFamilies.family(of: checkpoint)
        let layout = try family.layout(checkpoint)
        let gguf = family.gguf
        // Takes every tensor and so checks its shape, and that none is left.
        let decoder = try DecoderFamilies.plan(family, layout, weights, .whole)
        entries.append(.string("general.architecture", gguf.architecture))
        entries.append(.string("general.type", "model"))
        entries.append(.string("general.name", name))
        let vocabulary = Int(decoder.description.vocabulary)
        try addHyperparameters(layout.shape, gguf, vocabulary: vocabulary)
        addFileType()
        entries += try tokenizer(checkpoint, gguf.architecture, vocabulary)
        try addTensors(of: checkpoint, layout, gguf)
    }

    private mutating func addFileType() {
        entries.append(.value("general.file_type", target.fileType))
        entries.append(.value("general.quantization_version", UInt32(2)))
    }

    private mutating func addHyperparameters(
        _ shape: DecoderShape, _ gguf: GGUFLayout, vocabulary: Int
    ) throws {
        let prefix = gguf.architecture + "."
        let numbers = [
            ("block_count", shape.layers), ("context_length", shape.contextLength),
            ("embedding_length", shape.hidden), ("feed_forward_length", shape.feedForward),
            ("attention.head_count", shape.heads), ("attention.head_count_kv", shape.keyValueHeads),
            ("attention.key_length", shape.headDimensions), ("attention.value_length", shape.headDimensions),
            ("vocab_size", vocabulary), ("rope.dimension_count", shape.rotary.dimensions),
        ]
        entries += numbers.map { .value(prefix + $0.0, UInt32($0.1)) }
        entries.append(.value(prefix + "rope.freq_base", shape.rotary.base))
        entries.append(.value(prefix + "attention.layer_norm_rms_epsilon", shape.normEpsilon))
        if let sections = shape.rotary.sections {
            // The last is for an axis that these families lack.
            entries.append(.values(prefix + "rope.dimension_sections", sections.map { Int32($0) } + [0]))
        }
        guard let factors = shape.rotary.factors else { return }
        guard gguf.hasRotaryFactors else {
            throw DecoderError.unsupported(
                path: path, field: "rope scaling",
                expected: "none, which is all that GGUF files of \(gguf.architecture) can say",
                found: "divisors of the frequencies")
        }
        tensors.append(
            GGUFWriter.TensorPlan(name: "rope_freqs.weight", shape: [factors.count], type: .f32) { append in
                try factors.withUnsafeBytes(append)
            })
    }

    private mutating func addTensors(
        of checkpoint: Checkpoint, _ layout: CheckpointLayout, _ gguf: GGUFLayout
    ) throws {
        let shape = layout.shape
        func pairs(_ from: LayerNames, _ to: LayerNames) -> [(from: String, to: String)] {
            let both: [(String?, String?)] = [
                (from.attentionNorm, to.attentionNorm), (from.value, to.value),
                (from.attentionOutput, to.attentionOutput), (from.attentionPostNorm, to.attentionPostNorm),
                (from.ffnNorm, to.ffnNorm), (from.gate == from.up ? nil : from.gate, to.gate),
                (from.up, to.up), (from.down, to.down), (from.ffnPostNorm, to.ffnPostNorm),
            ]
            return both.compactMap { from, to in from.flatMap { from in to.map { (from, $0) } } }
        }
        func add(_ from: String, _ to: String, turns: Bool = false, isVocabulary: Bool = false) throws {
            for kind in [".weight", ".bias"] {
                guard let tensor = checkpoint.tensor(named: from + kind) else { continue }
                var order: TensorEncoder.RowOrder?
                if turns, shape.rotary.pairing != gguf.pairing {
                    let width = shape.headDimensions
                    let head = (0..<width).map { shape.rotary.storedRow($0, in: gguf.pairing) }
                    order = { row in row / width * width + head[row % width] }
                }
                try self.add(tensor, as: to + kind, isVocabulary: isVocabulary, order: order)
            }
        }
        let (published, written) = (layout.names, gguf.names)
        try add(published.embedding, written.embedding, isVocabulary: true)
        try add(published.outputNorm, written.outputNorm)
        if !shape.isTied { try add(published.output, written.output, isVocabulary: true) }
        for index in 0..<shape.layers {
            let (from, to) = (published.layer(index), written.layer(index))
            try add(from.query, to.query, turns: true)
            try add(from.key, to.key, turns: true)
            for (from, to) in pairs(from, to) { try add(from, to) }
        }
    }

    private mutating func add(
        _ tensor: Tensor, as name: String, isVocabulary: Bool, order: TensorEncoder.RowOrder? = nil
    ) throws {
        guard (1...2).contains(tensor.shape.count) else {
            throw DecoderError.unsupported(
                path: path, field: "tensor \(tensor.name)", expected: "one or two dimensions",
                found: "\(tensor.shape)")
        }
        let wanted = target.type
        let type = tensor.shape.count == 1 ? .f32 : target.type(of: tensor.shape[1], isVocabulary)
        if tensor.shape.count == 2, wanted.blockElements > 1,
            !tensor.shape[1].isMultiple(of: wanted.blockElements)
        {
            fallbacks.append((name, type))
        }
        let encoder = TensorEncoder(tensor, of: path, as: type, order: order, threads: threads)
        let (counter, progress, total) = (counter, progress, total)
        tensors.append(
            GGUFWriter.TensorPlan(name: name, shape: tensor.shape, type: type) { append in
                try encoder.encode(
                    0..<encoder.rows,
                    progress: { read in
                        counter.done += read
                        progress?.report(counter.done, total)
                    }, append: append)
            })
    }
}

extension GGUFConversion.Target {
    /// The type of a matrix whose rows have `columns` numbers.
    fileprivate func type(of columns: Int, _ isVocabulary: Bool) -> TensorType {
        let isSmall = type.blockElements > 1
        let wanted = isSmall && isVocabulary && self != .q6_k ? .q8_0 : type
        for type in [wanted, .q8_0] where columns.isMultiple(of: type.blockElements) { return type }
        return .f16
    }

    /// `general.file_type`, numbered as llama.cpp's `llama_ftype`.
    fileprivate var fileType: UInt32 {
        switch self {
        case .f32: 0
        case .f16: 1
        case .q4_0: 2
        case .q4_1: 3
        case .q8_0: 7
        case .q5_0: 8
        case .q5_1: 9
        case .q4_k: 14
        case .q5_k: 16
        case .q6_k: 18
        case .bf16: 32
        }
    }
}
