import Decoder
import Text

/// Why a model cannot chat, or messages could not be made into a prompt.
public enum FusionError: Error, Sendable, CustomStringConvertible {
    case badTokenizer(model: String, TokenizerError)
    case noTemplate(model: String)
    case badTemplate(model: String, TemplateError)
    case rowsWithoutDecoder(plugin: String)
    case rowsForAnotherDecoder(
        plugin: String, theirs: DecoderIdentity, ours: DecoderIdentity?, cosine: Double)
    /// Rows that are not as wide as those of the decoder that they are for.
    case rowWidth(plugin: String, width: Int, decoder: DecoderIdentity)
    /// The template made another number of places for media parts than the messages have.
    case places(modality: String, expected: Int, found: Int)
    /// A segment alone.
    case tooLong(positions: Int, context: Int)

    public var description: String {
        switch self {
        case .noTemplate(let model):
            return "\(model) has no chat template (tokenizer.chat_template), so it cannot chat"
        case .badTokenizer(let model, let error):
            return "\(model): \(error)"
        case .badTemplate(let model, let error):
            return "\(model), tokenizer.chat_template: \(error)"
        case .rowsWithoutDecoder(let plugin):
            return "plugin \(plugin) makes rows, but does not say for which decoder"
        case .rowsForAnotherDecoder(let plugin, let theirs, let ours, let cosine):
            let wanted = "family \(theirs.family), hidden \(theirs.hidden)"
            guard let ours else {
                return "plugin \(plugin) makes rows for \(wanted); this decoder has no identity"
            }
            return """
                plugin \(plugin) makes rows for another decoder (\(wanted)) than this one (family \(ours.family), \
                hidden \(ours.hidden)); their fingerprints have a cosine of \(String(cosine)), expected above 0.98
                """
        case .rowWidth(let plugin, let width, let decoder):
            return """
                plugin \(plugin) makes rows \(width) wide for this decoder (family \(decoder.family), hidden \
                \(decoder.hidden)), whose own are \(decoder.hidden) wide
                """
        case .tooLong(let positions, let context):
            return "a media part takes \(positions) positions or more; the context has \(context)"
        case .places(let modality, let expected, let found):
            return """
                the chat template of the model has places for \(found) of the \(expected) parts of modality \
                \(modality); most templates take them in messages of the user only
                """
        }
    }
}
