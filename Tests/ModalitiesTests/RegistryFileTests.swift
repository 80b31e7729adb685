import Foundation
import Modalities
import PluginHost
import Testing

@Suite struct RegistryFileTests {
    /// What the library of the tests says of its plugin `echo`.
    private func echo(version: String) async throws -> RegistryFile.Addition {
        let library = try Fixtures.library()
        var facts = try await PluginFacts.inspecting(
            library: library, id: "echo", weights: nil, configuration: "{}",
            workerExecutable: try Fixtures.worker(), log: { _, _, _ in })
        facts.version = version
        return RegistryFile.Addition(
            facts: facts, library: library, librarySHA256: try PluginStore.digest(of: library))
    }

    private func withFile(_ text: String, _ body: (String) throws -> Void) throws {
        try Fixtures.withFile(text, body)
    }

    private func read(_ path: String) throws -> String { try String(contentsOfFile: path, encoding: .utf8) }

    static let texts = [
        #"{"format":1,"plugins":[],"rules":[]}"#,
        "{\n\t\"rules\": [ ],\n\t\"format\" : 1,\n\t\"plug\\u0069ns\": [\n\t]\n}\n",
        "{\n  \"format\": 1,\n  \"plugins\": [],\n  \"memory_budget_mb\": 5\n}\n",
    ]

    @Test(arguments: texts) func addingAndRemovingLeavesTheRestOfTheTextAsItWas(_ text: String) async throws {
        let additions = [try await echo(version: "1.0.0"), try await echo(version: "2.0.0")]
        try withFile(text) { path in
            chmod(path, 0o640)
            var file = try RegistryFile(path)
            for addition in additions { try file.add(addition) }
            let plugin = try #require(try Registry(contentsOf: path).plugins.first)
            #expect(plugin.id == "echo")
            #expect(plugin.versions.map(\.version.description) == ["2.0.0", "1.0.0"])
            #expect(plugin.versions[0].librarySHA256 == additions[0].librarySHA256)
            #expect(file.registry.plugins.count == 1)
            let version = SemanticVersion("2.0.0")
            #expect(try file.remove("echo", version).map(\.version.description) == ["2.0.0"])
            #expect(try Registry(contentsOf: path).plugins[0].versions.count == 1)
            _ = try file.remove("echo", nil)
            #expect(try read(path).filter { !$0.isWhitespace } == text.filter { !$0.isWhitespace })
            var status = stat()
            #expect(stat(path, &status) == 0 && status.st_mode & 0o777 == 0o640)
            let folder = URL(fileURLWithPath: path).deletingLastPathComponent().path
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["registry.json"])
        }
    }

    @Test func changeThatWouldBreakTheRegistryIsRefusedAndNothingIsWritten() async throws {
        let addition = try await echo(version: "1.0.0")
        var broken = addition
        broken.facts.version = "one"
        var stranger = addition
        stranger.facts.mediaTypes = ["no type\"]"]
        let ruled = #"{"format": 1, "plugins": [], "rules": []}"#
        try withFile(ruled) { path in
            var file = try RegistryFile(path)
            #expect(throws: RegistryEditError.self) { try file.add(broken) }
            #expect(throws: RegistryEditError.self) { try file.add(stranger) }
            #expect(throws: RegistryEditError.self) { _ = try file.remove("echo", nil) }
            #expect(try read(path) == ruled)
            try file.add(addition)
            #expect(throws: RegistryEditError.self) { try file.add(addition) }
            #expect(throws: RegistryEditError.self) { _ = try file.remove("echo", SemanticVersion("3.0.0")) }
            let used = try read(path).replacing(#""rules": []"#, with: #""rules": [{"use": ["echo"]}]"#)
            try Data(used.utf8).write(to: URL(fileURLWithPath: path))
            file = try RegistryFile(path)
            #expect(throws: RegistryEditError.self) { _ = try file.remove("echo", nil) }
            #expect(try read(path) == used)
        }
    }
}
