import Constraints
import Decoder
import Engine
import Fusion
import Modalities
import PluginHost
import Text

extension HTTPError {
    /// What the client is told of an error on the way of a chat request: below 500 where the request is at fault, 503
    /// where the same request may succeed a moment later.
    package init(describing error: any Error) {
        switch error {
        case let error as HTTPError: self = error
        case let error as MediaError:
            self.init(describing: error.error)
            // Where the request is at fault it is this part of it.
            if param == "messages" {
                let path = "messages[\(error.message)].content[\(error.part)]"
                param = path
                message = "\(path): \(message)"
            }
        case let error as SchemaError:
            self.init(status: 400, message: "\(error)", param: error.path, code: "invalid_schema")
        case let error as RoutingError: self.init(error)
        case let error as PluginFailure: self.init(error)
        case let error as EngineError: self.init(error)
        case DecoderError.tokenOutOfRange:
            self.init(status: 400, message: "\(error)", param: "messages", code: "invalid_value")
        case FusionError.noTemplate:
            self.init(status: 500, message: "\(error)", code: "no_chat_template")
        case FusionError.tooLong:
            self.init(
                status: 400, message: "\(error)", param: "messages", code: "context_length_exceeded")
        case FusionError.places:
            self.init(status: 400, message: "\(error)", param: "messages", code: "template_error")
        case is FusionError:
            self.init(status: 500, message: "\(error)", code: "plugin_failed")
        case let error as TemplateError where error.kind == .raised || error.kind == .limit:
            self.init(status: 400, message: "\(error)", param: "messages", code: "template_error")
        case is TemplateError:
            self.init(status: 500, message: "\(error)", code: "template_error")
        case is CancellationError:
            self = .clientGone
        default:
            self.init(status: 500, message: "\(error)", code: "internal_error")
        }
    }

    /// Answers nobody: it is for the logs.
    static let clientGone = HTTPError(status: 499, message: "The client went away.")

    private init(_ error: RoutingError) {
        let (status, param, code) =
            switch error {
            case .notAccepted: (400, "messages", "unsupported_media_type")
            case .tooLarge: (413, "messages", "media_too_large")
            case .unknownPlugin(let id, _): (400, "gatehouse.modalities.\(id)", "unknown_plugin")
            case .unknownVersion(let plugin, _, _):
                (400, "gatehouse.modalities.\(plugin).version", "unknown_version")
            case .notAllowed: (403, "messages", "modality_not_allowed")
            case .noWeights(let plugin, _): (400, "gatehouse.modalities.\(plugin).version", "no_weights")
            }
        self.init(status: status, message: "\(error)", param: param, code: code)
    }

    private init(_ error: EngineError) {
        switch error {
        case .contextExceeded, .promptTooLong:
            self.init(
                status: 400, message: "\(error)", param: "messages", code: "context_length_exceeded")
        case .emptyPrompt:
            self.init(status: 400, message: "\(error)", param: "messages", code: "invalid_value")
        case .answerTooLong:
            self.init(status: 400, message: "\(error)", param: "max_tokens", code: "invalid_value")
        case .noAnswer:
            self.init(status: 400, message: "\(error)", param: "response_format", code: "invalid_value")
        case .poolTooSmall:
            self.init(status: 400, message: "\(error)", param: "max_tokens", code: "invalid_value")
        case .badValue(let field, _, _):
            self.init(status: 400, message: "\(error)", param: field, code: "invalid_value")
        case .queueFull, .stopped:
            self.init(
                status: 503, message: "\(error)", code: "overloaded", headers: ["Retry-After": "1"])
        case .segmentWidth, .segmentNotFinite, .segmentPosition:
            self.init(status: 500, message: "\(error)", code: "plugin_failed")
        case .notFinite:
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
            self = .clientGone
        default:
            self.init(status: 500, message: failure.message, code: "plugin_failed")
        }
    }
}
