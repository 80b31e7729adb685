import Engine
import Foundation
import Fusion
import GatehouseJSON
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
    private let access: AccessControl
    private let metrics: ServiceMetrics
    private let recordsContent: Bool
    private let limits: RequestLimits
    private let fetcher: MediaFetcher?
    private let started = Int(Date().timeIntervalSince1970)

    /// - Parameters:
    ///   - recordsContent: Whether the log is to have what was asked and answered.
    ///   - fetcher: Of pictures at addresses; nil takes none.
    public init(
        _ chat: ChatService, models: ModelNames, access: AccessControl = AccessControl(nil),
        metrics: ServiceMetrics = ServiceMetrics(), recordsContent: Bool = false,
        limits: RequestLimits = RequestLimits(), fetcher: MediaFetcher? = nil
    ) {
        self.chat = chat
        self.models = models
        self.access = access
        self.metrics = metrics
        self.recordsContent = recordsContent
        self.limits = limits
        self.fetcher = fetcher
    }

    public var router: HTTPRouter {
        var router = HTTPRouter()
        router.on("GET", "/health") { _ in .json(Array(#"{"status":"ok"}"#.utf8)) }
        router.on("GET", "/v1/models") { _ in .json(listOfModels) }
        router.on("POST", "/v1/chat/completions", answering: complete)
        return router
    }

    private func complete(_ request: HTTPRequest) async throws -> HTTPResponse {
        let started = ContinuousClock.now
        var completion = try CompletionRequest(
            parsing: request.body, limits: limits, takesLinks: fetcher != nil)
        let model = try models.resolve(completion.model)
        let client = try access.admit(request)
        completion.chat.origin = RequestOrigin(request, from: client, model: model)
        if let fetcher { try await completion.fetchLinks(by: fetcher, limits: limits) }
        if recordsContent { request.notes.set("messages", completion.chat.logged) }
        let answer = MeteredAnswer(
            try await chat.answer(completion.chat), client, metrics, since: started,
            recordsContent: recordsContent)
        let response = CompletionResponse(
            id: "chatcmpl-" + request.id.drop { $0 != "_" }.dropFirst(),
            created: Int(Date().timeIntervalSince1970), model: model, includesUsage: completion.includeUsage,
            reportsTokens: completion.chat.alternatives != nil,
            splitsReasoning: completion.chat.splitsReasoning)
        if completion.stream {
            return stream(answer, choices: completion.chat.choices, response, to: client)
        }
        var choices = Array(repeating: CompletionResponse.Choice(), count: completion.chat.choices)
        for try await element in answer {
            switch element {
            case .read: break
            case .text(let piece, let choice): choices[choice].append(piece)
            case .call(_, let name, let choice):
                choices[choice].calls.append(FunctionCall(id: Self.newCallID(), name: name, arguments: ""))
            case .arguments(let text, let call, let choice): choices[choice].calls[call].arguments += text
            case .ended(let reason, let choice): choices[choice].reason = reason
            case .finished(let usage):
                var whole = HTTPResponse.json(
                    Array(response.whole(choices, usage, answer.modalities).text.utf8))
                whole.headers.append(client.headers)
                return whole
            }
        }
        // The stream of a cancelled task ends early.
        throw HTTPError.clientGone
    }

    private func stream(
        _ answer: MeteredAnswer, choices: Int, _ response: CompletionResponse,
        to client: AccessControl.Client
    ) -> HTTPResponse {
        ServerSentEvents.answer(to: client) { events in
            for choice in 0..<choices {
                try await events.send(response.first(choice, answer.modalities).text)
            }
            var called: Set<Int> = []
            for try await element in answer {
                switch element {
                case .read: break
                case .text(let piece, let choice):
                    try await events.send(response.text(piece, choice).text)
                case .call(let index, let name, let choice):
                    called.insert(choice)
                    let call = FunctionCall(id: Self.newCallID(), name: name, arguments: "")
                    try await events.send(response.call(call, index, choice).text)
                case .arguments(let text, let call, let choice):
                    try await events.send(response.arguments(text, call, choice).text)
                case .ended(let reason, let choice):
                    let last = response.last(reason, choice, hasCalls: called.contains(choice))
                    try await events.send(last.text)
                case .finished(let usage):
                    if response.includesUsage { try await events.send(response.usage(usage).text) }
                    try await events.send("[DONE]")
                }
            }
        }
    }

    private static func newCallID() -> String {
        "call_" + UUID().uuidString.lowercased().filter { $0 != "-" }.prefix(24)
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
