import Foundation
import Modalities
import PluginHost
import Synchronization
import TestSupport
import Testing

/// Registries over the fixture plugins of Tests/Plugins.
enum Fixtures {
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    /// Absolute path of a built library, such as `fixtures` or `other-minor`.
    static func library(_ name: String = "fixtures") throws -> String { try FixturePlugins.library(name) }

    /// `gatehouse-worker`, which SwiftPM builds beside the tests.
    static func worker() throws -> String {
        // Of every bundle that the test process may have been started from, the folder of products is the parent.
        var folders = [Bundle.main.bundleURL, URL(fileURLWithPath: CommandLine.arguments[0])]
        for argument in CommandLine.arguments where argument.hasSuffix(".xctest") {
            folders.append(URL(fileURLWithPath: argument))
        }
        for folder in folders {
            for base in [folder, folder.deletingLastPathComponent()] {
                let path = base.appendingPathComponent("gatehouse-worker").path
                if FileManager.default.isExecutableFile(atPath: path) { return path }
            }
        }
        throw Failure(
            description: """
                gatehouse-worker is not beside the tests (looked near \(folders.map(\.path))); \
                build it with: swift build -c release --product gatehouse-worker
                """)
    }

    /// A registry with the one plugin `id` of `library`, read from a file as the host reads it.
    static func plugin(
        _ id: String, isolation: String = "worker", idle: String = "300", library: String? = nil,
        extra: String = "", versionExtra: String = ""
    ) throws -> RegisteredPlugin {
        let library = try library ?? Self.library()
        let text = """
            {"format": 1, "plugins": [{"id": "\(id)", "modality": "test", "accepts": ["text/plain"],
              "isolation": "\(isolation)", "idle_unload_seconds": \(idle)\(extra),
              "versions": [{"version": "1.0.0", "library": "\(library)"\(versionExtra)}]}]}
            """
        return try withFile(text) { try Registry(contentsOf: $0).plugins[0] }
    }

    /// Calls `body` with the path of a file that holds `text`, in a folder of its own.
    static func withFile<Result>(
        _ text: String, name: String = "registry.json", _ body: (String) throws -> Result
    ) throws -> Result {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let file = folder.appendingPathComponent(name)
        try text.write(to: file, atomically: false, encoding: .utf8)
        return try body(file.path)
    }

    static func input(_ texts: String...) throws -> EncodeInput {
        try EncodeInput(texts.map { MediaPart(mediaType: "text/plain", bytes: Array($0.utf8)) })
    }
}

/// A supervisor with what its plugins logged.
final class Bench: Sendable {
    let supervisor: Supervisor
    private let lines = LogLines()

    init(threads: Int = 1, decoder: DecoderFacts? = nil) throws {
        let lines = lines
        supervisor = Supervisor(
            workerExecutable: try Fixtures.worker(), threads: threads, decoder: decoder,
            log: { plugin, _, line in lines.add("\(plugin): \(line)") })
    }

    func encode(_ plugin: RegisteredPlugin, _ texts: String...) async throws -> Supervisor.Encoded {
        let parts = texts.isEmpty ? ["x"] : texts
        return try await supervisor.encode(
            try EncodeInput(parts.map { MediaPart(mediaType: "text/plain", bytes: Array($0.utf8)) }),
            plugin: plugin, version: plugin.defaultVersion)
    }

    /// The text of the only segment.
    func text(_ plugin: RegisteredPlugin, _ text: String = "x") async throws -> String {
        try await encode(plugin, text).segments.text
    }

    /// What encoding fails with, or nil where it does not.
    func failure(_ plugin: RegisteredPlugin, _ text: String = "x") async -> PluginFailure? {
        do {
            _ = try await encode(plugin, text)
            return nil
        } catch {
            return error as? PluginFailure
        }
    }

    func status(_ plugin: RegisteredPlugin) async -> PluginStatus? {
        await supervisor.status().first { $0.plugin == plugin.id }
    }

    /// The process that has the plugin loaded.
    func process(_ plugin: RegisteredPlugin) async throws -> Int32 {
        try #require(await status(plugin)?.processID)
    }

    func hasLogged(_ line: String) -> Bool { lines.all.contains(line) }

    /// The lines that hold `text`.
    func logged(_ text: String) -> [String] { lines.all.filter { $0.contains(text) } }
}

/// What was logged. Any thread.
final class LogLines: Sendable {
    private let lines = Mutex<[String]>([])

    func add(_ line: String) { lines.withLock { $0.append(line) } }
    var all: [String] { lines.withLock { $0 } }
}

extension [EncodedSegment] {
    /// The texts of all segments, joined.
    var text: String {
        compactMap { if case .text(let text) = $0.content { text.text } else { nil } }.joined(separator: "|")
    }
}

/// Polls until `condition` holds; an error after a bound that no working machine reaches.
func eventually(
    _ what: String, seconds: Double = 60, _ condition: () async throws -> Bool
) async throws {
    let deadline = ContinuousClock.now + .seconds(seconds)
    while try await !condition() {
        guard ContinuousClock.now < deadline else {
            throw Fixtures.Failure(description: "not within \(seconds) s: \(what)")
        }
        try await Task.sleep(for: .milliseconds(5))
    }
}

/// Whether a process is there, a dead one that nobody reaped included.
func exists(_ process: Int32) -> Bool {
    kill(process, 0) == 0
}

/// Workers that this process started, dead ones that nobody reaped included.
func workerProcesses() -> [Int32] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
    return names.compactMap { Int32($0) }.filter { process in
        guard let line = try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8) else {
            return false
        }
        // proc(5): after the name in parentheses, cut to 15 bytes, come the state and the parent.
        let fields = line.split(separator: ")").last?.split(separator: " ") ?? []
        return line.contains("(gatehouse-worke)") && fields.count > 1 && Int32(fields[1]) == getpid()
    }
}
