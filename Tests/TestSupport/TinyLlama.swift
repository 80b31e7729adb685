import Decoder
import Engine
import Weights

extension GGUFBuilder {
    /// A model of two small layers with arbitrary weights, all float32.
    ///
    /// - Parameter context: Tokens the file says it was trained for.
    package static func tinyLlama(context: Int = 128) -> GGUFBuilder {
        let (hidden, heads, keyValueHeads, head, feedForward, vocabulary) = (32, 2, 1, 16, 64, 40)
        var builder = GGUFBuilder()
        builder.metadata = [
            ("general.architecture", .string("llama")),
            ("llama.block_count", .uint32(2)),
            ("llama.context_length", .uint32(UInt32(context))),
            ("llama.embedding_length", .uint32(UInt32(hidden))),
            ("llama.feed_forward_length", .uint32(UInt32(feedForward))),
            ("llama.attention.head_count", .uint32(UInt32(heads))),
            ("llama.attention.head_count_kv", .uint32(UInt32(keyValueHeads))),
            ("llama.attention.layer_norm_rms_epsilon", .float32(1e-5)),
        ]
        func add(_ name: String, _ shape: Int...) {
            let count = shape.reduce(1, *)
            let seed = UInt64(builder.tensors.count)
            let values = (0..<count).map { Float(Sampler.uniform(seed: seed, choice: 9, position: $0) - 0.5) }
            builder.tensors.append(.floats(name, shape: shape, values))
        }
        add("token_embd.weight", vocabulary, hidden)
        add("output_norm.weight", hidden)
        for layer in 0..<2 {
            add("blk.\(layer).attn_norm.weight", hidden)
            add("blk.\(layer).attn_q.weight", heads * head, hidden)
            add("blk.\(layer).attn_k.weight", keyValueHeads * head, hidden)
            add("blk.\(layer).attn_v.weight", keyValueHeads * head, hidden)
            add("blk.\(layer).attn_output.weight", hidden, heads * head)
            add("blk.\(layer).ffn_norm.weight", hidden)
            add("blk.\(layer).ffn_gate.weight", feedForward, hidden)
            add("blk.\(layer).ffn_up.weight", feedForward, hidden)
            add("blk.\(layer).ffn_down.weight", hidden, feedForward)
        }
        return builder
    }
}

extension DecoderModel {
    /// The model of ``GGUFBuilder/tinyLlama(context:)``.
    package static func tinyLlama(context: Int = 128, threads: Int = 1) throws -> DecoderModel {
        let source = try withFile(GGUFBuilder.tinyLlama(context: context).bytes()) {
            try ModelSource(path: $0)
        }
        return try DecoderModel(source, options: .init(threads: threads))
    }
}
