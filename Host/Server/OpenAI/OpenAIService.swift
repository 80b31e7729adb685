import Engine
import Foundation
import Fusion
import Modalities
import PluginHost
import Text

/// The endpoints that OpenAI's clients use, over one ``ChatService``.
public struct OpenAIService: Sendable {
    /// Which names the model answers to.
    public struct ModelNames: Sendable {
        /// What `GET /v1/models` lists; the first is used where a request names none.
        public var names: [String]
        /// Whether any other name is a 404.
        public var isStrict: Bool

        /// - Precondition: there is at least one name.
        public init(names: [String], isStrict: Bool) {
            precondition(!names.isEmpty, "a model has at least one name")
            self.names = names
            self.isStrict = isStrict
        }
    }

    private let chat: ChatService
    private let models: ModelNames
    private let started = Int(Date().timeIntervalSince1970)

    public init(_ chat: ChatService, models: ModelNames) {
        self.chat = chat
        self.models = models
    }

    public var router: HTTPRouter {
        var router = HTTPRouter()
        router.on("GET", "/health") { _ in .json(Array(#"{"status":"ok"}"#.utf8)) }
        router.on("GET", "/v1/models") { _ in .json(listOfModels) }
        router.on("POST", "/v1/chat/completions") { request in
            do {
                return try await complete(request)
            } catch {
                return HTTPError(describing: error).response
            }
        }
        return router
    }

    private func complete(_ request: HTTPRequest) async throws -> HTTPResponse {
        var completion = try CompletionRequest(parsing: request.body)
        let model = completion.model ?? models.names[0]
        if models.isStrict, !models.names.contains(model) {
            throw HTTPError(
                status: 404,
                message:
                    "model: expected one of \(models.names.joined(separator: ", ")), found \"\(model.prefix(100))\"",
                param: "model", code: "model_not_found")
        }
        completion.chat.origin = RequestOrigin(model: model, headers: request.headers.fields)
        let answer = try await chat.answer(completion.chat)
        let response = CompletionResponse(
            id: "chatcmpl-" + request.id.drop { $0 != "_" }.dropFirst(),
            created: Int(Date().timeIntervalSince1970),
            model: model)
        if completion.stream { return stream(answer, response, includeUsage: completion.includeUsage) }
        var text = ""
        for try await element in answer {
            switch element {
            case .text(let piece):
                text += piece
            case .finished(let reason, let usage):
                return .json(Array(response.whole(text, reason, usage, answer.modalities).text.utf8))
            }
        }
        // The stream of a cancelled task ends early: nobody reads this.
        throw HTTPError(status: 499, message: "The client went away.")
    }

    private func stream(
        _ answer: ChatAnswer, _ response: CompletionResponse, includeUsage: Bool
    ) -> HTTPResponse {
        ServerSentEvents.response { events in
            do {
                try await events.send(response.first(answer.modalities).text)
                for try await element in answer {
                    switch element {
                    case .text(let piece):
                        try await events.send(response.text(piece).text)
                    case .finished(let reason, let usage):
                        try await events.send(response.last(reason).text)
                        if includeUsage { try await events.send(response.usage(usage).text) }
                        try await events.send("[DONE]")
                    }
                }
            } catch let error where !(error is HTTPClientGone || error is CancellationError) {
                // The head has gone out, so the error is an event.
                try await events.send(String(decoding: HTTPError(describing: error).body, as: UTF8.self))
            }
        }
    }

    private var listOfModels: [UInt8] {
        let list = models.names.map { name in
            JSONValue.object([
                "id": .string(name), "object": .string("model"), "created": .number(Double(started)),
                "owned_by": .string("gatehouse"),
            ])
        }
        return Array(JSONValue.object(["object": .string("list"), "data": .array(list)]).text.utf8)
    }
}

extension HTTPError {
    /// What the client is told of an error on the way of a chat request.
    init(describing error: any Error) {
        switch error {
        case let error as HTTPError:
            self = error
        case let error as RoutingError:
            self.init(status: error.status, message: "\(error)", param: "messages", code: error.code)
        case let error as PluginFailure:
            self.init(error)
        case EngineError.contextExceeded(let promptTokens, let context):
            self.init(
                status: 400,
                message: "\(EngineError.contextExceeded(promptTokens: promptTokens, context: context))",
                param: "messages", code: "context_length_exceeded")
        case EngineError.queueFull, EngineError.stopped:
            self.init(status: 503, message: "\(error)", code: "overloaded", headers: ["Retry-After": "1"])
        case let error as EngineError:
            self.init(status: 400, message: "\(error)", code: "invalid_value")
        case let error as TemplateError:
            self.init(
                status: 400, message: "the chat template: \(error)", param: "messages", code: "template_error"
            )
        case is CancellationError:
            self.init(status: 499, message: "The client went away.")
        default:
            self.init(status: 500, message: "\(error)", code: "internal_error")
        }
    }

    private init(_ failure: PluginFailure) {
        switch failure.reason {
        case .badInput:
            self.init(status: 400, message: failure.message, param: "messages", code: "invalid_media")
        case .unavailable, .outOfMemory, .system:
            self.init(
                status: 503, message: failure.message, code: "plugin_unavailable",
                headers: ["Retry-After": "1"])
        case .timedOut:
            self.init(status: 504, message: failure.message, code: "plugin_timed_out")
        case .memoryLimit:
            self.init(status: 500, message: failure.message, code: "plugin_memory_limit")
        case .crashed:
            self.init(status: 500, message: failure.message, code: "plugin_crashed")
        case .cancelled:
            self.init(status: 499, message: failure.message)
        default:
            self.init(status: 500, message: failure.message, code: "plugin_failed")
        }
    }
}

extension RoutingError {
    fileprivate var status: Int {
        if case .tooLarge = self { 413 } else { 400 }
    }

    fileprivate var code: String {
        switch self {
        case .notAccepted: "unsupported_media_type"
        case .tooLarge: "media_too_large"
        case .unknownPlugin: "unknown_plugin"
        case .unknownVersion: "unknown_version"
        }
    }
}
