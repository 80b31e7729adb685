import CKernels
import Testing

/// A random decoder, small enough to compute by hand in the tests.
final class TinyDecoder {
    struct Shape {
        var hidden: Int
        var heads: Int
        var kvHeads: Int
        var headDim: Int
        var ffn: Int
        var vocabulary = 101
        var ropeDims: Int
        var pairing = GH_ROPE_HALVES
        var ropeFactors: [Float] = []
        /// Pairs of each axis of a position; empty for one axis.
        var ropeSections: [UInt32] = []
        /// Norms after attention and feed-forward network, and biases of query, key and value.
        var isSandwiched = false
        /// The types of each layer's matrices, taken in turn.
        var layers: [[gh_type]]
        var embedding: gh_type

        /// Every type with an integer kernel, and a width that suits all vectors.
        static let quantised = Shape(
            hidden: 128, heads: 4, kvHeads: 2, headDim: 32, ffn: 192, ropeDims: 32,
            layers: [[GH_TYPE_Q4_1], [GH_TYPE_Q4_0, GH_TYPE_Q8_0], [GH_TYPE_F16, GH_TYPE_Q5_0]],
            embedding: GH_TYPE_Q8_0)

        /// The 256-element blocks.
        static let superblocks = Shape(
            hidden: 256, heads: 8, kvHeads: 1, headDim: 64, ffn: 256, ropeDims: 32,
            layers: [[GH_TYPE_Q4_K, GH_TYPE_Q5_K, GH_TYPE_Q6_K], [GH_TYPE_Q5_1, GH_TYPE_Q6_K]],
            embedding: GH_TYPE_Q4_K)

        /// As in the GLM family: norms on both sides, biases, positions of three axes that rotate half of a head.
        static let sandwiched = Shape(
            hidden: 64, heads: 4, kvHeads: 2, headDim: 32, ffn: 96, ropeDims: 16,
            pairing: GH_ROPE_INTERLEAVED, ropeSections: [3, 4, 1], isSandwiched: true,
            layers: [[GH_TYPE_Q4_0, GH_TYPE_F16], [GH_TYPE_Q8_0]], embedding: GH_TYPE_BF16)

        /// Nothing is a multiple of eight; partial rotation, by neighbours, with factors.
        static let odd = Shape(
            hidden: 45, heads: 6, kvHeads: 3, headDim: 10, ffn: 77, ropeDims: 6, pairing: GH_ROPE_INTERLEAVED,
            ropeFactors: [1, 2.5, 8], layers: [[GH_TYPE_F32, GH_TYPE_F16, GH_TYPE_BF16], [GH_TYPE_BF16]],
            embedding: GH_TYPE_F32)

        /// Axes of a position.
        var axes: Int { ropeSections.isEmpty ? 1 : 3 }

        /// Positions of rows that follow each other, `[rows, axes]`.
        func positions(_ rows: Range<Int>) -> [Int32] {
            rows.flatMap { [Int32](repeating: Int32($0), count: axes) }
        }
    }

    struct Layer {
        var attentionNorm: [Float]
        var query, key, value, attentionOutput: RandomMatrix
        var ffnNorm: [Float]
        var gate, up, down: RandomMatrix
        /// Empty where the shape is not sandwiched.
        var attentionPostNorm: [Float] = []
        var ffnPostNorm: [Float] = []
        var queryBias: [Float] = []
        var keyBias: [Float] = []
        var valueBias: [Float] = []
    }

    let shape: Shape
    let ropeBase: Float = 1000
    let normEpsilon: Float = 1e-5
    let embedding: RandomMatrix
    let output: RandomMatrix
    let outputNorm: [Float]
    let layers: [Layer]

    init(_ shape: Shape, seed: UInt64 = 9) {
        var generator = SeededGenerator(seed: seed)
        self.shape = shape
        let queries = shape.heads * shape.headDim
        let keys = shape.kvHeads * shape.headDim
        embedding = RandomMatrix(
            shape.embedding, rows: shape.vocabulary, cols: shape.hidden, using: &generator)
        output = RandomMatrix(shape.embedding, rows: shape.vocabulary, cols: shape.hidden, using: &generator)
        outputNorm = generator.floats(shape.hidden, in: 0.5...1.5)
        var layers: [Layer] = []
        for types in shape.layers {
            var next = 0
            func matrix(_ rows: Int, _ cols: Int) -> RandomMatrix {
                defer { next += 1 }
                return RandomMatrix(types[next % types.count], rows: rows, cols: cols, using: &generator)
            }
            var layer = Layer(
                attentionNorm: generator.floats(shape.hidden, in: 0.5...1.5),
                query: matrix(queries, shape.hidden), key: matrix(keys, shape.hidden),
                value: matrix(keys, shape.hidden), attentionOutput: matrix(shape.hidden, queries),
                ffnNorm: generator.floats(shape.hidden, in: 0.5...1.5),
                gate: matrix(shape.ffn, shape.hidden), up: matrix(shape.ffn, shape.hidden),
                down: matrix(shape.hidden, shape.ffn))
            if shape.isSandwiched {
                layer.attentionPostNorm = generator.floats(shape.hidden, in: 0.5...1.5)
                layer.ffnPostNorm = generator.floats(shape.hidden, in: 0.5...1.5)
                layer.queryBias = generator.floats(queries, in: -0.5...0.5)
                layer.keyBias = generator.floats(keys, in: -0.5...0.5)
                layer.valueBias = generator.floats(keys, in: -0.5...0.5)
            }
            layers.append(layer)
        }
        self.layers = layers
        for layer in layers {
            cLayers.append(
                gh_layer(
                    attention_norm: copy(layer.attentionNorm), query: biased(layer.query, layer.queryBias),
                    key: biased(layer.key, layer.keyBias), value: biased(layer.value, layer.valueBias),
                    attention_output: layer.attentionOutput.matrix,
                    attention_post_norm: copy(layer.attentionPostNorm), ffn_norm: copy(layer.ffnNorm),
                    gate: layer.gate.matrix, up: layer.up.matrix, down: layer.down.matrix,
                    ffn_post_norm: copy(layer.ffnPostNorm)))
        }
        cOutputNorm = copy(outputNorm)
        cRopeFactors = copy(shape.ropeFactors)
    }

    deinit {
        for buffer in buffers { buffer.deallocate() }
    }

    // What the description points to; lives as long as the decoder.
    private var buffers: [UnsafeMutablePointer<Float>] = []
    private var cLayers: [gh_layer] = []
    private var cOutputNorm: UnsafePointer<Float>?
    private var cRopeFactors: UnsafePointer<Float>?

    private func biased(_ weights: RandomMatrix, _ bias: [Float]) -> gh_matrix {
        var matrix = weights.matrix
        matrix.bias = copy(bias)
        return matrix
    }

    /// nil for an empty array.
    private func copy(_ values: [Float]) -> UnsafePointer<Float>? {
        guard !values.isEmpty else { return nil }
        let buffer = UnsafeMutablePointer<Float>.allocate(capacity: values.count)
        buffer.initialize(from: values, count: values.count)
        buffers.append(buffer)
        return UnsafePointer(buffer)
    }

    /// Tries to make a model after `change` had its way with the description.
    func create(
        on path: gh_cpu_path = GH_CPU_PORTABLE, threads: UInt32 = 1, precise: Bool = false,
        keyValueType: gh_kv_type? = nil, reduction: gh_reduction = gh_reduction(),
        release: gh_release = gh_release(),
        changing change: (inout gh_model_desc, inout [gh_layer]) -> Void = { _, _ in }
    ) -> (status: gh_status, model: OpaquePointer?) {
        guard let backend = gh_cpu_backend_on(path) else { return (GH_ERROR_DEVICE, nil) }
        var layers = cLayers
        var description = gh_model_desc(
            layer_count: UInt32(layers.count), hidden: UInt32(shape.hidden), heads: UInt32(shape.heads),
            kv_heads: UInt32(shape.kvHeads), head_dim: UInt32(shape.headDim), ffn: UInt32(shape.ffn),
            vocabulary: UInt32(shape.vocabulary), rope_dims: UInt32(shape.ropeDims),
            rope_pairing: shape.pairing.rawValue, rope_base: ropeBase, rope_factors: cRopeFactors,
            rope_sections: shape.ropeSections.isEmpty
                ? (0, 0, 0) : (shape.ropeSections[0], shape.ropeSections[1], shape.ropeSections[2]),
            norm_epsilon: normEpsilon, embedding: embedding.matrix, output_norm: cOutputNorm,
            output: output.matrix, output_first: 0, reserved: 0, layers: nil)
        change(&description, &layers)
        let pages = keyValueType ?? (precise ? GH_KV_F32 : GH_KV_F16)
        var options = gh_options(
            threads: threads, precise: precise ? 1 : 0, kv_type: pages.rawValue, reserved: 0,
            reduction: reduction, release: release)
        var model: OpaquePointer?
        let status = layers.withUnsafeBufferPointer { buffer in
            description.layers = buffer.baseAddress
            return backend.pointee.model_create(&description, &options, &model)
        }
        return (status, model)
    }
}

/// A model and a pool on one path, stepped with Swift arrays.
final class Session {
    /// What one sequence does in a step; `gh_sequence` in Swift.
    struct Rows {
        var pages: [UInt32]
        var tokens: [Int32]
        var embeddings: [Float] = []
        var positions: [Int32]
        var gates: [gh_gated_span] = []
        var length: Int
        var logits: Int
    }

    let backend: gh_backend
    let model: OpaquePointer
    let pool: OpaquePointer
    let decoder: TinyDecoder

    init(
        _ decoder: TinyDecoder, on path: gh_cpu_path, threads: UInt32 = 1, precise: Bool = false,
        keyValueType: gh_kv_type? = nil, pages: UInt32 = 64
    ) throws {
        self.decoder = decoder
        backend = try #require(gh_cpu_backend_on(path)).pointee
        let created = decoder.create(
            on: path, threads: threads, precise: precise, keyValueType: keyValueType)
        #expect(created.status == GH_OK)
        model = try #require(created.model)
        var pool: OpaquePointer?
        #expect(backend.pool_create(model, pages, &pool) == GH_OK)
        self.pool = try #require(pool)
    }

    deinit {
        backend.pool_destroy(pool)
        backend.model_destroy(model)
    }

    /// Runs one step; the logits of every row that asked, in order.
    func step(_ sequences: [Rows]) -> (status: gh_status, logits: [[Float]]) {
        let vocabulary = decoder.shape.vocabulary
        var allocated: [UnsafeMutableRawPointer] = []
        defer { for memory in allocated { memory.deallocate() } }
        func copy<Element>(_ values: [Element]) -> UnsafePointer<Element>? {
            guard !values.isEmpty else { return nil }
            let buffer = UnsafeMutablePointer<Element>.allocate(capacity: values.count)
            buffer.initialize(from: values, count: values.count)
            allocated.append(UnsafeMutableRawPointer(buffer))
            return UnsafePointer(buffer)
        }
        let list = sequences.map { rows in
            gh_sequence(
                pages: copy(rows.pages), tokens: copy(rows.tokens), embeddings: copy(rows.embeddings),
                positions: copy(rows.positions), gates: copy(rows.gates), length: UInt32(rows.length),
                rows: UInt32(rows.tokens.count), logits: UInt32(rows.logits),
                gate_count: UInt32(rows.gates.count))
        }
        let count = sequences.reduce(0) { $0 + $1.logits }
        var logits = [Float](repeating: .nan, count: count * vocabulary)
        let status = logits.withUnsafeMutableBufferPointer { out in
            var batch = gh_batch(
                sequences: copy(list), count: UInt32(list.count), reserved: 0, logits: out.baseAddress,
                states: nil)
            return backend.step(model, pool, &batch)
        }
        return (status, (0..<count).map { Array(logits[$0 * vocabulary..<($0 + 1) * vocabulary]) })
    }

    /// The pages of sequence `n` where each has `count` of its own, in an order that is not their own.
    static func pages(of n: Int, count: Int) -> [UInt32] {
        (0..<count).map { UInt32(n * count + (count - 1 - $0)) }
    }

    /// All logits of one sequence, fed `chunk` rows at a time.
    ///
    /// - Parameter positions: `[tokens, axes]`; nil counts from 0 on every axis.
    func logits(
        _ tokens: [Int32], chunk: Int = .max, pages: [UInt32], positions: [Int32]? = nil,
        gates: [gh_gated_span] = []
    ) -> [[Float]] {
        let axes = decoder.shape.axes
        let positions = positions ?? decoder.shape.positions(0..<tokens.count)
        var result: [[Float]] = []
        var start = 0
        while start < tokens.count {
            let end = chunk < tokens.count - start ? start + chunk : tokens.count
            let rows = Rows(
                pages: pages, tokens: Array(tokens[start..<end]),
                positions: Array(positions[axes * start..<axes * end]), gates: gates, length: start,
                logits: end - start)
            let (status, logits) = step([rows])
            #expect(status == GH_OK)
            result += logits
            start = end
        }
        return result
    }
}
