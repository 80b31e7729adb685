import CheckpointFixtures
import Decoder
import Foundation
import TestSupport
import Testing
import Weights

/// Checkpoints that cannot be run are refused by what is wrong with them; none of them crashes the host.
@Suite struct HostileCheckpointTests {
    /// What is wrong with a checkpoint, and what the message has to name.
    struct Wrong: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var fixture: String
        var names: [String]
        var change: @Sendable (inout CheckpointBuilder) -> Void

        init(
            _ names: String..., in fixture: String = "glm4",
            change: @escaping @Sendable (inout CheckpointBuilder) -> Void
        ) {
            testDescription = names.joined(separator: ", ")
            self.fixture = fixture
            self.names = names
            self.change = change
        }
    }

    private static func remove(_ name: String, in fixture: String = "glm4") -> Wrong {
        Wrong(name, "no such tensor", in: fixture) { $0.tensors.removeAll { $0.name == name } }
    }

    private static func set(
        _ key: String, _ value: any Sendable, _ names: String..., in fixture: String = "glm4"
    ) -> Wrong {
        var wrong = Wrong(in: fixture) { $0.config[key] = value }
        wrong.names = ["config.json", key] + names
        wrong.testDescription = "\(key): \(value)"
        return wrong
    }

    private static func header(_ header: String, _ names: String...) -> Wrong {
        var wrong = Wrong { $0.change("model.norm.weight") { $0.header = header } }
        wrong.names = ["model.safetensors", "model.norm.weight"] + names
        wrong.testDescription = header
        return wrong
    }

    static let lacking = [
        remove("model.embed_tokens.weight"), remove("model.norm.weight"), remove("lm_head.weight"),
        remove("model.layers.1.input_layernorm.weight"), remove("model.layers.0.self_attn.q_proj.bias"),
        remove("model.layers.0.post_self_attn_layernorm.weight"),
        remove("model.layers.1.mlp.down_proj.weight"),
        remove("model.layers.1.mlp.gate_up_proj.weight"), remove("model.layers.0.self_attn.o_proj.weight"),
        remove("model.layers.2.self_attn.k_proj.bias", in: "llama-bias"),
        remove("model.layers.0.mlp.gate_proj.weight", in: "llama-tied"),
        remove("model.language_model.norm.weight", in: "glm4v"),
        remove("model.layers.1.post_mlp_layernorm.weight", in: "glm4v-old-names"),
        Wrong("model.layers.1.self_attn.v_proj.bias", "no such tensor") {
            $0.config["attention_bias"] = nil
            $0.tensors.removeAll { $0.name == "model.layers.1.self_attn.v_proj.bias" }
        },
        // More layers than there are, up to a number that nobody could make room for.
        Wrong("model.layers.2.input_layernorm.weight", "no such tensor") {
            $0.config["num_hidden_layers"] = 3
        },
        Wrong("model.layers.2.input_layernorm.weight", "no such tensor") {
            $0.config["num_hidden_layers"] = 1 << 20
        },
        // One that no family has would be left out of the sums.
        Wrong("model.layers.0.self_attn.q_norm.weight", "no such tensor") {
            $0.add(
                "model.layers.0.self_attn.q_norm.weight", "F32", shape: [16], .init(repeating: 1, count: 16))
        },
        Wrong("model.layers.1.input_layernorm.weight") { $0.config["num_hidden_layers"] = 1 },
    ]

    static let shapes = [
        Wrong("model.layers.0.self_attn.q_proj.weight", "[64, 32]", "[32, 64]") {
            $0.change("model.layers.0.self_attn.q_proj.weight") { $0.shape = [32, 64] }
        },
        Wrong("model.norm.weight", "[32]", "[1, 32]") {
            $0.change("model.norm.weight") { $0.shape = [1, 32] }
        },
        Wrong("model.layers.0.self_attn.q_proj.bias", "[64]", "[2, 32]") {
            $0.change("model.layers.0.self_attn.q_proj.bias") { $0.shape = [2, 32] }
        },
        Wrong("model.layers.1.mlp.gate_up_proj.weight", "[144, 32]", "[72, 64]") {
            $0.change("model.layers.1.mlp.gate_up_proj.weight") { $0.shape = [72, 64] }
        },
        Wrong("lm_head.weight", "[300, 32]", "[299, 32]") {
            $0.change("lm_head.weight") { tensor in
                tensor.shape = [299, 32]
                tensor.data.removeLast(128)
            }
        },
        Wrong("model.norm.weight", "no such tensor") { builder in
            builder.change("model.norm.weight") { tensor in
                tensor.type = "I32"
            }
        },
    ]

    static let files = [
        Wrong("model.safetensors", "bytes") { $0.cut = 1 },
        Wrong("model.safetensors", "bytes") { $0.cut = 100_000 },
        Wrong("model.safetensors", "header length", "18446744073709551615") { $0.headerLength = .max },
        Wrong("model.safetensors", "header length", "9223372036854775808") { $0.headerLength = 1 << 63 },
        Wrong("model.safetensors", "header") { $0.headerLength = 3 },
        header(#"{"dtype":"F32","shape":[18446744073709551615],"data_offsets":[0,128]}"#, "shape"),
        header(#"{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,128]}"#, "size below 2^63"),
        header(#"{"dtype":"F32","shape":[9223372036854775807,2],"data_offsets":[0,128]}"#, "size below 2^63"),
        header(
            #"{"dtype":"F32","shape":[32],"data_offsets":[18446744073709551488,18446744073709551615]}"#,
            "data_offsets"),
        header(#"{"dtype":"F32","shape":[32],"data_offsets":[128,0]}"#, "data_offsets"),
        header(#"{"dtype":"F32","shape":[32],"data_offsets":[-128,0]}"#, "data_offsets"),
        header(#"{"dtype":"F32","shape":[32],"data_offsets":[0,127]}"#),
        header(#"{"dtype":"F5","shape":[32],"data_offsets":[0,128]}"#, "dtype"),
        Wrong("model.safetensors", "overlaps") {
            // Sound in itself, and on the data of the first tensor.
            $0.change("model.norm.weight") {
                $0.header = #"{"dtype":"F32","shape":[32],"data_offsets":[0,128]}"#
            }
        },
    ]

    static let configurations = [
        set("model_type", "gpt_neox", "llama", "glm4v", "gpt_neox"),
        set("hidden_size", 0), set("hidden_size", -32), set("hidden_size", 9.2e18),
        set("hidden_size", "many"), set("num_attention_heads", 0), set("num_key_value_heads", 3),
        set("head_dim", 7), set("num_hidden_layers", 1 << 40), set("intermediate_size", 0),
        set("rms_norm_eps", -1), set("partial_rotary_factor", 1.5), set("rope_theta", 0),
        set("max_position_embeddings", 0), set("hidden_act", "gelu"), set("vocab_size", "all"),
        set("quantization_config", ["bits": 4]),
        set("rope_scaling", ["rope_type": "yarn", "factor": "2"], "rope_type", "yarn"),
        set("rope_scaling", ["rope_type": "llama3"], "factor", in: "llama-bias"),
        Wrong("config.json", "mrope_section", in: "glm4v-old-names") {
            $0.config["rope_scaling"] = ["rope_type": "default", "mrope_section": [1, 1, 1]]
        },
        Wrong("config.json", "mrope_section", in: "glm4v-old-names") {
            $0.config["rope_scaling"] = ["rope_type": "default", "mrope_section": [-1, 6, 1]]
        },
        Wrong("config.json", "mrope_section", in: "glm4v-old-names") { $0.config["rope_scaling"] = NSNull() },
        Wrong("config.json") { $0.files["config.json"] = "{" },
        Wrong("config.json") { $0.files["config.json"] = "" },
        Wrong("config.json") { $0.files["config.json"] = "[]" },
        Wrong("config.json") {
            $0.files["config.json"] = String(repeating: #"{"a":"#, count: 100_000)
        },
        Wrong("config.json", "hidden_size") { $0.config["hidden_size"] = nil },
        Wrong("config.json", "model_type") { $0.config["model_type"] = nil },
    ]

    @Test(arguments: lacking + shapes + files + configurations)
    func whatCannotBeRunIsRefusedByName(_ wrong: Wrong) throws {
        var builder = try CheckpointBuilder(copying: CheckpointFixture(wrong.fixture))
        wrong.change(&builder)
        let error = try builder.withFolder { folder in
            #expect(throws: (any Error).self) {
                try DecoderModel(ModelSource(path: folder), options: .init(threads: 1))
            }
        }
        let message = "\(try #require(error))"
        for name in wrong.names { #expect(message.contains(name), "\(message)") }
    }

    @Test func theSoundCopyRuns() throws {
        for fixture in CheckpointFixture.all {
            try CheckpointBuilder(copying: fixture).withFolder { folder in
                let model = try DecoderModel(ModelSource(path: folder), options: .init(threads: 1))
                #expect(model.family == fixture.family)
            }
        }
    }

    /// Damage at random: the checkpoint may still run, but nothing may crash.
    @Test func noRandomDamageCrashesTheDecoder() throws {
        var numbers = SplitMix64(state: 3)
        let sound = try CheckpointBuilder(copying: CheckpointFixture("glm4v"))
        let config = try JSONSerialization.data(withJSONObject: sound.config)
        let soundWeights = sound.weights()
        let header = soundWeights.firstIndex(of: UInt8(ascii: "}")) ?? 0
        var refused = 0
        for round in 0..<300 {
            var builder = sound
            var weights = soundWeights
            var text = [UInt8](config)
            for _ in 0..<Int.random(in: 1...3, using: &numbers) {
                if round.isMultiple(of: 2) {
                    weights[Int.random(in: 0..<20 * header, using: &numbers)] = .random(
                        in: 0...255, using: &numbers)
                } else {
                    // A digit for a digit keeps the file readable, so that the numbers are what is damaged.
                    let digits = text.indices.filter { (48...57).contains(text[$0]) }
                    text[digits[Int.random(in: digits.indices, using: &numbers)]] = .random(
                        in: 48...57, using: &numbers)
                }
            }
            builder.files["config.json"] = String(decoding: text, as: UTF8.self)
            refused += try builder.withFolder { folder in
                try Data(weights).write(to: URL(fileURLWithPath: folder + "/model.safetensors"))
                do {
                    let model = try DecoderModel(ModelSource(path: folder), options: .init(threads: 1))
                    let pool = try KVPool(model, pages: 1)
                    var logits: [Float] = []
                    try model.step(
                        [SequenceRows(pages: [0], length: 0, tokens: [0, 1], logits: 1)], pool: pool,
                        logits: &logits)
                    return 0
                } catch {
                    return 1
                }
            }
        }
        #expect(refused > 100)
    }
}
