/// The tags between which a model writes what it thinks before it answers.
public struct ReasoningTags: Sendable, Equatable {
    public let open: String
    public let close: String

    public init(open: String, close: String) {
        self.open = open
        self.close = close
    }

    /// What GLM, Qwen and DeepSeek write.
    public static let think = ReasoningTags(open: "<think>", close: "</think>")
    private static let known = [
        think, ReasoningTags(open: "<thinking>", close: "</thinking>"),
        ReasoningTags(open: "<reasoning>", close: "</reasoning>"),
        ReasoningTags(open: "[THINK]", close: "[/THINK]"),
    ]

    /// Those that a vocabulary has as tokens of their own, else ``think``.
    public static func of(_ tokenizer: Tokenizer) -> ReasoningTags {
        known.first { tags in
            [tags.open, tags.close].allSatisfy { tag in
                (try? tokenizer.encode(tag, special: .asControl))?.count == 1
            }
        } ?? think
    }

    /// Whether a text ends inside the tags, as prompts do whose template opens them for the model.
    public func areOpen(atEndOf text: String) -> Bool {
        var end = text[...]
        while let last = end.last, last.isWhitespace { end = end.dropLast() }
        return end.hasSuffix(open)
    }
}

/// Parts a stream of text into what a model thinks and what it answers, wherever the stream's own borders lie. A value.
///
/// Only the first stretch of thinking is told apart, and only where the text begins with it, white space aside: tags that
/// come later are text of the answer. White space next to the tags is left out.
public struct ReasoningSplitter: Sendable {
    /// What of a text belongs where.
    public struct Parts: Sendable, Equatable {
        public var reasoning = ""
        public var content = ""

        public init(reasoning: String = "", content: String = "") {
            self.reasoning = reasoning
            self.content = content
        }

        public var isEmpty: Bool { reasoning.isEmpty && content.isEmpty }
    }

    private enum Place {
        /// Nothing but white space and a beginning of the opening tag has come.
        case start
        case reasoning
        /// After the closing tag, before anything but white space.
        case gap
        case content
    }

    private let tags: ReasoningTags
    private var place: Place
    /// What has come and may yet belong to a tag, or be white space before one.
    private var held = ""
    /// Whether some reasoning has been handed out.
    private var hasReasoning = false

    /// - Parameter isOpen: Whether the prompt has opened the tags.
    public init(_ tags: ReasoningTags, isOpen: Bool) {
        self.tags = tags
        place = isOpen ? .reasoning : .start
    }

    /// What may be shown once `text` has come.
    public mutating func push(_ text: String) -> Parts {
        held += text
        var parts = Parts()
        while step(&parts) {}
        return parts
    }

    /// What was held back, now that no more text comes.
    public mutating func finish() -> Parts {
        defer { held = "" }
        switch place {
        case .start, .content: return Parts(content: held)
        case .reasoning:
            return Parts(reasoning: trimmedEnd(of: hasReasoning ? held : String(trimmedStart(of: held))))
        case .gap: return Parts()
        }
    }

    /// Takes what can be decided from `held`; false where more has to come first.
    private mutating func step(_ parts: inout Parts) -> Bool {
        switch place {
        case .start:
            let rest = trimmedStart(of: held)
            if rest.hasPrefix(tags.open) {
                held = String(rest.dropFirst(tags.open.count))
                place = .reasoning
                return true
            }
            if tags.open.hasPrefix(rest) { return false }
            place = .content
            return true
        case .reasoning:
            if !hasReasoning { held = String(trimmedStart(of: held)) }
            if let end = held.firstRange(of: tags.close) {
                let last = trimmedEnd(of: String(held[..<end.lowerBound]))
                parts.reasoning += last
                hasReasoning = hasReasoning || !last.isEmpty
                held = String(held[end.upperBound...])
                place = .gap
                return true
            }
            // A part of the closing tag, and white space before it.
            var kept = held.endIndex
            for length in stride(from: min(tags.close.count - 1, held.count), to: 0, by: -1)
            where tags.close.hasPrefix(held.suffix(length)) {
                kept = held.index(held.endIndex, offsetBy: -length)
                break
            }
            while kept > held.startIndex, held[held.index(before: kept)].isWhitespace {
                kept = held.index(before: kept)
            }
            parts.reasoning += held[..<kept]
            hasReasoning = hasReasoning || kept > held.startIndex
            held = String(held[kept...])
            return false
        case .gap:
            held = String(trimmedStart(of: held))
            if held.isEmpty { return false }
            place = .content
            return true
        case .content:
            parts.content += held
            held = ""
            return false
        }
    }

    private func trimmedStart(of text: String) -> Substring { text.drop { $0.isWhitespace } }

    private func trimmedEnd(of text: String) -> String {
        var end = text[...]
        while let last = end.last, last.isWhitespace { end = end.dropLast() }
        return String(end)
    }
}
