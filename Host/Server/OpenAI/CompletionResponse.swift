import Engine
import Foundation
import Fusion
import GatehouseJSON
import Modalities

/// Writes answers in the shape of OpenAI's API: one object, or chunks of a stream.
struct CompletionResponse: Sendable {
    /// `chatcmpl-…`, the same in all chunks.
    let id: String
    /// Seconds since 1970.
    let created: Int
    let model: String
    /// Whether the chunks of a stream have a `usage`: null in all but the last.
    let includesUsage: Bool

    /// Whether tokens are reported with how likely they are.
    let reportsTokens: Bool
    /// Whether what the model thinks has a field of its own.
    let splitsReasoning: Bool

    /// What one choice came to.
    struct Choice {
        var text = AnswerText("")
        var reason = FinishReason.stop
        var calls: [FunctionCall] = []

        mutating func append(_ piece: AnswerText) {
            text.text += piece.text
            text.reasoning += piece.reasoning
            text.tokens += piece.tokens
        }

        /// What a client is told of the end: an answer that calls functions waits for their results.
        var finish: String { CompletionResponse.finish(reason, hasCalls: !calls.isEmpty) }
    }

    /// The object of a plain answer.
    func whole(_ choices: [Choice], _ usage: Usage, _ modalities: [ModalityReport]) -> JSONValue {
        var members = head("chat.completion")
        members["choices"] = .array(
            choices.enumerated().map { index, choice in
                let isSilent = choice.text.text.isEmpty && !choice.calls.isEmpty
                var message: JSONObject = [
                    "role": .string("assistant"),
                    "content": isSilent ? .null : .string(choice.text.text), "refusal": .null,
                ]
                if splitsReasoning { message["reasoning_content"] = .string(choice.text.reasoning) }
                if !choice.calls.isEmpty {
                    message["tool_calls"] = .array(choice.calls.map { .object(Self.call($0)) })
                }
                return .object([
                    "index": .number(Double(index)), "message": .object(message),
                    "finish_reason": .string(choice.finish),
                    "logprobs": logprobs(choice.text.tokens),
                ])
            })
        members["usage"] = usage.json
        members["gatehouse"] = Self.gatehouse(modalities)
        return .object(members)
    }

    /// The first chunk of each choice: who speaks. That of the first tells what became of the media parts.
    func first(_ choice: Int, _ modalities: [ModalityReport]) -> JSONValue {
        var members = chunk(choice, delta: ["role": .string("assistant"), "content": .string("")])
        if choice == 0 { members["gatehouse"] = Self.gatehouse(modalities) }
        return .object(members)
    }

    func text(_ text: AnswerText, _ choice: Int) -> JSONValue {
        var delta: JSONObject = [:]
        if !text.reasoning.isEmpty { delta["reasoning_content"] = .string(text.reasoning) }
        if !text.text.isEmpty || text.reasoning.isEmpty { delta["content"] = .string(text.text) }
        return .object(chunk(choice, delta: delta, tokens: text.tokens))
    }

    /// The chunk with which a call begins, without arguments yet.
    func call(_ call: FunctionCall, _ index: Int, _ choice: Int) -> JSONValue {
        var members = Self.call(call)
        members["index"] = .number(index)
        return .object(chunk(choice, delta: ["tool_calls": .array([.object(members)])]))
    }

    func arguments(_ text: String, _ index: Int, _ choice: Int) -> JSONValue {
        let call = JSONValue.object([
            "index": .number(index), "function": .object(["arguments": .string(text)]),
        ])
        return .object(chunk(choice, delta: ["tool_calls": .array([call])]))
    }

    func last(_ reason: FinishReason, _ choice: Int, hasCalls: Bool) -> JSONValue {
        .object(chunk(choice, delta: [:], finish: Self.finish(reason, hasCalls: hasCalls)))
    }

    private static func finish(_ reason: FinishReason, hasCalls: Bool) -> String {
        hasCalls && reason == .stop ? "tool_calls" : reason.rawValue
    }

    private static func call(_ call: FunctionCall) -> JSONObject {
        [
            "id": .string(call.id), "type": .string("function"),
            "function": .object(["name": .string(call.name), "arguments": .string(call.arguments)]),
        ]
    }

    /// The chunk after the last one, where the request asks for it.
    func usage(_ usage: Usage) -> JSONValue {
        var members = head("chat.completion.chunk")
        members["choices"] = .array([])
        members["usage"] = usage.json
        return .object(members)
    }

    private func chunk(
        _ choice: Int, delta: JSONObject, tokens: [AnswerToken]? = nil, finish: String? = nil
    ) -> JSONObject {
        var members = head("chat.completion.chunk")
        members["choices"] = .array([
            .object([
                "index": .number(Double(choice)), "delta": .object(delta),
                "finish_reason": finish.map { .string($0) } ?? .null,
                "logprobs": tokens.map(logprobs) ?? .null,
            ])
        ])
        if includesUsage { members["usage"] = .null }
        return members
    }

    private func logprobs(_ tokens: [AnswerToken]) -> JSONValue {
        guard reportsTokens else { return .null }
        let content = tokens.map { token in
            var members = token.members
            members["top_logprobs"] = .array(token.alternatives.map { .object($0.members) })
            return JSONValue.object(members)
        }
        return .object(["content": .array(content), "refusal": .null])
    }

    private func head(_ object: String) -> JSONObject {
        [
            "id": .string(id), "object": .string(object), "created": .number(Double(created)),
            "model": .string(model),
        ]
    }

    private static func gatehouse(_ modalities: [ModalityReport]) -> JSONValue {
        .object(["modalities": .array(modalities.map(\.json))])
    }
}

extension Usage {
    var json: JSONValue {
        .object([
            "prompt_tokens": .number(Double(promptTokens)),
            "completion_tokens": .number(Double(completionTokens)),
            "total_tokens": .number(Double(promptTokens + completionTokens)),
            "prompt_tokens_details": .object(["cached_tokens": .number(Double(cachedTokens))]),
        ])
    }
}

extension AnswerToken {
    /// Without its alternatives. The bytes are for tokens that are part of a character.
    fileprivate var members: JSONObject {
        [
            "token": .string(String(decoding: bytes, as: UTF8.self)), "logprob": .number(Double(logprob)),
            "bytes": .array(bytes.map { .number(Double($0)) }),
        ]
    }
}

extension ModalityReport {
    /// As it stands in an answer; milliseconds have three decimals.
    public var json: JSONValue {
        func milliseconds(_ value: Double) -> JSONValue { .number((value * 1000).rounded() / 1000) }
        return .object([
            "part": .number(Double(part)), "plugin": plugin.map { .string($0) } ?? .null,
            "version": version.map { .string($0.description) } ?? .null, "weight": .number(Double(weight)),
            "gate": gate.map { .number(Double($0)) } ?? .null, "tokens": .number(Double(tokens)),
            "load_ms": milliseconds(loadMilliseconds), "encode_ms": milliseconds(encodeMilliseconds),
            "cached": .bool(cached),
        ])
    }
}
