import Dispatch
import Engine
import Foundation
import Fusion
import GatehouseJSON
import Synchronization
import Text

/// The endpoints for plain text: completions without a template, embeddings, and what the tokenizer says.
public struct TextService: Sendable {
    private let model: LanguageModel
    private let engine: Engine
    private let models: OpenAIService.ModelNames
    private let access: AccessControl
    private let metrics: ServiceMetrics
    private let recordsContent: Bool
    private let limits: RequestLimits
    /// One text after the other, beside whatever the engine runs.
    private let embedding = DispatchQueue(label: "embedding")

    /// - Parameter recordsContent: Whether the log is to have what was asked and answered.
    public init(
        _ chat: ChatService, models: OpenAIService.ModelNames, access: AccessControl = AccessControl(nil),
        metrics: ServiceMetrics = ServiceMetrics(), recordsContent: Bool = false,
        limits: RequestLimits = RequestLimits()
    ) {
        model = chat.model
        engine = chat.engine
        self.models = models
        self.access = access
        self.metrics = metrics
        self.recordsContent = recordsContent
        self.limits = limits
    }

    public func addRoutes(to router: inout HTTPRouter) {
        router.on("POST", "/v1/completions", asking: "prompt", answering: complete)
        router.on("POST", "/v1/embeddings", asking: "input", answering: embed)
        router.on("POST", "/tokenize", asking: "content", answering: tokenize)
        router.on("POST", "/detokenize", asking: "tokens", answering: detokenize)
    }

    // MARK: Tokens

    /// `{"content" or "prompt", "add_special"}` → `{"tokens", "count", "max_model_len"}`.
    private func tokenize(_ request: HTTPRequest) throws -> HTTPResponse {
        let root = try RequestField(body: request.body)
        let (content, prompt) = (try root["content"].string(), try root["prompt"].string())
        guard let text = content ?? prompt else { throw root["content"].expected("a text") }
        let inner = try root["add_special_tokens"].bool()
        let isWhole = try root["add_special"].bool() ?? inner ?? false
        let ids =
            isWhole
            ? try TextInput.text(text).tokens(model.tokenizer)
            : try model.tokenizer.encode(text, special: .asText)
        return .json(
            .object([
                "tokens": .array(ids.map { .number(Double($0)) }), "count": .number(Double(ids.count)),
                "max_model_len": .number(Double(engine.context)),
            ]))
    }

    /// `{"tokens"}` → `{"content", "prompt"}`, the same text under the names that two kinds of clients know.
    private func detokenize(_ request: HTTPRequest) throws -> HTTPResponse {
        let root = try RequestField(body: request.body)
        let ids = try root["tokens"].tokens()
        try model.decoder.check(ids)
        let text = JSONValue.string(model.tokenizer.decode(ids))
        return .json(.object(["content": text, "prompt": text]))
    }

    // MARK: Embeddings

    private func embed(_ request: HTTPRequest) async throws -> HTTPResponse {
        let wanted = try EmbeddingRequest(parsing: request.body, hidden: model.decoder.hidden)
        let name = try models.resolve(wanted.model)
        let client = try access.admit(request)
        var data: [JSONValue] = []
        var count = 0
        for input in wanted.inputs {
            let tokens = try input.tokens(model.tokenizer)
            let vector = try await vector(tokens)
            client.spend(tokens.count)
            count += tokens.count
            let written: JSONValue =
                wanted.isBase64
                ? .string(vector.withUnsafeBytes { Data($0) }.base64EncodedString())
                : .array(vector.map { .number(Double($0)) })
            data.append(
                .object([
                    "object": .string("embedding"), "index": .number(Double(data.count)),
                    "embedding": written,
                ]))
        }
        var response = HTTPResponse.json(
            .object([
                "object": .string("list"), "data": .array(data), "model": .string(name),
                "usage": .object([
                    "prompt_tokens": .number(Double(count)), "total_tokens": .number(Double(count)),
                ]),
            ]))
        response.headers.append(client.headers)
        return response
    }

    private func vector(_ tokens: [Int32]) async throws -> [Float] {
        try engine.checkPrompt(tokens: tokens.count)
        let isCancelled = Flag()
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                embedding.async { [decoder = model.decoder] in
                    continuation.resume(
                        with: Result { try decoder.embedding(tokens) { isCancelled.isSet } })
                }
            }
        } onCancel: {
            isCancelled.set()
        }
    }

    private final class Flag: Sendable {
        private let value = Atomic<Bool>(false)
        var isSet: Bool { value.load(ordering: .relaxed) }
        func set() { value.store(true, ordering: .relaxed) }
    }

    // MARK: Completions

    private func complete(_ request: HTTPRequest) async throws -> HTTPResponse {
        let started = ContinuousClock.now
        let wanted = try TextCompletionRequest(parsing: request.body, limits: limits)
        let name = try models.resolve(wanted.model)
        let client = try access.admit(request)
        let writer = AnswerWriter(model.tokenizer, stop: wanted.stop)
        var answers: [TextCompletion.Answer] = []
        for input in wanted.prompts {
            let tokens = try input.tokens(model.tokenizer)
            if recordsContent { request.notes.set("prompt", .string(model.tokenizer.decode(tokens))) }
            let stream = try engine.submit(
                GenerationRequest(
                    prompt: Prompt([.tokens(tokens)]), sampling: wanted.sampling,
                    maxNewTokens: wanted.maxTokens,
                    endTokens: model.tokenizer.endOfGeneration, choices: wanted.choices,
                    alternatives: wanted.alternatives, client: client.key?.label ?? ""))
            let answer = ChatAnswer(
                modalities: [], promptTokens: tokens.count, stream: stream, choices: wanted.choices,
                writer: writer)
            answers.append(
                TextCompletion.Answer(
                    elements: MeteredAnswer(
                        answer, client, metrics, since: started, recordsContent: recordsContent),
                    beginning: wanted.echo ? model.tokenizer.decode(tokens) : ""))
        }
        let completion = TextCompletion(
            id: "cmpl-" + request.id.drop { $0 != "_" }.dropFirst(),
            created: Int(Date().timeIntervalSince1970),
            model: name, choices: wanted.choices, reportsTokens: wanted.alternatives != nil,
            includesUsage: wanted.includeUsage)
        if wanted.stream { return completion.streamed(answers, to: client) }
        var response = HTTPResponse.json(try await completion.whole(answers))
        response.headers.append(client.headers)
        return response
    }
}

extension OpenAIService.ModelNames {
    /// The name that an answer carries. Throws 404 where only known ones are answered to.
    func resolve(_ name: String?) throws(HTTPError) -> String {
        guard let name else { return names[0] }
        if isStrict, !names.contains(name) {
            throw HTTPError(
                status: 404,
                message:
                    "model: expected one of \(names.joined(separator: ", ")), found \"\(name.prefix(100))\"",
                param: "model", code: "model_not_found")
        }
        return name
    }
}

extension HTTPResponse {
    static func json(_ value: JSONValue, status: Int = 200) -> HTTPResponse {
        .json(Array(value.text.utf8), status: status)
    }
}
