import Foundation
import Modalities
import PluginHost
import Synchronization

/// A registry file of one plugin, served and routed as the host does.
final class House: Sendable {
    /// Version, fixture and share of each version.
    typealias Versions = [(version: String, fixture: String, share: Double)]

    let live: LiveRegistry
    let path: String
    private let lines = LogLines()

    init(_ versions: Versions) throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        path = folder.appendingPathComponent("registry.json").path
        try Self.text(versions).write(toFile: path, atomically: true, encoding: .utf8)
        let lines = lines
        let log: PluginLog = { plugin, _, line in lines.add("\(plugin): \(line)") }
        let supervisor = Supervisor(
            workerExecutable: try Fixtures.worker(), threads: 1, decoder: nil, log: log)
        live = LiveRegistry(try Registry(contentsOf: path), supervisor: supervisor, log: log)
    }

    deinit {
        let folder = URL(fileURLWithPath: path).deletingLastPathComponent()
        try? FileManager.default.removeItem(at: folder)
    }

    /// A registry of one plugin, whose id is the first version's fixture.
    static func text(_ versions: Versions, library: String? = nil) throws -> String {
        let library = try library ?? Fixtures.library()
        let list = versions.map {
            #"{"version": "\#($0.version)", "library": "\#(library)", "share": \#($0.share)}"#
        }
        return """
            {"format": 1, "plugins": [{"id": "\(versions[0].fixture)", "modality": "test",
              "accepts": ["text/plain"], "versions": [\(list.joined(separator: ", "))]}]}
            """
    }

    /// Rewrites the file and has it taken over.
    func write(_ versions: Versions, library: String? = nil) async throws {
        try Self.text(versions, library: library).write(toFile: path, atomically: true, encoding: .utf8)
        await live.reload()
    }

    /// What one request is answered, and by which version.
    func answer(_ text: String = "x", at point: Double = 0) async throws -> (
        version: String, Supervisor.Encoded
    ) {
        let routing = try Router(live.current).route(
            mediaType: "text/plain", bytes: text.utf8.count, options: [:],
            origin: RequestOrigin(trafficPoint: point))
        guard case .plugin(let plugin, let version, _)? = routing.routes.first else {
            throw Fixtures.Failure(description: "the request goes nowhere")
        }
        let encoded = try await live.supervisor.encode(
            try Fixtures.input(text), plugin: plugin, version: version)
        return (version.version.description, encoded)
    }

    /// The version that one request is answered by.
    func ask(_ text: String = "x", at point: Double = 0) async throws -> String {
        try await answer(text, at: point).version
    }

    func hasLogged(_ text: String) -> Bool { lines.all.contains { $0.contains(text) } }

    func stop() async { await live.supervisor.stop() }
}
