import Foundation
import GatehouseJSON
import Modalities
import Server
import Testing

/// The endpoints over HTTP with the real model. Shapes are those of OpenAI's API reference (chat completion object,
/// chat completion chunk object, error object, model object).
@Suite struct OpenAIServiceTests {
    private static let chat = #""messages": [{"role": "user", "content": "What is the capital of France?"}]"#

    private func ask(
        _ method: String, _ path: String, _ body: String = "", strict: Bool = false
    ) async throws -> RawResponse {
        let api = OpenAIService(
            try ServiceFixture.chat(), models: .init(names: ["small", "tiny"], isStrict: strict))
        let router = api.router
        return try await serving(handler: { await router.respond(to: $0) }) { port, _ in
            try await offPool {
                let head =
                    "\(method) \(path) HTTP/1.1\r\nHost: x\r\nContent-Length: \(body.utf8.count)\r\n\r\n"
                return try RawClient(port, sending: head + body).readResponse()
            }
        }
    }

    private func post(_ fields: String, strict: Bool = false) async throws -> RawResponse {
        try await ask("POST", "/v1/chat/completions", "{\(Self.chat), \(fields)}", strict: strict)
    }

    private func json(_ text: String) throws -> JSONValue { try JSONValue(parsing: text.utf8) }

    /// The data of each event; the framing is checked on the way.
    private func events(_ response: RawResponse) -> [String] {
        let events = response.body.components(separatedBy: "\n\n")
        #expect(events.last == "")
        return events.dropLast().map { event in
            #expect(event.hasPrefix("data: "))
            return String(event.dropFirst(6))
        }
    }

    private func keys(_ value: JSONValue?) -> Set<String> {
        if case .object(let members) = value { Set(members.keys) } else { [] }
    }

    private func number(_ value: JSONValue?) -> Double? {
        value?.numberValue?.doubleValue
    }

    @Test func aPlainAnswerIsAChatCompletion() async throws {
        let response = try await post(#""temperature": 0, "max_tokens": 24, "model": "gpt-4o""#)
        #expect(response.status == 200)
        #expect(response.headers["content-type"] == "application/json")
        let answer = try json(response.body)
        #expect(keys(answer) == ["id", "object", "created", "model", "choices", "usage", "gatehouse"])
        #expect(answer["object"] == .string("chat.completion"))
        #expect(answer["model"] == .string("gpt-4o"))
        #expect(answer["id"]?.stringValue?.hasPrefix("chatcmpl-") == true)
        #expect(answer["gatehouse"] == .object(["modalities": .array([])]))
        #expect(answer["choices"]?.arrayValue?.count == 1)
        let choice = try #require(answer["choices"]?.arrayValue?.first)
        #expect(keys(choice) == ["index", "message", "finish_reason", "logprobs"])
        #expect(choice["finish_reason"] == .string("stop"))
        #expect(choice["index"] == .number(0))
        #expect(keys(choice["message"]) == ["role", "content", "refusal"])
        #expect(choice["message"]?["role"] == .string("assistant"))
        #expect(choice["message"]?["content"]?.stringValue?.contains("Paris") == true)
        let usage = try #require(answer["usage"])
        let (prompt, completion) = (number(usage["prompt_tokens"]), number(usage["completion_tokens"]))
        #expect(try number(usage["total_tokens"]) == #require(prompt) + #require(completion))
    }

    @Test func aStreamHasTheTextOfThePlainAnswer() async throws {
        let fields = #""temperature": 0, "max_tokens": 24"#
        let plain = try json(try await post(fields).body)
        let response = try await post(fields + #", "stream": true"#)
        #expect(response.headers["content-type"] == "text/event-stream")
        #expect(response.whole)
        let events = events(response)
        #expect(events.last == "[DONE]")
        let chunks = try events.dropLast().map(json)
        for (index, chunk) in chunks.enumerated() {
            let expected: Set = ["id", "object", "created", "model", "choices"]
            #expect(keys(chunk) == (index == 0 ? expected.union(["gatehouse"]) : expected))
            #expect(chunk["object"] == .string("chat.completion.chunk"))
            #expect(chunk["id"] == chunks[0]["id"])
            #expect(chunk["model"] == .string("small"))
        }
        let choices = chunks.compactMap { $0["choices"]?.arrayValue?.first }
        #expect(choices[0]["delta"] == .object(["role": .string("assistant"), "content": .string("")]))
        #expect(choices.last?["delta"] == .object([:]))
        #expect(choices.last?["finish_reason"] == .string("stop"))
        #expect(choices.dropLast().allSatisfy { $0["finish_reason"] == .null })
        let text = choices.compactMap { $0["delta"]?["content"]?.stringValue }.joined()
        #expect(plain["choices"]?.arrayValue?.first?["message"]?["content"] == .string(text))
    }

    @Test func aStreamEndsWithItsUsageWhereThatIsAskedFor() async throws {
        let fields =
            #""temperature": 0, "max_tokens": 3, "stream": true, "stream_options": {"include_usage": true}"#
        let chunks = try events(try await post(fields)).dropLast().map(json)
        #expect(chunks.dropLast().allSatisfy { $0["usage"] == .null })
        let last = try #require(chunks.last)
        #expect(last["choices"] == .array([]))
        #expect(last["usage"]?["completion_tokens"] == .number(3))
        #expect(chunks.dropLast().last?["choices"]?.arrayValue?.first?["finish_reason"] == .string("length"))
    }

    @Test func severalChoicesComeByTheirIndexPlainAndStreamed() async throws {
        let fields = #""seed": 3, "max_tokens": 8, "n": 3"#
        let plain = try json(try await post(fields).body)
        let choices = try #require(plain["choices"]?.arrayValue)
        #expect(choices.map { $0["index"] } == [.number(0), .number(1), .number(2)])
        let texts = choices.compactMap { $0["message"]?["content"]?.stringValue }
        #expect(Set(texts).count == 3)

        let chunks = try events(try await post(fields + #", "stream": true"#)).dropLast().map(json)
        #expect(chunks.filter { $0["gatehouse"] != nil }.count == 1)
        var streamed = ["", "", ""]
        var reasons = [0, 0, 0]
        for choice in chunks.compactMap({ $0["choices"]?.arrayValue?.first }) {
            let index = Int(try #require(number(choice["index"])))
            streamed[index] += choice["delta"]?["content"]?.stringValue ?? ""
            if choice["finish_reason"] != .null { reasons[index] += 1 }
        }
        #expect(streamed == texts)
        #expect(reasons == [1, 1, 1])
    }

    @Test func likelihoodsHaveOpenAIsShape() async throws {
        let fields = #""temperature": 0, "max_tokens": 4, "logprobs": true, "top_logprobs": 2"#
        let choice = try #require(try json(try await post(fields).body)["choices"]?.arrayValue?.first)
        let content = try #require(choice["logprobs"]?["content"]?.arrayValue)
        #expect(keys(choice["logprobs"]) == ["content", "refusal"])
        #expect(content.count == 4)
        for token in content {
            #expect(keys(token) == ["token", "logprob", "bytes", "top_logprobs"])
            let likely = try #require(token["top_logprobs"]?.arrayValue)
            #expect(likely.count == 2 && likely.allSatisfy { keys($0) == ["token", "logprob", "bytes"] })
            #expect(likely[0]["token"] == token["token"])
            let bytes = try #require(token["bytes"]?.arrayValue).compactMap { number($0).map { UInt8($0) } }
            #expect(String(decoding: bytes, as: UTF8.self) == token["token"]?.stringValue)
        }

        let chunks = try events(try await post(fields + #", "stream": true"#)).dropLast().map(json)
        let parts = chunks.compactMap {
            $0["choices"]?.arrayValue?.first?["logprobs"]?["content"]?.arrayValue
        }
        #expect(parts.flatMap(\.self) == content)
        #expect(
            try json(try await post(#""max_tokens": 1"#).body)["choices"]?.arrayValue?.first?["logprobs"]
                == .null)
    }

    @Test func whatIsWrongBeforeAStreamBeginsIsAnOrdinaryError() async throws {
        let response = try await ask(
            "POST", "/v1/chat/completions",
            #"{"stream": true, "messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}]}]}"#
        )
        #expect(response.status == 400)
        #expect(response.errorCode == "unsupported_media_type")
        #expect(response.body.contains("image/png"))
    }

    @Test func modelNamesAreEchoedOrHeldTo() async throws {
        let strict = try await post(#""max_tokens": 1, "model": "gpt-4o""#, strict: true)
        #expect(strict.status == 404)
        #expect(strict.errorCode == "model_not_found")
        #expect(try await post(#""max_tokens": 1, "model": "tiny""#, strict: true).status == 200)
        #expect(try await post(#""max_tokens": 1"#, strict: true).status == 200)
    }

    @Test func theModelsAreListed() async throws {
        let list = try json(try await ask("GET", "/v1/models").body)
        #expect(list["object"] == .string("list"))
        let models = try #require(list["data"]?.arrayValue)
        #expect(models.map { $0["id"] } == [.string("small"), .string("tiny")])
        for model in models {
            #expect(keys(model) == ["id", "object", "created", "owned_by"])
            #expect(model["object"] == .string("model"))
        }
    }

    @Test func healthIsGood() async throws {
        let response = try await ask("GET", "/health")
        #expect(response.status == 200)
        #expect(try json(response.body) == .object(["status": .string("ok")]))
    }
}
