import Engine
import Fusion
import GatehouseJSON
import Modalities
import Server
import Testing

/// The body of a chat completion: what every field means, and which field is named where it is wrong.
@Suite struct CompletionRequestTests {
    private func parse(_ json: String) throws -> CompletionRequest {
        try CompletionRequest(parsing: Array(json.utf8))
    }

    /// A body that is right but for `fields`.
    private func parse(fields: String) throws -> CompletionRequest {
        try parse(#"{"messages": [{"role": "user", "content": "Hi"}], \#(fields)}"#)
    }

    private func texts(_ request: CompletionRequest) -> [[String]] {
        request.chat.messages.map { message in
            message.parts.map { part in if case .text(let text) = part { text } else { "[media]" } }
        }
    }

    @Test func whatIsLeftOutHasOpenAIsDefaults() throws {
        let request = try parse(#"{"messages": [{"role": "user", "content": "Hi"}]}"#)
        #expect(request.model == nil)
        #expect(!request.stream)
        #expect(!request.includeUsage)
        #expect(request.chat.sampling == Sampling(temperature: 1, topK: 0, topP: 1, minP: 0, seed: nil))
        #expect(request.chat.choices == 1)
        #expect(request.chat.alternatives == nil)
        #expect(request.chat.maxTokens == nil)
        #expect(request.chat.stop.isEmpty)
        #expect(request.chat.modalities.isEmpty)
        #expect(texts(request) == [["Hi"]])
        #expect(request.chat.messages[0].role == .user)
    }

    @Test func everyFieldIsRead() throws {
        let request = try parse(
            fields: #"""
                "model": "m", "stream": true, "stream_options": {"include_usage": true}, "temperature": 0.5,
                "top_p": 0.25, "top_k": 40, "min_p": 0.125, "seed": 7, "max_tokens": 9, "stop": ["a", "b"],
                "gatehouse": {"modalities": {"eye": "off", "ear": "auto",
                    "nose": {"version": "1.2.3", "weight": 0.25}}},
                "n": 3, "logprobs": true, "top_logprobs": 4, "presence_penalty": -0.5, "frequency_penalty": 2,
                "repetition_penalty": 1.5, "logit_bias": {"17": -100, "3": 0.5}, "tools": [], "tool_choice": "auto", "response_format": {"type": "text"},
                "modalities": ["text"], "user": "somebody", "unknown_field_of_another_server": [1, {}]
                """#)
        #expect(request.model == "m")
        #expect(request.stream)
        #expect(request.includeUsage)
        #expect(
            request.chat.sampling
                == Sampling(
                    temperature: 0.5, topK: 40, topP: 0.25, minP: 0.125, repetitionPenalty: 1.5,
                    presencePenalty: -0.5, frequencyPenalty: 2, logitBias: [17: -100, 3: 0.5], seed: 7))
        #expect(request.chat.choices == 3)
        #expect(request.chat.alternatives == 4)
        #expect(request.chat.maxTokens == 9)
        #expect(request.chat.stop == ["a", "b"])
        let version = try #require(SemanticVersion("1.2.3"))
        #expect(
            request.chat.modalities == [
                "eye": .off, "ear": .auto, "nose": .chosen(version: version, weight: 0.25),
            ])
    }

    @Test func nullIsAsGoodAsAbsent() throws {
        let request = try parse(
            fields: #"""
                "model": null, "stream": null, "stream_options": null, "temperature": null, "top_p": null,
                "seed": null, "max_tokens": null, "stop": null, "tools": null, "gatehouse": null, "n": null
                """#)
        #expect(request.chat.sampling == Sampling())
    }

    @Test func theNewerNameOfTheLimitWins() throws {
        #expect(try parse(fields: #""max_tokens": 5, "max_completion_tokens": 6"#).chat.maxTokens == 6)
    }

    @Test func rolesAndContentsOfAllShapesAreRead() throws {
        let request = try parse(
            #"""
            {"messages": [
                {"role": "developer", "content": "a"}, {"role": "system", "content": [{"type": "text", "text": "b"}]},
                {"role": "user", "content": [{"type": "text", "text": "c"}, {"type": "text", "text": ""}]},
                {"role": "assistant", "content": null}, {"role": "assistant", "tool_calls": []},
                {"role": "tool", "content": "d", "tool_call_id": "x"}, {"role": "user", "content": []}
            ]}
            """#)
        #expect(
            request.chat.messages.map(\.role)
                == [.system, .system, .user, .assistant, .assistant, .tool, .user])
        #expect(texts(request) == [["a"], ["b"], ["c", ""], [""], [""], ["d"], []])
    }

    @Test func toolsAndTheirResultsAreRead() throws {
        let request = try parse(
            #"""
            {"messages": [
                {"role": "user", "content": "a"},
                {"role": "assistant", "content": null, "tool_calls": [
                    {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{\"a\": 1}"}}]},
                {"role": "tool", "tool_call_id": "c1", "content": [{"type": "text", "text": "r"}]}],
             "tools": [{"type": "function", "function": {"name": "f", "description": "d", "strict": true,
                "parameters": {"type": "object"}}}, {"type": "function", "function": {"name": "g-2"}}],
             "tool_choice": {"type": "function", "function": {"name": "g-2"}}, "parallel_tool_calls": false,
             "response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": "null"}}}}
            """#)
        let tools = try #require(request.chat.tools)
        #expect(tools.functions.map(\.name) == ["f", "g-2"])
        #expect(tools.functions.map(\.path).first == "tools[0].function.parameters")
        #expect(tools.choice == .function("g-2") && !tools.allowsSeveral && tools.definitions.count == 2)
        #expect(
            request.chat.messages[1].calls == [FunctionCall(id: "c1", name: "f", arguments: #"{"a": 1}"#)])
        #expect(request.chat.messages[2].callID == "c1")
        guard case .schema(let schema, let path) = request.chat.form else {
            Issue.record("the form is \(request.chat.form)")
            return
        }
        #expect(schema == .object(["type": .string("null")]) && path == "response_format.json_schema.schema")
    }

    struct Refused: CustomTestStringConvertible, Sendable {
        var fields: String
        var param: String
        var testDescription: String { fields }
    }

    @Test(arguments: [
        Refused(fields: #""model": 1"#, param: "model"),
        Refused(fields: #""stream": "yes""#, param: "stream"),
        Refused(fields: #""stream_options": "usage""#, param: "stream_options"),
        Refused(fields: #""stream_options": {"include_usage": 1}"#, param: "stream_options.include_usage"),
        Refused(fields: #""temperature": "hot""#, param: "temperature"),
        Refused(fields: #""temperature": -0.1"#, param: "temperature"),
        Refused(fields: #""temperature": 2.1"#, param: "temperature"),
        Refused(fields: #""temperature": true"#, param: "temperature"),
        Refused(fields: #""top_p": 0"#, param: "top_p"),
        Refused(fields: #""top_p": 1.5"#, param: "top_p"),
        Refused(fields: #""top_k": -1"#, param: "top_k"),
        Refused(fields: #""top_k": 1.5"#, param: "top_k"),
        Refused(fields: #""min_p": 2"#, param: "min_p"),
        Refused(fields: #""seed": 0.5"#, param: "seed"),
        Refused(fields: #""seed": 1e300"#, param: "seed"),
        Refused(fields: #""max_tokens": 0"#, param: "max_tokens"),
        Refused(fields: #""max_tokens": "5""#, param: "max_tokens"),
        Refused(fields: #""max_completion_tokens": -1"#, param: "max_completion_tokens"),
        Refused(fields: #""stop": 5"#, param: "stop"),
        Refused(fields: #""stop": """#, param: "stop"),
        Refused(fields: #""stop": ["a", ""]"#, param: "stop[1]"),
        Refused(fields: #""stop": ["a", 1]"#, param: "stop[1]"),
        Refused(
            fields: #""stop": ["1","2","3","4","5","6","7","8","9","a","b","c","d","e","f","g","h"]"#,
            param: "stop"),
        Refused(fields: #""gatehouse": []"#, param: "gatehouse"),
        Refused(fields: #""gatehouse": {"modality": {}}"#, param: "gatehouse.modality"),
        Refused(fields: #""gatehouse": {"modalities": "off"}"#, param: "gatehouse.modalities"),
        Refused(fields: #""gatehouse": {"modalities": {"eye": "on"}}"#, param: "gatehouse.modalities.eye"),
        Refused(
            fields: #""gatehouse": {"modalities": {"eye": {"version": "new"}}}"#,
            param: "gatehouse.modalities.eye.version"),
        Refused(
            fields: #""gatehouse": {"modalities": {"eye": {"weight": 1.5}}}"#,
            param: "gatehouse.modalities.eye.weight"),
        Refused(
            fields: #""gatehouse": {"modalities": {"eye": {"size": 1}}}"#,
            param: "gatehouse.modalities.eye.size"),
        Refused(fields: #""n": 0"#, param: "n"),
        Refused(fields: #""n": 129"#, param: "n"),
        Refused(fields: #""n": "2""#, param: "n"),
        Refused(fields: #""logprobs": 5"#, param: "logprobs"),
        Refused(fields: #""logprobs": true, "top_logprobs": 21"#, param: "top_logprobs"),
        Refused(fields: #""top_logprobs": 5"#, param: "top_logprobs"),
        Refused(fields: #""logprobs": false, "top_logprobs": 5"#, param: "top_logprobs"),
        Refused(fields: #""presence_penalty": 2.1"#, param: "presence_penalty"),
        Refused(fields: #""frequency_penalty": -2.1"#, param: "frequency_penalty"),
        Refused(fields: #""repetition_penalty": 0"#, param: "repetition_penalty"),
        Refused(fields: #""logit_bias": [1]"#, param: "logit_bias"),
        Refused(fields: #""logit_bias": {"one": 1}"#, param: "logit_bias"),
        Refused(fields: #""logit_bias": {"-1": 1}"#, param: "logit_bias"),
        Refused(fields: #""logit_bias": {"5": 101}"#, param: "logit_bias.5"),
        Refused(fields: #""logit_bias": {"5": "much"}"#, param: "logit_bias.5"),
        Refused(fields: #""tools": {}"#, param: "tools"),
        Refused(fields: #""tools": [{"type": "retrieval"}]"#, param: "tools[0].type"),
        Refused(fields: #""tools": [{"type": "function"}]"#, param: "tools[0].function.name"),
        Refused(
            fields: #""tools": [{"type": "function", "function": {"name": "a b"}}]"#,
            param: "tools[0].function.name"),
        Refused(
            fields: #""tools": [{"type": "function", "function": {"name": "a", "parameters": 3}}]"#,
            param: "tools[0].function.parameters"),
        Refused(
            fields:
                #""tools": [{"type": "function", "function": {"name": "a"}}, {"type": "function", "function": {"name": "a"}}]"#,
            param: "tools[1].function.name"),
        Refused(fields: #""tool_choice": "required""#, param: "tool_choice"),
        Refused(fields: #""tool_choice": 3"#, param: "tool_choice"),
        Refused(
            fields: #""tool_choice": {"type": "function", "function": {"name": "a"}}"#,
            param: "tool_choice.function.name"),
        Refused(fields: #""parallel_tool_calls": "no""#, param: "parallel_tool_calls"),
        Refused(fields: #""response_format": "json""#, param: "response_format"),
        Refused(fields: #""response_format": {"type": "xml"}"#, param: "response_format.type"),
        Refused(
            fields: #""response_format": {"type": "json_schema", "json_schema": {"name": "a"}}"#,
            param: "response_format.json_schema.schema"),
        Refused(
            fields:
                #""response_format": {"type": "json_schema", "json_schema": {"schema": {}, "strict": 1}}"#,
            param: "response_format.json_schema.strict"),
        Refused(fields: #""modalities": ["text", "audio"]"#, param: "modalities"),
        Refused(fields: #""audio": {"voice": "alloy"}"#, param: "audio"),
        Refused(fields: #""web_search_options": {}"#, param: "web_search_options"),
        Refused(fields: #""functions": [{"name": "f"}]"#, param: "functions"),
        Refused(fields: #""function_call": {"name": "f"}"#, param: "function_call"),
        Refused(fields: #""user": 3"#, param: "user"),
        Refused(fields: #""safety_identifier": []"#, param: "safety_identifier"),
        Refused(fields: #""store": "yes""#, param: "store"),
        Refused(fields: #""service_tier": 1"#, param: "service_tier"),
        Refused(fields: #""prediction": "x""#, param: "prediction"),
        Refused(fields: #""reasoning_effort": 1"#, param: "reasoning_effort"),
        Refused(
            fields: #""stream_options": {"include_obfuscation": 1}"#,
            param: "stream_options.include_obfuscation"),
        Refused(fields: #""metadata": ["a"]"#, param: "metadata"),
        Refused(fields: #""metadata": {"a": 1}"#, param: "metadata.a"),
    ])
    func aWrongFieldIsNamed(_ refused: Refused) throws {
        let error = try #require(throws: HTTPError.self) { try parse(fields: refused.fields) }
        #expect(error.status == 400)
        #expect(error.type == "invalid_request_error")
        #expect(error.param == refused.param)
        #expect(error.message.hasPrefix("\(refused.param): "))
        #expect(error.message.contains(", found "))
    }

    /// OpenAI's limits: 16 pairs, 64 characters of a name, 512 of a value.
    @Test func metadataHasItsLimits() throws {
        func metadata(_ pairs: [(String, String)]) throws {
            let members = pairs.map { #""\#($0)": "\#($1)""# }.joined(separator: ", ")
            _ = try parse(fields: #""metadata": {\#(members)}"#)
        }
        func refusal(_ pairs: [(String, String)]) throws -> String? {
            try #require(throws: HTTPError.self) { try metadata(pairs) }.param
        }
        let long = String(repeating: "é", count: 64)
        try metadata((0..<15).map { ("k\($0)", "v") } + [(long, String(repeating: "😀", count: 512))])
        #expect(try refusal((0...16).map { ("k\($0)", "v") }) == "metadata")
        #expect(try refusal([(long + "é", "v")]) == "metadata")
        #expect(try refusal([("k", String(repeating: "v", count: 513))]) == "metadata.k")
    }

    @Test func whatSaysNothingOfTheAnswerIsTaken() throws {
        let request = try parse(
            fields: #"""
                "metadata": null, "user": "u", "safety_identifier": "s", "prompt_cache_key": "p", "store": true,
                "service_tier": "flex", "verbosity": "low", "prediction": {"type": "content", "content": "x"},
                "functions": [], "function_call": "auto", "audio": null, "web_search_options": null,
                "stream_options": {"include_obfuscation": false}
                """#)
        #expect(request.chat.sampling == Sampling() && request.chat.templateVariables.isEmpty)
    }

    @Test func theEffortOfReasoningReachesTheTemplate() throws {
        let high = try parse(fields: #""reasoning_effort": "high""#).chat.templateVariables
        #expect(high["reasoning_effort"] != nil && high["enable_thinking"] == nil)
        let none = try parse(fields: #""reasoning_effort": "none""#).chat.templateVariables
        guard case .bool(false)? = none["enable_thinking"] else {
            Issue.record("enable_thinking is \(String(describing: none["enable_thinking"]))")
            return
        }
        let both = try parse(fields: #""reasoning_effort": "none", "enable_thinking": true"#)
        guard case .bool(true)? = both.chat.templateVariables["enable_thinking"] else {
            Issue.record("what is said of it itself does not win")
            return
        }
    }

    @Test func limitsOfTheServerAreHeld() throws {
        var limits = RequestLimits()
        limits.mediaParts = 2
        limits.partBytes = 5
        limits.choices = 3
        func refusal(_ parts: [String], _ fields: String = "") throws -> HTTPError? {
            let body =
                #"{"messages": [{"role": "user", "content": [\#(parts.joined(separator: ", "))]}]\#(fields)}"#
            do throws(HTTPError) {
                _ = try CompletionRequest(parsing: Array(body.utf8), limits: limits)
                return nil
            } catch {
                return error
            }
        }
        let five = #"{"type": "file", "file": {"file_data": "data:text/csv,12345"}}"#
        let six = #"{"type": "file", "file": {"file_data": "data:text/csv,123456"}}"#
        let sound = #"{"type": "input_audio", "input_audio": {"data": "AAAAAAAA", "format": "wav"}}"#
        #expect(try refusal([five, five]) == nil)
        let third = try #require(try refusal([five, #"{"type": "text", "text": "a"}"#, five, five]))
        #expect((third.status, third.code) == (400, "too_many_media"))
        #expect(third.param == "messages[0].content[3]" && third.message.contains("2"))
        for (part, field) in [(six, "file.file_data"), (sound, "input_audio.data")] {
            let large = try #require(try refusal([five, part]))
            #expect((large.status, large.code) == (413, "media_too_large"))
            #expect(large.param == "messages[0].content[1].\(field)")
            #expect(large.message.contains("5 bytes") && large.message.contains("6"))
        }
        #expect(try refusal([five], #", "n": 3"#) == nil)
        #expect(try refusal([five], #", "n": 4"#)?.param == "n")
    }

    @Test(arguments: [
        Refused(fields: #"{}"#, param: "messages"),
        Refused(fields: #"{"messages": "Hi"}"#, param: "messages"),
        Refused(fields: #"{"messages": []}"#, param: "messages"),
        Refused(fields: #"{"messages": [null]}"#, param: "messages[0]"),
        Refused(fields: #"{"messages": ["Hi"]}"#, param: "messages[0]"),
        Refused(fields: #"{"messages": [{"content": "Hi"}]}"#, param: "messages[0].role"),
        Refused(fields: #"{"messages": [{"role": 1, "content": "Hi"}]}"#, param: "messages[0].role"),
        Refused(fields: #"{"messages": [{"role": "king", "content": "Hi"}]}"#, param: "messages[0].role"),
        Refused(fields: #"{"messages": [{"role": "user"}]}"#, param: "messages[0].content"),
        Refused(fields: #"{"messages": [{"role": "user", "content": null}]}"#, param: "messages[0].content"),
        Refused(fields: #"{"messages": [{"role": "user", "content": {}}]}"#, param: "messages[0].content"),
        Refused(
            fields: #"{"messages": [{"role": "user", "content": ["Hi"]}]}"#, param: "messages[0].content[0]"),
        Refused(
            fields: #"{"messages": [{"role": "user", "content": [{"type": "video"}]}]}"#,
            param: "messages[0].content[0].type"),
        Refused(
            fields: #"{"messages": [{"role": "user", "content": [{"type": "text"}]}]}"#,
            param: "messages[0].content[0].text"),
        Refused(
            fields:
                #"{"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": "x"}]}]}"#,
            param: "messages[0].content[0].image_url"),
        Refused(
            fields:
                #"{"messages": [{"role": "user", "content": [{"type": "file", "file": {"file_id": "f"}}]}]}"#,
            param: "messages[0].content[0].file.file_data"),
        Refused(
            fields:
                #"{"messages": [{"role": "user", "content": [{"type": "input_audio", "input_audio": {}}]}]}"#,
            param: "messages[0].content[0].input_audio.data"),
        Refused(
            fields: #"{"messages": [{"role": "assistant", "content": null, "tool_calls": [{"id": "c"}]}]}"#,
            param: "messages[0].tool_calls[0].function.arguments"),
        Refused(
            fields:
                #"{"messages": [{"role": "assistant", "tool_calls": [{"function": {"name": "f", "arguments": "{}"}}]}]}"#,
            param: "messages[0].tool_calls[0].id"),
        Refused(
            fields: #"{"messages": [{"role": "tool", "content": "x"}]}"#, param: "messages[0].tool_call_id"),
        Refused(
            fields: #"{"messages": [{"role": "assistant", "function_call": {"name": "f"}}]}"#,
            param: "messages[0].function_call"),
    ])
    func aWrongMessageIsNamed(_ refused: Refused) throws {
        let error = try #require(throws: HTTPError.self) { try parse(refused.fields) }
        #expect(error.status == 400)
        #expect(error.param == refused.param)
    }
}
