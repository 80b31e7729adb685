import Foundation
import GatehouseJSON
import Modalities
import Server

/// Tells what the registry would do with a request, without doing it.
struct RegistryExplainCommand: Command {
    static let name = "registry explain"
    static let synopsis = "[OPTION]… REQUEST.json"
    static let summary = "Tell which plugins would take each media part of a chat completion's body, and why."
    static let options = [
        Option("--registry", "P", "the registry (default: registry.json)"),
        Option("--header", "H", "a header of the request, as \"Name: value\"; may be repeated"),
        Option("--key", "L", "the label of the request's API key"),
        Option("--json", nil, "print one JSON object"),
    ]

    private let path: String
    private let registry: String?
    private let headers: [(name: String, value: String)]
    private let key: String
    private let json: Bool

    init(_ arguments: Arguments) throws(UsageError) {
        try arguments.expectRest(1...1, "the request's file")
        path = arguments.rest[0]
        registry = try arguments.value("--registry")
        var headers: [(name: String, value: String)] = []
        for text in arguments.values("--header") {
            let halves = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            guard halves.count == 2, !halves[0].isEmpty else {
                throw UsageError("--header: expected \"Name: value\", found \"\(text)\"")
            }
            headers.append((String(halves[0]), halves[1].trimmingCharacters(in: .whitespaces)))
        }
        self.headers = headers
        key = try arguments.value("--key") ?? ""
        json = arguments.flag("--json")
    }

    func run() async throws {
        let router = Modalities.Router(try Workspace.registry(registry))
        let body = try InputFile.read(path)
        let request: CompletionRequest
        do {
            request = try CompletionRequest(parsing: [UInt8](body))
            try router.check(request.chat.modalities)
        } catch let error as HTTPError {
            throw CommandError("\(path): \(error.message)")
        } catch {
            throw CommandError("\(path): \(error)")
        }
        let origin = RequestOrigin(model: request.model ?? "", headers: headers, keyLabel: key)
        let parts = request.chat.messages.flatMap(\.parts).compactMap { part in
            if case .media(let media) = part { media } else { nil }
        }
        var rows: [JSONValue] = []
        for (number, media) in parts.enumerated() {
            let routing: Routing
            do {
                routing = try router.route(
                    mediaType: media.mediaType, bytes: media.bytes.count, options: request.chat.modalities,
                    origin: origin)
            } catch {
                throw CommandError("\(path): media part \(number): \(error)")
            }
            if !json {
                print("part \(number): \(media.mediaType), \(media.bytes.count) bytes: \(routing.line)")
            }
            rows.append(
                .object([
                    "part": .number(Double(number)), "media_type": .string(media.mediaType),
                    "bytes": .number(Double(media.bytes.count)), "rule": routing.reason.json,
                    "plugins": .array(routing.routes.compactMap(\.json)),
                ]))
        }
        if json {
            print(JSONValue.object(["parts": .array(rows)]).text)
        } else if parts.isEmpty {
            print("no media part, so no plugin is loaded")
        }
    }
}

extension Routing {
    /// `text 1.0.0 and vision 2.0.0 (rule "screens")`.
    fileprivate var line: String {
        let takers = routes.map { route in
            switch route {
            case .off: "dropped"
            case .plugin(let plugin, let version, weight: 0):
                "\(plugin.id) \(version.version) not loaded, weight 0"
            case .plugin(let plugin, let version, _): "\(plugin.id) \(version.version)"
            }
        }
        let why =
            switch reason {
            case .rule(let name): "rule \"\(name)\""
            case .modelsOwn: "no rule applies; the model's own encoder"
            case .firstThatAccepts: "no rule applies; the first plugin that accepts it"
            }
        return "\(takers.joined(separator: " and ")) (\(why))"
    }
}

extension Routing.Reason {
    /// The rule's name; null where none applied.
    fileprivate var json: JSONValue {
        if case .rule(let name) = self { .string(name) } else { .null }
    }
}

extension Route {
    fileprivate var json: JSONValue? {
        guard case .plugin(let plugin, let version, let weight) = self else { return nil }
        return .object([
            "plugin": .string(plugin.id), "version": .string(version.version.description),
            "weight": weight.map { .number(Double($0)) } ?? .null, "loaded": .bool(weight != 0),
        ])
    }
}
