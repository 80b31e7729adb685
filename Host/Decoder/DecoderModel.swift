import CKernels
import Glibc
import Weights

/// A decoder on a compute device: weights, facts about them, and the step that runs them.
///
/// Any thread may call it. Calls on the device never overlap: they take turns, so ``embed(_:)`` may wait for the
/// step that is running.
public final class DecoderModel: @unchecked Sendable {  // immutable but for what is used only under `turn`
    /// How a model is built.
    public struct Options: Sendable, Equatable {
        /// Threads of a step, the calling one included; 1 to 1024.
        public var threads: Int
        /// Compute in float32 throughout instead of with quantised activations: the slow reference path.
        public var precise: Bool
        /// What keys and values are kept in; nil: float16, or float32 where it is to be precise.
        public var keyValueType: KeyValueType?
        /// Parts that the weights are cut in for tensor parallelism; the parts share the threads out.
        public var shards: Int
        /// What matrices of floating-point numbers are quantised to; nil: they stay as they are.
        public var quantization: WeightQuantization?

        public init(
            threads: Int, precise: Bool = false, keyValueType: KeyValueType? = nil, shards: Int = 1,
            quantization: WeightQuantization? = nil
        ) {
            self.threads = threads
            self.precise = precise
            self.keyValueType = keyValueType
            self.shards = shards
            self.quantization = quantization
        }

        var resolvedKeyValueType: KeyValueType { keyValueType ?? (precise ? .float32 : .float16) }
    }

    /// What the keys and values of earlier rows are kept in, which decides how much memory a context takes.
    public enum KeyValueType: String, Sendable, CaseIterable {
        case float16 = "f16"
        case float32 = "f32"
        /// With a scale for each position of each head.
        case int8 = "int8"

        var backendValue: gh_kv_type {
            switch self {
            case .float16: GH_KV_F16
            case .float32: GH_KV_F32
            case .int8: GH_KV_I8
            }
        }
    }

    /// "llama".
    public let family: String
    /// Width of an embedding row.
    public let hidden: Int
    /// Rows of the embedding; token ids lie below it.
    public let vocabulary: Int
    /// Tokens the model was trained for.
    public let contextLength: Int
    public let layerCount: Int
    /// Numbers in the rotary position of a row: one, or three for time, height and width (M-RoPE).
    public let positionAxes: Int
    /// What computes: "cpu (avx2)".
    public let backendName: String
    /// Bytes that one page of ``KVPool/pageTokens`` tokens takes in a pool.
    public let pageBytes: Int
    /// Bytes of weights that a step reads, of whatever rows: every matrix and vector once, without the embedding, of
    /// which it takes single rows. Where the output is the embedding, it counts as the output.
    public let stepWeightBytes: Int

    let backend: UnsafePointer<gh_backend>
    /// Held during every call on the parts and on the pools made from them.
    let turn = DeviceTurn()
    /// At least one.
    let parts: [DecoderPart]
    private let reduction: ShardReduction?
    private let threads: ShardThreads
    /// Where all parts but the first put their logits, which are the same.
    private var spareLogits: [UnsafeMutableBufferPointer<Float>]

    /// Builds the decoder on the CPU.
    /// - Parameter progress: Told of the quantising that `options` ask for.
    /// - Throws: `TensorFileError` or ``DecoderError`` where the files do not hold a model that can be run.
    public init(_ source: ModelSource, options: Options, progress: LoadProgress? = nil) throws {
        guard (1...1024).contains(options.threads) else {
            throw DecoderError.threadCount(options.threads)
        }
        guard (1...64).contains(options.shards) else { throw DecoderError.shardCount(options.shards) }
        guard let backend = gh_cpu_backend() else {
            throw DecoderError.kernels(getenv("GATEHOUSE_CPU").map { String(cString: $0) } ?? "")
        }
        let shards = (0..<options.shards).map { Shard(index: $0, count: options.shards) }
        let quantizing = options.quantization.map {
            WeightTable.Quantizing(quantization: $0, threads: options.threads, progress: progress)
        }
        let plans = try shards.map { try DecoderFamilies.plan(source, $0, quantizing: quantizing) }
        let reduction = shards.count > 1 ? ShardReduction(parts: shards.count) : nil
        parts = try zip(shards, plans).map { shard, plan in
            try DecoderPart(
                plan, shard: shard, reduction: reduction, threads: max(1, options.threads / shards.count),
                options: options, on: backend)
        }
        self.backend = backend
        self.reduction = reduction
        threads = ShardThreads(parts: shards.count)
        spareLogits = shards.dropFirst().map { _ in .allocate(capacity: 0) }
        let plan = plans[0]
        self.family = plan.family
        hidden = Int(plan.description.hidden)
        vocabulary = Int(plan.description.vocabulary)
        contextLength = plan.contextLength
        layerCount = plan.layers.count
        positionAxes = plan.description.rope_sections == (0, 0, 0) ? 1 : 3
        backendName = String(cString: backend.pointee.name)
        stepWeightBytes = plans.reduce(0) { $0 + $1.stepBytes }
        pageBytes = parts.reduce(0) { $0 + Int(backend.pointee.page_bytes($1.handle)) }
    }

    deinit {
        threads.end()
        for logits in spareLogits { logits.deallocate() }
    }

    /// The embedding rows of tokens, float32, row-major `[tokens, hidden]`.
    public func embed(_ tokens: [Int32]) throws(DecoderError) -> [Float] {
        try check(tokens)
        var rows = [Float](repeating: 0, count: tokens.count * hidden)
        guard !tokens.isEmpty else { return rows }
        let status = turn.take {
            backend.pointee.embed(parts[0].handle, tokens, UInt32(tokens.count), &rows)
        }
        try DecoderError.check(status, "embedding \(tokens.count) tokens")
        return rows
    }

    /// Throws unless every id is in the vocabulary.
    public func check(_ tokens: [Int32]) throws(DecoderError) {
        for id in tokens where id < 0 || Int(id) >= vocabulary {
            throw .tokenOutOfRange(id: id, vocabulary: vocabulary)
        }
    }

    /// Runs a step on every part at once. Only under `turn`.
    /// - Parameters:
    ///   - logits: Room for those of all sequences; empty where they are not wanted.
    ///   - states: Room for what the head reads of the same rows; nil where it is not wanted.
    func step(
        _ sequences: UnsafeBufferPointer<gh_sequence>, pool: KVPool,
        logits: UnsafeMutableBufferPointer<Float>,
        states: UnsafeMutableBufferPointer<Float>? = nil
    ) -> gh_status {
        // Every part has the same.
        let spareStates = states.map { states in
            parts.dropFirst().map { _ in UnsafeMutablePointer<Float>.allocate(capacity: states.count) }
        }
        defer { spareStates?.forEach { $0.deallocate() } }
        for index in spareLogits.indices where spareLogits[index].count < logits.count {
            spareLogits[index].deallocate()
            spareLogits[index] = .allocate(capacity: logits.count)
        }
        reduction?.mend()
        var statuses = [gh_status](repeating: GH_OK, count: parts.count)
        let places = [logits] + spareLogits
        statuses.withUnsafeMutableBufferPointer { statuses in
            threads.run { part in
                var batch = gh_batch(
                    sequences: sequences.baseAddress, count: UInt32(sequences.count), reserved: 0,
                    logits: logits.isEmpty ? nil : places[part].baseAddress,
                    states: part == 0 ? states?.baseAddress : spareStates?[part - 1])
                statuses[part] = backend.pointee.step(parts[part].handle, pool.handles[part], &batch)
                if statuses[part] != GH_OK { reduction?.breakOff() }
            }
        }
        return statuses.first { $0 != GH_OK } ?? GH_OK
    }
}
