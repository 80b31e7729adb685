import Constraints
import Decoder
import Digest
import GatehouseJSON
import PluginHost
import Text

/// One message of a conversation, with what encoders made of its media parts.
public struct FusedMessage: Sendable {
    /// `system`, `user`, `assistant`, or `tool`.
    public var role: String
    public var parts: [FusedPart]
    /// Of an assistant's message.
    public var calls: [FunctionCall]
    /// Of a tool's message: the call that it answers.
    public var callID: String?

    public init(role: String, parts: [FusedPart], calls: [FunctionCall] = [], callID: String? = nil) {
        self.role = role
        self.parts = parts
        self.calls = calls
        self.callID = callID
    }
}

/// One part of a message's content.
public enum FusedPart: Sendable {
    /// Text from a user, a tool or a plugin. Nothing in it becomes a control token.
    case text(String)
    /// Rows that stand where the part stood.
    ///
    /// - Parameter modality: Where the template has a place of its own for this one, they take it; nil for rows that
    ///   stand bare in any case.
    case segment(Segment, modality: String?)
}

/// Makes the prompt that the engine reads, out of messages and what encoders made of their media parts. Any thread.
public struct Fusion: Sendable {
    let model: LanguageModel
    let identity: DecoderIdentity?
    let gates = GateFiles()
    /// Positions of the context.
    private let context: Int
    private let places: MediaPlaces
    private let tools: ToolTemplate
    private let specialTokens: [String: JinjaValue]

    /// - Parameter context: Positions that a prompt may take; nil: as many as the model was trained for.
    public init(_ model: LanguageModel, context: Int? = nil) throws {
        self.model = model
        self.context = context ?? model.decoder.contextLength
        identity = try model.identity()
        func text(_ id: TokenID?) -> JinjaValue {
            .template(id.flatMap { model.tokenizer.piece(of: $0) } ?? "")
        }
        specialTokens = ["bos_token": text(model.tokenizer.bos), "eos_token": text(model.tokenizer.eos)]
        places = MediaPlaces(model.template, model.tokenizer, variables: specialTokens)
        tools = ToolTemplate(model.template, variables: specialTokens)
    }

    /// How the model writes calls of functions.
    public var callFormat: CallFormat { tools.format }

    /// Renders the model's chat template over `messages`, ready for the assistant's answer.
    ///
    /// - Parameters:
    ///   - functions: Tools that the model is told of, as OpenAI's API describes them.
    ///   - variables: Of the template, beside those that it always has.
    ///
    /// Throws ``FusionError``, or `TemplateError` where the template refuses the messages.
    public func prompt(
        _ messages: [FusedMessage], tools functions: [JSONValue] = [], variables: [String: JinjaValue] = [:]
    ) throws -> Prompt {
        guard let template = model.template else { throw FusionError.noTemplate(model: model.path) }
        var placement = Placement()
        let names = Dictionary(
            messages.flatMap(\.calls).map { ($0.id, $0.name) }, uniquingKeysWith: { _, last in last })
        let values = tools.prepare(messages, tools: functions).map { message in
            var value: JinjaDict = [
                "role": .template(message.role), "content": content(message.parts, &placement),
            ]
            if !message.calls.isEmpty {
                value.set(.template("tool_calls"), .list(message.calls.map(ToolTemplate.value)))
            }
            if let id = message.callID, message.role == "tool" {
                value.set(.template("tool_call_id"), .data(id))
                if let name = names[id] { value.set(.template("name"), .data(name)) }
            }
            return JinjaValue.dict(value)
        }
        let listed = tools.listsTools && !functions.isEmpty ? functions.map { JinjaValue($0) } : nil
        let rendered = try template.render(
            messages: values, tools: listed, variables: specialTokens.merging(variables) { own, _ in own })
        return Prompt(try placement.pieces(of: try model.tokenizer.encode(rendered)))
    }

    /// Segments on their way through the template.
    private struct Placement {
        /// Those for which a character of their own goes through it.
        var bare: [Segment] = []
        /// Those for which the template writes a token, by that token, in the order of their parts.
        var placed: [TokenID: (modality: String, segments: [Segment])] = [:]

        func pieces(of encoded: [EncodedPiece]) throws(FusionError) -> [Piece] {
            var pieces: [Piece] = []
            var found: [TokenID: Int] = [:]
            for piece in encoded {
                switch piece {
                case .segment(let index): pieces.append(.segment(bare[index]))
                case .tokens(let ids):
                    var run: [Int32] = []
                    for id in ids {
                        guard let segments = placed[id]?.segments else {
                            run.append(id)
                            continue
                        }
                        let index = found[id, default: 0]
                        found[id] = index + 1
                        guard index < segments.count else { continue }
                        if !run.isEmpty { pieces.append(.tokens(run)) }
                        run = []
                        pieces.append(.segment(segments[index]))
                    }
                    if !run.isEmpty { pieces.append(.tokens(run)) }
                }
            }
            for (id, (modality, segments)) in placed where found[id, default: 0] != segments.count {
                throw .places(modality: modality, expected: segments.count, found: found[id, default: 0])
            }
            return pieces
        }
    }

    /// A message's content as the template takes it: a list of parts where some have places of their own in it, else
    /// text with a line for each part.
    private func content(_ parts: [FusedPart], _ placement: inout Placement) -> JinjaValue {
        func place(_ modality: String?) -> TokenID? { modality.flatMap { places[$0] } }
        func text(_ part: FusedPart) -> TracedText {
            switch part {
            case .text(let text): return TracedText(text, origin: .data)
            case .segment(let segment, _):
                placement.bare.append(segment)
                return .segment(placement.bare.count - 1)
            }
        }
        let hasPlaces = parts.contains { part in
            if case .segment(_, let modality) = part { place(modality) != nil } else { false }
        }
        guard hasPlaces else {
            var content = TracedText()
            for (index, part) in parts.enumerated() {
                if index > 0 { content.append(TracedText("\n", origin: .data)) }
                content.append(text(part))
            }
            return .string(content)
        }
        return .list(
            parts.map { part in
                guard case .segment(let segment, let modality?) = part, let token = place(modality) else {
                    return .dict(["type": .template("text"), "text": .string(text(part))])
                }
                placement.placed[token, default: (modality, [])].segments.append(segment)
                return .dict(["type": .template(modality)])
            })
    }

    /// What stands in the prompt for an output of text: the registry's `prompt` with the text in its place.
    public func text(_ output: String, in prompt: String) -> String {
        prompt.replacing("{output}", with: output, maxReplacements: 1)
    }

    /// Rows that stand bare, between those of what the registry's `prompt` has before and after `{output}`.
    public func segment(_ segment: Segment, in prompt: String) throws -> Segment {
        let around = prompt.split(separator: "{output}", maxSplits: 1, omittingEmptySubsequences: false)
        guard segment.count > 0, around.count == 2, around.contains(where: { !$0.isEmpty }) else {
            return segment
        }
        precondition(segment.grid == nil, "what stands bare has no places")
        let rows = try around.map {
            try model.decoder.embed(model.tokenizer.encode(String($0), special: .asText))
        }
        var hash = SHA256()
        hash.update(Array("\(segment.digest) in \(prompt)".utf8))
        return Segment(
            rows: rows[0] + segment.rows + rows[1], width: segment.width, weight: segment.weight,
            digest: hash.finish())
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
        try FusionError.check(rowsOf: plugin, width: rows.width, for: decoder, ours: identity)
        try checkFits(rows.count)
        let grid =
            rows.positions.isEmpty ? nil : Grid(t: rows.grid.t, h: rows.grid.h, w: rows.grid.w)
        let positions = stride(from: 0, to: rows.positions.count, by: 3).map {
            GridPosition(t: rows.positions[$0], h: rows.positions[$0 + 1], w: rows.positions[$0 + 2])
        }
        return rows.withValues { values in
            Segment(rows: Array(values), width: rows.width, grid: grid, positions: positions, digest: digest)
        }
    }

    /// Throws where a segment alone is longer than the context, before memory is spent on it.
    func checkFits(_ positions: Int) throws(FusionError) {
        guard positions <= context else { throw .tooLong(positions: positions, context: context) }
    }
}
