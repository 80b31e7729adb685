import Modalities

/// What the daemon answers to the operator's commands.
public struct AdminService: Sendable {
    private let supervisor: Supervisor

    public init(_ supervisor: Supervisor) {
        self.supervisor = supervisor
    }

    /// `{"command": "plugin list"}` → `{"plugins": [{"plugin", "version", "state", "process", …}]}`; an unknown
    /// command → `{"error": "…"}`.
    public func respond(to command: JSONValue) async -> JSONValue {
        switch command["command"] {
        case .string("plugin list"):
            let plugins = await supervisor.status()
                .sorted { ($0.plugin, $1.version) < ($1.plugin, $0.version) }
            return .object(["plugins": .array(plugins.map(\.json))])
        default:
            return .object(["error": .string("unknown command \(command["command"]?.summary ?? "")")])
        }
    }
}

extension PluginStatus {
    fileprivate var json: JSONValue {
        .object([
            "plugin": .string(plugin), "version": .string(version.description),
            "state": .string(state.rawValue),
            "process": processID.map { .number(Double($0)) } ?? .null, "loads": .number(Double(counts.loads)),
            "calls": .number(Double(counts.calls)), "errors": .number(Double(counts.errors)),
        ])
    }
}
