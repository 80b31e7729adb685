import Engine
import GatehouseJSON

/// Writes plain completions in the shape of OpenAI's older API.
struct TextCompletion: Sendable {
    /// What is written to one prompt.
    struct Answer: Sendable {
        let elements: MeteredAnswer
        /// Stands before the text of every choice.
        let beginning: String
    }

    let id: String
    /// Seconds since 1970.
    let created: Int
    let model: String
    /// For each prompt.
    let choices: Int
    let reportsTokens: Bool
    let includesUsage: Bool

    private struct Choice {
        var text: String
        var tokens: [AnswerToken] = []
        var reason = FinishReason.stop
    }

    func whole(_ answers: [Answer]) async throws -> JSONValue {
        var written: [JSONValue] = []
        var total = Usage(promptTokens: 0, completionTokens: 0)
        for answer in answers {
            var found = Array(repeating: Choice(text: answer.beginning), count: choices)
            var isWhole = false
            for try await element in answer.elements {
                switch element {
                case .read, .call, .arguments: break
                case .text(let piece, let choice):
                    found[choice].text += piece.text
                    found[choice].tokens += piece.tokens
                case .ended(let reason, let choice): found[choice].reason = reason
                case .finished(let usage):
                    total.add(usage)
                    isWhole = true
                }
            }
            // The stream of a cancelled task ends early.
            guard isWhole else { throw HTTPError.clientGone }
            for choice in found {
                written.append(
                    json(choice.text, choice.tokens, choice.reason, offset: 0, index: written.count))
            }
        }
        var members = head
        members["choices"] = .array(written)
        members["usage"] = total.json
        return .object(members)
    }

    /// Prompts one after the other; the engine works on all of them at once.
    func streamed(_ answers: [Answer], to client: AccessControl.Client) -> HTTPResponse {
        ServerSentEvents.answer(to: client, asking: "prompt") { events in
            var total = Usage(promptTokens: 0, completionTokens: 0)
            func send(_ choice: JSONValue) async throws {
                var members = head
                members["choices"] = .array([choice])
                if includesUsage { members["usage"] = .null }
                try await events.send(JSONValue.object(members).text)
            }
            for (number, answer) in answers.enumerated() {
                var offsets = Array(repeating: answer.beginning.unicodeScalars.count, count: choices)
                if !answer.beginning.isEmpty {
                    for choice in 0..<choices {
                        try await send(
                            json(answer.beginning, [], nil, offset: 0, index: number * choices + choice))
                    }
                }
                for try await element in answer.elements {
                    switch element {
                    case .read, .call, .arguments: break
                    case .text(let piece, let choice):
                        try await send(
                            json(
                                piece.text, piece.tokens, nil, offset: offsets[choice],
                                index: number * choices + choice))
                        offsets[choice] += piece.text.unicodeScalars.count
                    case .ended(let reason, let choice):
                        try await send(
                            json(
                                "", [], reason, offset: offsets[choice], index: number * choices + choice)
                        )
                    case .finished(let usage): total.add(usage)
                    }
                }
            }
            if includesUsage {
                var members = head
                members["choices"] = .array([])
                members["usage"] = total.json
                try await events.send(JSONValue.object(members).text)
            }
            try await events.send("[DONE]")
        }
    }

    /// - Parameter offset: Characters of the choice's text before this piece.
    private func json(
        _ text: String, _ tokens: [AnswerToken], _ reason: FinishReason?, offset: Int, index: Int
    ) -> JSONValue {
        .object([
            "index": .number(Double(index)), "text": .string(text),
            "logprobs": reportsTokens ? Self.logprobs(tokens, offset: offset) : .null,
            "finish_reason": reason.map { .string($0.rawValue) } ?? .null,
        ])
    }

    private static func logprobs(_ tokens: [AnswerToken], offset: Int) -> JSONValue {
        func text(_ token: AnswerToken) -> String { String(decoding: token.bytes, as: UTF8.self) }
        var offset = offset
        var offsets: [JSONValue] = []
        for token in tokens {
            offsets.append(.number(Double(offset)))
            offset += text(token).unicodeScalars.count
        }
        return .object([
            "tokens": .array(tokens.map { .string(text($0)) }),
            "token_logprobs": .array(tokens.map { .number(Double($0.logprob)) }),
            "top_logprobs": .array(
                tokens.map { token in
                    var members: JSONObject = [:]
                    for other in token.alternatives { members[text(other)] = .number(Double(other.logprob)) }
                    return .object(members)
                }),
            "text_offset": .array(offsets),
        ])
    }

    private var head: JSONObject {
        [
            "id": .string(id), "object": .string("text_completion"), "created": .number(Double(created)),
            "model": .string(model),
        ]
    }
}

extension Usage {
    fileprivate mutating func add(_ other: Usage) {
        promptTokens += other.promptTokens
        completionTokens += other.completionTokens
        cachedTokens += other.cachedTokens
    }
}
