import Foundation
import GatehouseJSON
import Modalities
import Server

/// Shows the registry, and what a running daemon has loaded.
struct PluginListCommand: Command {
    static let name = "plugin list"
    static let synopsis = "[OPTION]…"
    static let summary = "Show the plugins of the registry, and from a running daemon what is loaded."
    static let options = [
        Option("--registry", "P", "the registry (default: registry.json)"),
        Option(
            "--socket", "P",
            "the daemon's socket (default: gatehouse.sock in $XDG_RUNTIME_DIR, else in --data)"),
        Option("--data", "D", "the daemon's data folder (default: $XDG_DATA_HOME/gatehouse)"),
        Option("--json", nil, "print one JSON object"),
    ]

    private let registry: String?
    private let socket: String
    private let json: Bool

    init(_ arguments: Arguments) throws(UsageError) {
        try arguments.expectRest(0...0, "")
        registry = try arguments.value("--registry")
        let data = try arguments.value("--data") ?? Workspace.defaultDataFolder
        socket = try arguments.value("--socket") ?? AdminSocket.defaultPath(data: data)
        json = arguments.flag("--json")
    }

    func run() async throws {
        let answer = try AdminSocket.request(.object(["command": .string("plugin list")]), path: socket)
        let loaded = answer?["plugins"]?.arrayValue ?? []
        let own = answer?["model_weights"]?.arrayValue ?? []
        let registry: Registry
        do {
            registry = try Workspace.registry(self.registry)
        } catch  where answer != nil {
            // The daemon serves on by the last good one, and that is when its operator looks.
            Terminal.error("[WARNING] \(error)\n")
            registry = .empty
        }
        let rows = rows(of: registry, loaded, own)
        if json {
            print(
                JSONValue.object([
                    "registry": .string(registry.path), "daemon": .bool(answer != nil),
                    "plugins": .array(rows),
                ]).text)
            return
        }
        print(registry.path.isEmpty ? "no registry: no plugins of its own" : "registry \(registry.path)")
        printTable(rows)
        print(answer == nil ? "no daemon listens at \(socket)" : "daemon at \(socket)")
    }

    /// What the registry has, and after it what the daemon has beside that: versions that finish their calls, or that a
    /// change of the file took away.
    private func rows(of registry: Registry, _ loaded: [JSONValue], _ own: [JSONValue]) -> [JSONValue] {
        let registered = registry.plugins.flatMap { plugin in
            plugin.versions.map { row(plugin, $0, loaded, own) }
        }
        let others = loaded.filter { status in
            !registered.contains { $0["id"] == status["plugin"] && $0["version"] == status["version"] }
        }
        return registered
            + others.map { status in
                guard case .object(var row) = status else { return status }
                row["id"] = status["plugin"]
                row["plugin"] = nil
                return .object(row)
            }
    }

    private func row(
        _ plugin: RegisteredPlugin, _ version: RegisteredVersion, _ loaded: [JSONValue], _ own: [JSONValue]
    ) -> JSONValue {
        func isIt(_ value: JSONValue) -> Bool {
            value["plugin"]?.stringValue == plugin.id
                && value["version"]?.stringValue == version.version.description
        }
        let status = loaded.first(where: isIt)
        let lacksWeights = version.lacksWeights && !own.contains(where: isIt)
        return .object([
            "id": .string(plugin.id), "version": .string(version.version.description),
            "modality": .string(plugin.modality), "accepts": .array(plugin.mediaTypes.map { .string($0) }),
            "load": .string(plugin.load.rawValue), "isolation": .string(plugin.isolation.rawValue),
            "library": .string(version.library),
            "state": lacksWeights ? .string("no weights") : status?["state"] ?? .string("unloaded"),
            "process": status?["process"] ?? .null, "loads": status?["loads"] ?? .number(0),
            "calls": status?["calls"] ?? .number(0), "errors": status?["errors"] ?? .number(0),
            "running": status?["running"] ?? .number(0), "waiting": status?["waiting"] ?? .number(0),
            "processes": status?["processes"] ?? .array([]), "held": status?["held"] ?? .bool(false),
            "memory_mb": status?["memory_mb"] ?? .number(0), "p50_ms": status?["p50_ms"] ?? .null,
            "p95_ms": status?["p95_ms"] ?? .null, "last_failure": status?["last_failure"] ?? .null,
        ])
    }

    private func printTable(_ table: [JSONValue]) {
        let columns = [
            "id", "version", "modality", "state", "processes", "memory_mb", "calls", "errors", "p50_ms",
            "p95_ms",
            "load", "isolation", "accepts",
        ]
        let rows = table.map { row in
            columns.map { column in
                switch row[column] {
                case .string(let text)?: text
                case .number(let number)?:
                    number.integer.map { "\($0)" } ?? String(format: "%.1f", number.doubleValue)
                case .array(let values)? where !values.isEmpty:
                    values.map { $0.stringValue ?? $0.text }.joined(separator: " ")
                default: "-"
                }
            }
        }
        guard !rows.isEmpty else { return }
        let widths = columns.indices.map { index in ([columns] + rows).map { $0[index].count }.max() ?? 0 }
        for row in [columns] + rows {
            let cells = zip(row, widths).map { $0.padding(toLength: $1, withPad: " ", startingAt: 0) }
            print("  " + cells.joined(separator: "  ").trimmingCharacters(in: .whitespaces))
        }
    }
}
