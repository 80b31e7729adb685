import Engine
import Foundation
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

    /// The object of a plain answer.
    func whole(_ text: String, _ reason: FinishReason, _ usage: Usage, _ modalities: [ModalityReport])
        -> JSONValue
    {
        var members = head("chat.completion")
        let message: JSONValue = .object([
            "role": .string("assistant"), "content": .string(text), "refusal": .null,
        ])
        members["choices"] = .array([
            .object([
                "index": .number(0), "message": message, "finish_reason": .string(reason.rawValue),
                "logprobs": .null,
            ])
        ])
        members["usage"] = usage.json
        members["gatehouse"] = Self.gatehouse(modalities)
        return .object(members)
    }

    /// The first chunk: who speaks, and what became of the media parts.
    func first(_ modalities: [ModalityReport]) -> JSONValue {
        var members = chunk(delta: ["role": .string("assistant"), "content": .string("")])
        members["gatehouse"] = Self.gatehouse(modalities)
        return .object(members)
    }

    func text(_ text: String) -> JSONValue {
        .object(chunk(delta: ["content": .string(text)]))
    }

    func last(_ reason: FinishReason) -> JSONValue {
        .object(chunk(delta: [:], reason: reason))
    }

    /// The chunk after the last one, where the request asks for it.
    func usage(_ usage: Usage) -> JSONValue {
        var members = head("chat.completion.chunk")
        members["choices"] = .array([])
        members["usage"] = usage.json
        return .object(members)
    }

    private func chunk(delta: JSONObject, reason: FinishReason? = nil) -> JSONObject {
        var members = head("chat.completion.chunk")
        members["choices"] = .array([
            .object([
                "index": .number(0), "delta": .object(delta),
                "finish_reason": reason.map { .string($0.rawValue) } ?? .null, "logprobs": .null,
            ])
        ])
        if includesUsage { members["usage"] = .null }
        return members
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
    fileprivate var json: JSONValue {
        .object([
            "prompt_tokens": .number(Double(promptTokens)),
            "completion_tokens": .number(Double(completionTokens)),
            "total_tokens": .number(Double(promptTokens + completionTokens)),
        ])
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
