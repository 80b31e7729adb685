import Foundation
import GatehouseJSON
import Modalities
import Server

/// A command that a running daemon carries out: `gatehouse plugin VERB ID [VERSION]`.
protocol PluginControlCommand: Command {
    /// How many words follow the verb.
    static var words: ClosedRange<Int> { get }
    var request: PluginControlRequest { get }
    init(request: PluginControlRequest)
}

/// What is asked of the daemon, and where it listens.
struct PluginControlRequest: Sendable {
    static let options = [
        Option(
            "--socket", "P",
            "the daemon's socket (default: gatehouse.sock in $XDG_RUNTIME_DIR, else in --data)"),
        Option("--data", "D", "the daemon's data folder (default: $XDG_DATA_HOME/gatehouse)"),
    ]

    private let command: JSONValue
    private let socket: String

    init(_ name: String, _ arguments: Arguments) throws(UsageError) {
        var command: JSONObject = ["command": .string(name), "plugin": .string(arguments.rest[0])]
        if arguments.rest.count > 1 {
            guard let version = SemanticVersion(arguments.rest[1]) else {
                throw UsageError("expected a version such as 1.0.0, found \"\(arguments.rest[1])\"")
            }
            command["version"] = .string(version.description)
        }
        self.command = .object(command)
        let data = try arguments.value("--data") ?? Workspace.defaultDataFolder
        socket = try arguments.value("--socket") ?? AdminSocket.defaultPath(data: data)
    }

    /// Waits until the daemon has done it, and prints its answer.
    func send() throws {
        guard let answer = try AdminSocket.request(command, path: socket) else {
            throw CommandError(
                "no daemon listens at \(socket); start one by gatehouse serve, or name it by --socket")
        }
        guard let done = answer["done"]?.stringValue else {
            throw CommandError(
                answer["error"]?.stringValue ?? "the daemon's answer is not understood: \(answer.text)")
        }
        print(done)
    }
}

extension PluginControlCommand {
    static var options: [Option] { PluginControlRequest.options }

    init(_ arguments: Arguments) throws(UsageError) {
        try arguments.expectRest(Self.words, Self.words.lowerBound > 1 ? "ID or VERSION" : "the plugin's ID")
        self.init(request: try PluginControlRequest(Self.name, arguments))
    }

    func run() async throws {
        try request.send()
    }
}

struct PluginLoadCommand: PluginControlCommand {
    static let name = "plugin load"
    static let synopsis = "ID [VERSION] [OPTION]…"
    static let summary = "Load a plugin now; one that failed or was drained gets another chance."
    static let words = 1...2
    let request: PluginControlRequest
}

struct PluginUnloadCommand: PluginControlCommand {
    static let name = "plugin unload"
    static let synopsis = "ID [VERSION] [OPTION]…"
    static let summary = "Let a plugin go when its calls are done; a later request loads it again."
    static let words = 1...2
    let request: PluginControlRequest
}

struct PluginSwapCommand: PluginControlCommand {
    static let name = "plugin swap"
    static let synopsis = "ID VERSION [OPTION]…"
    static let summary = "Hand every request to a version, once it is tested, until the registry changes."
    static let words = 2...2
    let request: PluginControlRequest
}

struct PluginPinCommand: PluginControlCommand {
    static let name = "plugin pin"
    static let synopsis = "ID [VERSION] [OPTION]…"
    static let summary =
        "Hand every request to a version whatever the registry says; without VERSION, end that."
    static let words = 1...2
    let request: PluginControlRequest
}

struct PluginDrainCommand: PluginControlCommand {
    static let name = "plugin drain"
    static let synopsis = "ID [VERSION] [OPTION]…"
    static let summary = "Take no more requests for a plugin, and let it go when its calls are done."
    static let words = 1...2
    let request: PluginControlRequest
}
