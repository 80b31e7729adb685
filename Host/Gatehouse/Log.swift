import Foundation
import GatehouseJSON
import Modalities
import Server

/// What a command says on standard error beside its result: lines for people, or JSON objects, one a line. Any thread.
struct Log: Sendable {
    enum Format: String, CaseIterable, Sendable {
        case text
        case json
    }

    enum Level: String, Sendable {
        case info
        case warning
        case error
    }

    /// For people.
    static let text = Log(format: .text)

    let format: Format

    func warning(_ message: String) { write(.warning, message) }

    /// What a plugin logs; debug lines are left out.
    var plugins: PluginLog {
        { plugin, level, line in
            let known: Level? =
                switch level {
                case .debug: nil
                case .info: .info
                case .warning: .warning
                case .error: .error
                }
            if let known { write(known, line, plugin: plugin) }
        }
    }

    private func write(_ level: Level, _ message: String, plugin: String? = nil) {
        switch format {
        case .text:
            Terminal.error("[\(level.rawValue.uppercased())] \(plugin.map { "\($0): " } ?? "")\(message)\n")
        case .json:
            var members = Self.beginning(level, event: plugin == nil ? "message" : "plugin")
            members["plugin"] = plugin.map { .string($0) }
            members["message"] = .string(message)
            Terminal.error(JSONValue.object(members).text + "\n")
        }
    }

    // MARK: Requests

    /// Paths that are asked for every few seconds; that all is well with them is not worth a line.
    private static let watched: Set<String> = ["/health", "/ready", "/metrics"]

    /// One line for a request that is over, with what was noted of it on its way.
    func request(_ record: HTTPRecord) {
        if record.status < 400, Self.watched.contains(record.path) { return }
        switch format {
        case .text: Terminal.error(Self.line(record))
        case .json:
            var members = Self.beginning(record.status < 500 ? .info : .error, event: "request")
            members["request"] = .string(record.id)
            members["client"] = .string(record.remoteAddress)
            members["method"] = .string(record.method)
            members["path"] = .string(record.path)
            members["status"] = .number(record.status)
            members["bytes"] = .number(record.bytesSent)
            members["seconds"] = .number(record.seconds.rounded(to: 6))
            members["whole"] = .bool(record.isWhole)
            for (name, value) in record.notes { members[name] = value }
            Terminal.error(JSONValue.object(members).text + "\n")
        }
    }

    /// `[INFO] 2026-11-26T08:15:02Z req_… 127.0.0.1 POST /v1/chat/completions 200 in 1.204 s; key phone-lab, prompt_tokens 35`.
    private static func line(_ record: HTTPRecord) -> String {
        var line = "[\(record.status < 500 ? "INFO" : "ERROR")] "
        line +=
            Date.now.formatted(.iso8601)
            + " \(record.id) \(record.remoteAddress) \(record.method) \(record.path) \(record.status)"
        line += " in \(record.seconds.rounded(to: 3)) s" + (record.isWhole ? "" : ", cut short")
        let notes = record.notes.map { "\($0.name) \($0.value.stringValue ?? $0.value.text)" }
        return line + (notes.isEmpty ? "" : "; " + notes.joined(separator: ", ")) + "\n"
    }

    private static func beginning(_ level: Level, event: String) -> JSONObject {
        [
            "time": .string(Date.now.formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true))),
            "level": .string(level.rawValue), "event": .string(event),
        ]
    }
}
