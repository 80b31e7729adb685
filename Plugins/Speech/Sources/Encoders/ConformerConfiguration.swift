import GatehouseNumerics

/// The sizes of an encoder, as `config.json` of a `ParakeetForCTC` or `ParakeetEncoder` checkpoint has them.
public struct ConformerConfiguration: Sendable {
    public let width: Int
    public let heads: Int
    public let blocks: Int
    public let hidden: Int
    public let activation: Activation
    /// Taps of a block's convolution over time; odd.
    public let taps: Int
    /// Features of a frame.
    public let bands: Int
    /// Convolutions that each halve frames and bands.
    public let halvings: Int
    public let subsamplingChannels: Int
    /// What the embeddings of frames are multiplied by.
    public let inputScale: Float
    /// Pieces of the head, the blank included; nil where the checkpoint is an encoder alone.
    public let vocabulary: Int?
    /// The piece that stands for nothing new.
    public let blank: Int

    public init(_ file: ConfigurationFile) throws(TensorFileError) {
        let type = try file.string("model_type", default: "")
        let encoder: ConfigurationFile
        switch type {
        case "parakeet_ctc":
            guard let section = file.section("encoder_config") else {
                throw file.error("encoder_config", "an object", file.summary("encoder_config"))
            }
            encoder = section
            let vocabulary = try file.extent("vocab_size", default: 1025)
            blank = Int(try file.number("pad_token_id", default: Double(vocabulary - 1)))
            guard (0..<vocabulary).contains(blank) else {
                throw file.error(
                    "pad_token_id", "a piece below vocab_size \(vocabulary)", file.summary("pad_token_id"))
            }
            self.vocabulary = vocabulary
        case "parakeet_encoder":
            encoder = file
            vocabulary = nil
            blank = 0
        default:
            throw file.error(
                "model_type", "\"parakeet_ctc\" or \"parakeet_encoder\"", file.summary("model_type"))
        }
        width = try encoder.extent("hidden_size", default: 1024)
        heads = try encoder.extent("num_attention_heads", default: 8)
        blocks = try encoder.extent("num_hidden_layers", default: 24)
        hidden = try encoder.extent("intermediate_size", default: 4096)
        activation = try encoder.activation("hidden_act", default: "silu")
        taps = try encoder.extent("conv_kernel_size", default: 9)
        bands = try encoder.extent("num_mel_bins", default: 80)
        subsamplingChannels = try encoder.extent("subsampling_conv_channels", default: 256)
        inputScale = try encoder.flag("scale_input", default: true) ? Float(width).squareRoot() : 1
        guard width % heads == 0, width % 2 == 0 else {
            throw encoder.error(
                "num_attention_heads", "a divisor of hidden_size \(width), which is even", "\(heads)")
        }
        guard try encoder.extent("num_key_value_heads", default: heads) == heads else {
            throw encoder.error(
                "num_key_value_heads", "num_attention_heads \(heads)", encoder.summary("num_key_value_heads"))
        }
        guard taps % 2 == 1, taps < 1024 else {
            throw encoder.error("conv_kernel_size", "an odd number below 1024", "\(taps)")
        }
        for (key, expected) in [("subsampling_conv_kernel_size", 3), ("subsampling_conv_stride", 2)] {
            guard try encoder.extent(key, default: expected) == expected else {
                throw encoder.error(key, "\(expected)", encoder.summary(key))
            }
        }
        let factor = try encoder.extent("subsampling_factor", default: 8)
        guard factor >= 2, factor <= 64, factor & (factor - 1) == 0 else {
            throw encoder.error("subsampling_factor", "a power of two from 2 to 64", "\(factor)")
        }
        halvings = factor.trailingZeroBitCount
        guard bands % factor == 0 else {
            throw encoder.error("num_mel_bins", "a multiple of subsampling_factor \(factor)", "\(bands)")
        }
    }

    /// Frames of features for each of the encoder's.
    public var factor: Int { 1 << halvings }
}
