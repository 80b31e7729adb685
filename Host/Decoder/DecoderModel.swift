import CKernels
import Weights

/// A decoder on a compute device: weights, facts about them, and the step that runs them.
///
/// Any thread may call it. Calls on the device never overlap: they take turns, so ``embed(_:)`` may wait for the
/// step that is running.
public final class DecoderModel: @unchecked Sendable {  // immutable but for `handle`, used only under `turn`
    /// How a model is built.
    public struct Options: Sendable, Equatable {
        /// Threads of a step, the calling one included; 1 to 1024.
        public var threads: Int
        /// Compute in float32 throughout instead of with quantised activations: the slow reference path.
        public var precise: Bool
        /// What keys and values are kept in; nil: float16, or float32 where it is to be precise.
        public var keyValueType: KeyValueType?

        public init(threads: Int, precise: Bool = false, keyValueType: KeyValueType? = nil) {
            self.threads = threads
            self.precise = precise
            self.keyValueType = keyValueType
        }
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
    /// The file the weights are mapped from.
    public let file: GGUFFile

    let backend: UnsafePointer<gh_backend>
    /// Held during every call on `handle` and on the pools made from it.
    let turn = DeviceTurn()
    let handle: OpaquePointer
    /// Owns what the backend borrows.
    private let weights: WeightTable

    /// Builds the decoder on the CPU.
    /// - Throws: ``GGUFError`` or ``DecoderError`` where the file does not hold a model that can be run.
    public init(_ file: GGUFFile, options: Options) throws {
        guard (1...1024).contains(options.threads) else {
            throw DecoderError.threadCount(options.threads)
        }
        let plan = try DecoderFamily.of(file).plan(file)
        guard let backend = gh_cpu_backend() else {
            throw DecoderError.backend(what: "choosing kernels", status: GH_ERROR_DEVICE.rawValue)
        }
        var handle: OpaquePointer?
        let status = plan.layers.withUnsafeBufferPointer { layers in
            var description = plan.description
            description.layers = layers.baseAddress
            let keyValueType = options.keyValueType ?? (options.precise ? .float32 : .float16)
            var settings = gh_options(
                threads: UInt32(options.threads), precise: options.precise ? 1 : 0,
                kv_type: keyValueType.backendValue.rawValue, reserved: 0, reduction: gh_reduction())
            return backend.pointee.model_create(&description, &settings, &handle)
        }
        try DecoderError.check(status, "building the model of \(file.path)")
        guard let handle else {
            throw DecoderError.backend(what: "building the model of \(file.path)", status: status.rawValue)
        }
        self.backend = backend
        self.handle = handle
        self.file = file
        weights = plan.weights
        family = plan.family
        hidden = Int(plan.description.hidden)
        vocabulary = Int(plan.description.vocabulary)
        contextLength = plan.contextLength
        layerCount = plan.layers.count
        positionAxes = plan.description.rope_sections == (0, 0, 0) ? 1 : 3
        backendName = String(cString: backend.pointee.name)
        pageBytes = Int(backend.pointee.page_bytes(handle))
    }

    deinit {
        backend.pointee.model_destroy(handle)
    }

    /// The embedding rows of tokens, float32, row-major `[tokens, hidden]`.
    public func embed(_ tokens: [Int32]) throws(DecoderError) -> [Float] {
        try check(tokens)
        var rows = [Float](repeating: 0, count: tokens.count * hidden)
        guard !tokens.isEmpty else { return rows }
        let status = turn.take {
            backend.pointee.embed(handle, tokens, UInt32(tokens.count), &rows)
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
}
