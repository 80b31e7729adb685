extension ReferenceDecoder {
    /// Metadata of a GGUF file, by key.
    public struct Metadata {
        public var string: (String) throws -> String?
        public var number: (String) throws -> Double?
        public var integers: (String) throws -> [Int]?

        public init(
            string: @escaping (String) throws -> String?, number: @escaping (String) throws -> Double?,
            integers: @escaping (String) throws -> [Int]?
        ) {
            self.string = string
            self.number = number
            self.integers = integers
        }

        func integer(_ key: String) throws -> Int? { try number(key).map { Int($0) } }

        func require<Value>(_ key: String, _ read: (String) throws -> Value?) throws -> Value {
            guard let value = try read(key) else { throw ReferenceError("there is no \(key)") }
            return value
        }
    }

    /// Reads a checkpoint as llama.cpp's converter writes it.
    ///
    /// The converter reorders the rows of query and key of `llama` so that pairs lie next to each other; those of `glm4`
    /// do already, and only where the rotary sections of M-RoPE are stated it moves the pairs' halves apart.
    public init(metadata: Metadata, tensors: ReferenceTensors) throws {
        let family = try metadata.require("general.architecture", metadata.string)
        guard ["llama", "glm4"].contains(family) else {
            throw ReferenceError("the family \(family) is not known")
        }
        let hidden = try metadata.require("\(family).embedding_length", metadata.integer)
        let heads = try metadata.require("\(family).attention.head_count", metadata.integer)
        let headWidth = try metadata.integer("\(family).attention.key_length") ?? hidden / heads
        let sections = try metadata.integers("\(family).rope.dimension_sections") ?? []
        let scaling = try metadata.number("\(family).rope.scaling.factor") ?? 1
        let width = try metadata.integer("\(family).rope.dimension_count") ?? headWidth
        let factors = try tensors.find("rope_freqs.weight")?.values ?? .init(repeating: 1, count: width / 2)
        let embedding = try tensors.vector("token_embd.weight")
        self.init(
            heads: heads, keyValueHeads: try metadata.integer("\(family).attention.head_count_kv") ?? heads,
            hidden: hidden,
            rotary: Rotary(
                width: width, base: try metadata.number("\(family).rope.freq_base") ?? 10_000,
                pairing: sections.isEmpty ? .interleaved : .halves,
                divisors: factors.map { Double($0) * scaling }, sections: sections),
            normEpsilon: try metadata.require("\(family).attention.layer_norm_rms_epsilon", metadata.number),
            embedding: embedding,
            layers: try (0..<metadata.require("\(family).block_count", metadata.integer)).map {
                try Self.converted("blk.\($0).", tensors)
            },
            outputNorm: try tensors.vector("output_norm.weight"),
            output: Linear(try tensors.find("output.weight")?.values ?? embedding))
    }

    private static func converted(_ block: String, _ tensors: ReferenceTensors) throws -> Layer {
        var (gate, up) = try halves(of: tensors.vector(block + "ffn_up.weight"))
        if try tensors.find(block + "ffn_gate.weight") != nil {
            (gate, up) = (try tensors.linear(block + "ffn_gate"), try tensors.linear(block + "ffn_up"))
        }
        return Layer(
            attentionNorm: try tensors.vector(block + "attn_norm.weight"),
            query: try tensors.linear(block + "attn_q"), key: try tensors.linear(block + "attn_k"),
            value: try tensors.linear(block + "attn_v"),
            attentionOutput: try tensors.linear(block + "attn_output"),
            postAttentionNorm: try tensors.find(block + "post_attention_norm.weight")?.values,
            feedForwardNorm: try tensors.vector(block + "ffn_norm.weight"), gate: gate, up: up,
            down: try tensors.linear(block + "ffn_down"),
            postFeedForwardNorm: try tensors.find(block + "post_ffw_norm.weight")?.values)
    }
}
