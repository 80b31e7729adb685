import Decoder
import PluginHost
import Text
import Weights

/// Everything that a model gives: the decoder, its tokenizer and its chat template. Immutable; any thread.
public final class LanguageModel: Sendable {
    /// The file or folder it was read from.
    public let path: String
    public let decoder: DecoderModel
    public let tokenizer: Tokenizer
    /// nil where the model has none: then it cannot chat.
    public let template: ChatTemplate?
    /// What of its files was ignored, a sentence each.
    public let warnings: [String]

    /// Opens a model file or a checkpoint's folder, and builds the decoder.
    public convenience init(path: String, options: DecoderModel.Options) throws {
        try self.init(try ModelSource(path: path), options: options)
    }

    /// Builds the decoder of an opened model.
    public init(_ source: ModelSource, options: DecoderModel.Options) throws {
        let text = try ModelText(source)
        path = text.path
        tokenizer = text.tokenizer
        template = text.template
        warnings = text.warnings
        decoder = try DecoderModel(source, options: options)
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
