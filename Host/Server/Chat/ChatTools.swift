import Constraints
import Fusion
import GatehouseJSON

/// What an answer has to look like.
public enum AnswerForm: Sendable {
    case text
    /// Any JSON object.
    case object
    /// JSON that fits a schema; `path` says where it stands, for errors.
    case schema(JSONValue, path: String)
}

/// Functions that a model may call, or must.
public struct ChatTools: Sendable {
    public enum Choice: Sendable, Equatable {
        case none
        case auto
        case required
        case function(String)
    }

    /// As the client described them.
    public var definitions: [JSONValue]
    public var functions: [CallableFunction]
    public var choice: Choice
    /// Whether an answer may call more than once.
    public var allowsSeveral: Bool

    public init(
        definitions: [JSONValue], functions: [CallableFunction], choice: Choice, allowsSeveral: Bool = true
    ) {
        self.definitions = definitions
        self.functions = functions
        self.choice = choice
        self.allowsSeveral = allowsSeveral
    }

    /// Those that may be called; none where the choice is so.
    var callable: [CallableFunction] {
        switch choice {
        case .none: []
        case .auto, .required: functions
        case .function(let name): functions.filter { $0.name == name }
        }
    }
}

extension ChatRequest {
    /// Whether answers are held to a form, or may call functions.
    public var isConstrained: Bool {
        if case .text = form { !(tools?.callable.isEmpty ?? true) } else { true }
    }
}
