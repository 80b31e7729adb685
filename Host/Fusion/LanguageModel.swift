import Decoder
import PluginHost
import Text
import Weights

/// Everything that one model file gives: the decoder, its tokenizer and its chat template. Immutable; any thread.
public final class LanguageModel: Sendable {
    /// The file it was read from.
    public let path: String
    public let decoder: DecoderModel
    public let tokenizer: Tokenizer
    /// nil where the file has none: then it cannot chat.
    public let template: ChatTemplate?

    /// Opens a GGUF file and builds the decoder.
    public init(path: String, options: DecoderModel.Options) throws {
        let file = try GGUFFile(path: path)
        let description = try TokenizerDescription(file.metadata)
        self.path = path
        do {
            tokenizer = try Tokenizer(description)
        } catch {
            throw FusionError.badTokenizer(model: path, error)
        }
        do {
            template = try description.chatTemplate.map { source throws(TemplateError) in
                try ChatTemplate(source: source)
            }
        } catch {
            throw FusionError.badTemplate(model: path, error)
        }
        decoder = try DecoderModel(.gguf(file), options: options)
    }

    /// What plugins are told of the decoder; nil where its vocabulary lacks the tokens that an identity is made from.
    ///
    /// - Parameter context: Tokens in the context that the engine was given.
    public func facts(context: Int) throws -> DecoderFacts? {
        guard let identity = try identity() else { return nil }
        return DecoderFacts(
            identity: DecoderIdentityFacts(
                family: identity.family, hidden: UInt32(identity.hidden), fingerprint: identity.fingerprint),
            vocabulary: UInt32(decoder.vocabulary), context: UInt32(context))
    }

    /// See `GatehouseDecoderIdentity` in `gatehouse.h`.
    func identity() throws -> DecoderIdentity? {
        let tokens = try (UInt8(0x21)...0x60).map { byte in
            try tokenizer.encode(String(UnicodeScalar(byte)), special: .asText)
        }
        guard tokens.allSatisfy({ $0.count == 1 }) else { return nil }
        return try decoder.identity(byteTokens: tokens.flatMap { $0 })
    }
}

extension TokenizerDescription {
    /// The tokenizer that a GGUF file holds.
    public init(_ metadata: GGUFMetadata) throws {
        func id(_ key: String) throws -> TokenID? {
            try metadata.integer("tokenizer.ggml.\(key)").flatMap { TokenID(exactly: $0) }
        }
        self.init(
            model: try metadata.require("tokenizer.ggml.model", metadata.string),
            preTokenizer: try metadata.string("tokenizer.ggml.pre") ?? "default",
            tokens: try metadata.require("tokenizer.ggml.tokens", metadata.strings),
            kinds: try (metadata.integers("tokenizer.ggml.token_type") ?? []).map {
                Int32(truncatingIfNeeded: $0)
            },
            merges: try metadata.strings("tokenizer.ggml.merges") ?? [],
            bos: try id("bos_token_id"), eos: try id("eos_token_id"), eot: try id("eot_token_id"),
            eom: try id("eom_token_id"), addsBOS: try metadata.bool("tokenizer.ggml.add_bos_token") ?? false,
            chatTemplate: try metadata.string("tokenizer.chat_template"))
    }
}
