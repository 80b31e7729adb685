import GatehouseJSON
import Modalities

/// What the daemon answers to the operator's commands.
public struct AdminService: Sendable {
    private let registry: LiveRegistry

    public init(_ registry: LiveRegistry) {
        self.registry = registry
    }

    /// `{"command": "plugin list"}` → `{"plugins": [{"plugin", "version", "state", "process", …}], "model_weights":
    /// [{"plugin", "version"}]}`, the second of those that run on what the model brings along.
    ///
    /// `{"command": "plugin load", "plugin": "vision", "version": "1.0.0"}` → `{"done": "…"}`; likewise `unload`, `swap`,
    /// `pin` and `drain`. Without a version `load` takes the one that serves, `unload` and `drain` take all, and `pin`
    /// ends. What cannot be done → `{"error": "…"}`.
    public func respond(to command: JSONValue) async -> JSONValue {
        guard let text = command["command"]?.stringValue else {
            return .object([
                "error": .string(
                    "command: expected a string, found \(command["command"]?.summary ?? "nothing")")
            ])
        }
        do {
            let plugin = try plugin(command["plugin"])
            let version = try version(command["version"])
            if text == "plugin list" {
                let plugins = await registry.supervisor.status()
                    .sorted { ($0.plugin, $1.version) < ($1.plugin, $0.version) }
                let own = registry.current.plugins.flatMap { plugin in
                    plugin.versions.filter(\.isModels).map { (plugin.id, $0.version) }
                }
                return .object([
                    "plugins": .array(plugins.map(\.json)),
                    "model_weights": .array(
                        own.map {
                            .object(["plugin": .string($0), "version": .string($1.description)])
                        }),
                ])
            }
            return .object(["done": .string(try await act(text, plugin, version))])
        } catch {
            return .object(["error": .string("\(error)")])
        }
    }

    private func act(
        _ text: String, _ plugin: String?, _ version: SemanticVersion?
    ) async throws -> String {
        let verbs = ["load", "unload", "swap", "pin", "drain"]
        guard let verb = verbs.first(where: { text == "plugin \($0)" }) else {
            throw AdminError("unknown command \"\(text.prefix(100))\"")
        }
        guard let plugin else { throw AdminError("plugin: expected an id, found nothing") }
        let name = version.map { "\(plugin) \($0)" } ?? plugin
        switch verb {
        case "load":
            try await registry.load(plugin, version)
            return "\(name) is loaded"
        case "unload":
            try await registry.unload(plugin, version)
            return "\(name) goes when its calls are done"
        case "drain":
            try await registry.drain(plugin, version)
            return "\(name) takes no more requests"
        case "pin":
            try await registry.pin(plugin, to: version)
            return version == nil ? "\(plugin) follows the registry again" : "\(name) takes every request"
        default:
            guard let version else {
                throw AdminError("version: expected the version to swap to, found nothing")
            }
            try await registry.swap(plugin, to: version)
            return "\(name) takes every request until the registry changes"
        }
    }

    private func plugin(_ value: JSONValue?) throws -> String? {
        guard let value, value != .null else { return nil }
        guard let plugin = value.stringValue else {
            throw AdminError("plugin: expected an id, found \(value.summary)")
        }
        return plugin
    }

    private func version(_ value: JSONValue?) throws -> SemanticVersion? {
        guard let value, value != .null else { return nil }
        guard let version = value.stringValue.flatMap({ SemanticVersion($0) }) else {
            throw AdminError("version: expected a semantic version such as \"1.0.0\", found \(value.summary)")
        }
        return version
    }
}

extension PluginStatus {
    fileprivate var json: JSONValue {
        func milliseconds(_ value: Double?) -> JSONValue {
            value.map { .number(($0 * 1000).rounded() / 1000) } ?? .null
        }
        return .object([
            "plugin": .string(plugin), "version": .string(version.description),
            "state": .string(state.rawValue), "held": .bool(isHeld),
            "process": processID.map { .number(Double($0)) } ?? .null,
            "processes": .array(processIDs.map { .number(Double($0)) }),
            "memory_mb": .number((Double(memory) / 104857.6).rounded() / 10),
            "running": .number(Double(running)), "streams": .number(Double(streams)),
            "waiting": .number(Double(waiting)),
            "loads": .number(Double(counts.loads)), "calls": .number(Double(counts.calls)),
            "errors": .number(Double(counts.errors)), "p50_ms": milliseconds(p50),
            "p95_ms": milliseconds(p95),
            "last_failure": lastFailure.map { .string($0) } ?? .null,
        ])
    }
}
