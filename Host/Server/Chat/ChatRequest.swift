import Engine
import Fusion
import GatehouseJSON
import Modalities
import PluginHost
import Text

/// A chat request, checked and free of any wire format.
public struct ChatRequest: Sendable {
    public var messages: [ChatMessage]
    public var sampling: Sampling
    /// Answers to write.
    public var choices: Int
    /// Reports how likely each token was, and as many of the most likely ones; nil reports nothing.
    public var alternatives: Int?
    /// Most tokens to write; nil: as many as the context leaves.
    public var maxTokens: Int?
    /// The answer ends before the first of these.
    public var stop: [String]
    /// Variables of the chat template beside its own, such as `enable_thinking`.
    public var templateVariables: [String: JinjaValue] = [:]
    /// Whether what the model thinks is told apart from what it answers.
    public var splitsReasoning = false
    /// What the request says of single plugins, by plugin id.
    public var modalities: [String: ModalityOption]
    /// What an answer that calls no function has to look like.
    public var form: AnswerForm
    /// nil where the request has none.
    public var tools: ChatTools?
    /// What the registry's rules look at beside the parts themselves.
    public var origin: RequestOrigin

    public init(
        messages: [ChatMessage], sampling: Sampling = Sampling(), choices: Int = 1, alternatives: Int? = nil,
        maxTokens: Int? = nil, stop: [String] = [],
        modalities: [String: ModalityOption] = [:], form: AnswerForm = .text, tools: ChatTools? = nil,
        origin: RequestOrigin = RequestOrigin()
    ) {
        self.messages = messages
        self.sampling = sampling
        self.choices = choices
        self.alternatives = alternatives
        self.maxTokens = maxTokens
        self.stop = stop
        self.modalities = modalities
        self.form = form
        self.tools = tools
        self.origin = origin
    }
}

/// One message of a conversation.
public struct ChatMessage: Sendable {
    /// Who speaks. A template sees these words, so they are the only ones there are.
    public enum Role: String, Sendable, CaseIterable {
        case system
        case user
        case assistant
        case tool
    }

    public var role: Role
    public var parts: [ChatPart]
    /// Functions that an assistant's message called.
    public var calls: [FunctionCall]
    /// The call that a tool's message answers.
    public var callID: String?

    public init(_ role: Role, _ parts: [ChatPart], calls: [FunctionCall] = [], callID: String? = nil) {
        self.role = role
        self.parts = parts
        self.calls = calls
        self.callID = callID
    }
}

/// One part of a message's content.
public enum ChatPart: Sendable {
    case text(String)
    case media(MediaPart)
}

/// What one plugin made of a media part, a report for each segment: an element of `gatehouse.modalities` in an answer.
public struct ModalityReport: Sendable, Equatable {
    /// The part's place among the media parts of the request, from 0.
    public var part: Int
    /// nil where a rule dropped a part that no plugin accepts.
    public var plugin: String?
    /// nil where the part was switched off.
    public var version: SemanticVersion?
    /// What attention to the part is multiplied by; 0 where it was dropped.
    public var weight: Float
    /// The learned gate's own word; nil where there is none.
    public var gate: Float?
    /// Positions that it takes in the prompt.
    public var tokens: Int
    /// Of the part, said with its first segment: 0 where its plugin was there, or not needed.
    public var loadMilliseconds: Double
    public var encodeMilliseconds: Double
    /// Whether an earlier request had it encoded.
    public var cached: Bool
}

extension ChatRequest {
    /// The messages for a log that may have them; of media the type and the size.
    var logged: JSONValue {
        .array(
            messages.map { message in
                let texts = message.parts.map { part in
                    switch part {
                    case .text(let text): text
                    case .media(let media): "[\(media.mediaType), \(media.bytes.count) bytes]"
                    }
                }
                return .object([
                    "role": .string(message.role.rawValue),
                    "content": .string(texts.joined(separator: "\n")),
                ])
            })
    }
}
