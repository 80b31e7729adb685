import Decoder
import PluginHost
import Text

/// One message of a conversation, with what encoders made of its media parts.
public struct FusedMessage: Sendable {
    /// `system`, `user`, `assistant`, or `tool`.
    public var role: String
    public var parts: [FusedPart]

    public init(role: String, parts: [FusedPart]) {
        self.role = role
        self.parts = parts
    }
}

/// One part of a message's content.
public enum FusedPart: Sendable {
    /// Text from a user, a tool or a plugin. Nothing in it becomes a control token.
    case text(String)
    /// Rows that stand where the part stood.
    case segment(Segment)
}

/// Makes the prompt that the engine reads, out of messages and what encoders made of their media parts.
public struct Fusion: Sendable {
    private let model: LanguageModel
    private let identity: DecoderIdentity?

    public init(_ model: LanguageModel) throws {
        self.model = model
        identity = try model.identity()
    }

    /// Renders the model's chat template over `messages`, ready for the assistant's answer.
    ///
    /// Throws ``FusionError``, or `TemplateError` where the template refuses the messages.
    public func prompt(_ messages: [FusedMessage]) throws -> Prompt {
        guard let template = model.template else { throw FusionError.noTemplate(model: model.path) }
        var segments: [Segment] = []
        let values = messages.map { message in
            var content = TracedText()
            for (index, part) in message.parts.enumerated() {
                if index > 0 { content.append(TracedText("\n", origin: .data)) }
                switch part {
                case .text(let text):
                    content.append(TracedText(text, origin: .data))
                case .segment(let segment):
                    content.append(.segment(segments.count))
                    segments.append(segment)
                }
            }
            return JinjaValue.dict(["role": .template(message.role), "content": .string(content)])
        }
        let rendered = try template.render(messages: values, variables: specialTokens)
        return Prompt(
            try model.tokenizer.encode(rendered).map { piece in
                switch piece {
                case .tokens(let ids): .tokens(ids)
                case .segment(let index): .segment(segments[index])
                }
            })
    }

    /// What stands in the prompt for an output of text: the registry's `prompt` with the text in its place.
    public func text(_ output: String, in prompt: String) -> String {
        prompt.replacing("{output}", with: output, maxReplacements: 1)
    }

    /// Tokens that `text` takes.
    public func tokenCount(_ text: String) throws -> Int {
        try model.tokenizer.encode(text, special: .asText).count
    }

    /// Rows of a plugin as a segment of the prompt.
    ///
    /// - Parameters:
    ///   - decoder: Whose space the plugin says they are in.
    ///   - digest: What determines them; see ``Segment/digest``.
    /// - Throws: ``FusionError`` where they are meant for another decoder.
    public func segment(
        _ rows: EncodedRows, for decoder: DecoderIdentityFacts?, plugin: String, digest: String
    ) throws -> Segment {
        guard let decoder else { throw FusionError.rowsWithoutDecoder(plugin: plugin) }
        let theirs = DecoderIdentity(
            family: decoder.family, hidden: Int(decoder.hidden), fingerprint: decoder.fingerprint)
        guard let identity, identity.matches(theirs), rows.width == identity.hidden else {
            throw FusionError.rowsForAnotherDecoder(
                plugin: plugin, theirs: theirs, ours: identity,
                cosine: identity.map { $0.hidden == theirs.hidden ? $0.cosine(with: theirs) : 0 } ?? 0)
        }
        let grid =
            rows.positions.isEmpty ? nil : Grid(t: rows.grid.t, h: rows.grid.h, w: rows.grid.w)
        let positions = stride(from: 0, to: rows.positions.count, by: 3).map {
            GridPosition(t: rows.positions[$0], h: rows.positions[$0 + 1], w: rows.positions[$0 + 2])
        }
        return rows.withValues { values in
            Segment(rows: Array(values), width: rows.width, grid: grid, positions: positions, digest: digest)
        }
    }

    private var specialTokens: [String: JinjaValue] {
        func text(_ id: TokenID?) -> JinjaValue {
            .template(id.flatMap { model.tokenizer.piece(of: $0) } ?? "")
        }
        return ["bos_token": text(model.tokenizer.bos), "eos_token": text(model.tokenizer.eos)]
    }
}

/// Why a model cannot chat, or messages could not be made into a prompt.
public enum FusionError: Error, Sendable, CustomStringConvertible {
    case badTokenizer(model: String, TokenizerError)
    case noTemplate(model: String)
    case badTemplate(model: String, TemplateError)
    case rowsWithoutDecoder(plugin: String)
    case rowsForAnotherDecoder(
        plugin: String, theirs: DecoderIdentity, ours: DecoderIdentity?, cosine: Double)

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
        }
    }
}
