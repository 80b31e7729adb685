import Engine
import Text

/// A piece of an answer's text.
public struct AnswerText: Sendable, Equatable {
    /// Never half a character.
    public var text: String
    /// What the model thinks, where the request has it told apart.
    public var reasoning: String
    /// The tokens that it is made of, where the request asks how likely they are.
    public var tokens: [AnswerToken]

    public init(_ text: String, reasoning: String = "", tokens: [AnswerToken] = []) {
        self.text = text
        self.reasoning = reasoning
        self.tokens = tokens
    }
}

/// A token of an answer, spelled out.
public struct AnswerToken: Sendable, Equatable {
    /// Its part of the text in UTF-8, which may be part of a character.
    public var bytes: [UInt8]
    public var logprob: Float
    /// The most likely tokens at its place, without alternatives of their own.
    public var alternatives: [AnswerToken]
}

/// Turns the tokens of one choice into text, up to a stop string. A value.
struct AnswerWriter: Sendable {
    private let tokenizer: Tokenizer
    private var text: TokenStream
    private var matcher: StopMatcher
    private var reasoning: ReasoningSplitter?
    /// Tokens whose text has not been handed out, each with the bytes of text before it.
    private var held: [(token: AnswerToken, start: Int)] = []
    /// Bytes of text that all tokens so far make, and those of them that were handed out.
    private var made = 0
    private var handed = 0
    private var isEnded = false

    /// - Parameter reasoning: Tells apart what the model thinks; nil leaves it in the text.
    init(_ tokenizer: Tokenizer, stop: [String], reasoning: ReasoningSplitter? = nil) {
        self.tokenizer = tokenizer
        text = TokenStream(tokenizer)
        matcher = StopMatcher(stop)
        self.reasoning = reasoning
    }

    /// Whether a stop string has ended the text.
    var isStopped: Bool { matcher.match != nil }
    /// Whether no more tokens are to come.
    var isFinished: Bool { isStopped || isEnded }

    /// What may be shown once `token` has come, if anything.
    mutating func push(_ token: WrittenToken) -> AnswerText? {
        if let logprob = token.logprob {
            let alternatives = token.alternatives.map {
                AnswerToken(bytes: tokenizer.bytes(of: $0.id), logprob: $0.logprob, alternatives: [])
            }
            held.append(
                (
                    AnswerToken(
                        bytes: tokenizer.bytes(of: token.id), logprob: logprob, alternatives: alternatives),
                    made
                ))
        }
        let new = text.push(token.id)
        made += new.utf8.count
        return hand(matcher.push(new))
    }

    /// What is left at the end.
    mutating func finish(_ reason: FinishReason) -> AnswerText? {
        isEnded = true
        // A limit may fall inside a character, of which nothing is shown then.
        let rest = reason == .length ? "" : text.finish()
        return hand(matcher.push(rest) + matcher.finish())
    }

    private mutating func hand(_ text: String) -> AnswerText? {
        handed += text.utf8.count
        let isLast = isEnded && !isStopped
        let count = isLast ? held.count : held.prefix { $0.start < handed }.count
        let tokens = held.prefix(count).map(\.token)
        held.removeFirst(count)
        var parts = reasoning?.push(text) ?? ReasoningSplitter.Parts(content: text)
        if isFinished, let last = reasoning?.finish() {
            parts = .init(reasoning: parts.reasoning + last.reasoning, content: parts.content + last.content)
        }
        return parts.isEmpty && tokens.isEmpty
            ? nil : AnswerText(parts.content, reasoning: parts.reasoning, tokens: tokens)
    }
}
