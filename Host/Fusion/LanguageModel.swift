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
    /// The tags between which the model thinks.
    public let reasoning: ReasoningTags
    /// What of its files was ignored, a sentence each.
    public let warnings: [String]

    /// Opens a model file or a checkpoint's folder, and builds the decoder.
    /// - Parameter progress: Told of the quantising that `options` ask for.
    public convenience init(
        path: String, options: DecoderModel.Options, progress: LoadProgress? = nil
    ) throws {
        try self.init(try ModelSource(path: path), options: options, progress: progress)
    }

    /// Builds the decoder of an opened model.
    /// - Parameter progress: Told of the quantising that `options` ask for.
    public init(
        _ source: ModelSource, options: DecoderModel.Options, progress: LoadProgress? = nil
    ) throws {
        let text = try ModelText(source)
        path = text.path
        tokenizer = text.tokenizer
        template = text.template
        warnings = text.warnings
        reasoning = ReasoningTags.of(tokenizer)
        decoder = try DecoderModel(source, options: options, progress: progress)
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

    /// Whether a prompt ends inside the tags of ``reasoning``, opened by the template.
    public func opensReasoning(_ prompt: Prompt) -> Bool {
        guard case .tokens(let ids)? = prompt.pieces.last else { return false }
        return reasoning.areOpen(atEndOf: tokenizer.decode(ids.suffix(16)))
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
