import Foundation
import GatehouseJSON
import Modalities
import Testing

/// registry.schema.json, which editors read, and the parser, which the host runs, judge alike. What a schema cannot
/// say (files that exist, ids that are unique or known) is left to the parser, and to RegistryTests.
@Suite struct RegistrySchemaTests {
    private static let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()

    private static let schema = Result {
        JSONSchema(
            try JSONValue(parsing: try Data(contentsOf: file.appendingPathComponent("registry.schema.json"))))
    }

    /// The verdicts of the parser and of the schema.
    private func verdicts(_ text: String) throws -> (parser: Bool, schema: Bool) {
        let schema = try Self.schema.get().accepts(try JSONValue(parsing: Data(text.utf8)))
        let parser = try Fixtures.withFile(text) { path in
            let folder = URL(fileURLWithPath: path).deletingLastPathComponent()
            try Data().write(to: folder.appendingPathComponent("a.so"))
            do {
                _ = try Registry(contentsOf: path)
                return true
            } catch is RegistryError {
                return false
            }
        }
        return (parser, schema)
    }

    private static func plugin(_ extra: String = "", version: String = "") -> String {
        """
        {"format": 1, "plugins": [{"id": "a", "modality": "image", "accepts": ["image/png"]\(comma(extra)),
          "versions": [{"version": "1.0.0", "library": "a.so"\(comma(version))}]}]}
        """
    }

    private static func rule(_ rule: String) -> String {
        plugin().dropLast() + #", "rules": [\#(rule)]}"#
    }

    private static func comma(_ text: String) -> String { text.isEmpty ? "" : ", \(text)" }

    private static let digest = String(repeating: "0a", count: 32)

    static let good: [String] = [
        #"{"format": 1, "plugins": []}"#, #"{"format": 1.0, "plugins": [], "rules": []}"#,
        #"{"$schema": "./registry.schema.json", "format": 1, "plugins": [], "memory_budget_mb": 512}"#,
        plugin(),
        plugin(#""load": "eager", "isolation": "in-process", "concurrency": 64, "stream_workers": 0"#),
        plugin(#""idle_unload_seconds": null, "time_limit_seconds": 0.001, "start_limit_seconds": null"#),
        plugin(#""idle_unload_seconds": 0, "failure_limit": 1, "memory_limit_mb": 1, "reads": ["a.so"]"#),
        plugin(#""prompt": "Says: {output}\n", "configuration": {"a": [1, null]}, "reads": []"#),
        plugin(version: #""weights": "a.so", "sha256": {"weights": "\#(digest)", "library": "\#(digest)"}"#),
        plugin(version: #""weights": null"#),
        plugin(version: #""weights": null, "model_weights": ["glm4v"]"#),
        plugin(version: #""sha256": {}, "share": 0"#), plugin(version: #""gate": "a.so""#),
        #"{"format": 1, "plugins": [], "gate_threshold": 0}"#,
        #"{"format": 1, "plugins": [], "gate_threshold": 1}"#,
        plugin(version: #""share": 1, "self_test": {"input": "a.so", "output": "a.so"}"#),
        plugin(version: #""self_test": {"input": "a.so"}"#),
        plugin().replacingOccurrences(
            of: #"["image/png"]"#, with: #"[{"type": "a.b/c+d", "most_bytes": 1}]"#),
        plugin().replacingOccurrences(of: "1.0.0", with: "10.20.30-rc.1.0a+b.007"),
        rule(#"{"use": "off"}"#), rule(#"{"use": ["a"], "when": {}}"#),
        rule(#"{"name": "n", "use": [{"plugin": "a", "version": "1.0.0"}]}"#),
        rule(
            #"{"use": ["a"], "when": {"media_type": ["image/*", "*/*"], "least_bytes": 1, "most_bytes": 2, "model": "m*", "own_encoder": false, "headers": {"x": "y", "z": ["v"]}, "key": ["k"], "modalities": {"a": "off"}}}"#
        ),
    ]

    static let bad: [String] = [
        "[]", "null", "{}", #"{"format": 1}"#, #"{"format": "1", "plugins": []}"#,
        #"{"format": 2, "plugins": []}"#, #"{"format": 1, "plugins": {}}"#, #"{"format": 1, "plugins": [1]}"#,
        #"{"format": 1, "plugins": [], "rules": {}}"#, #"{"format": 1, "plugins": [], "colour": 1}"#,
        #"{"format": 1, "plugins": [], "memory_budget_mb": 0}"#,
        #"{"format": 1, "plugins": [], "memory_budget_mb": null}"#,
        #"{"format": 1, "plugins": [], "gate_threshold": 1.01}"#,
        #"{"format": 1, "plugins": [], "gate_threshold": "0.5"}"#,
        plugin(version: #""gate": """#), plugin(version: #""gate": 1"#),
        #"{"format": 1, "plugins": [], "$schema": 3}"#,
        plugin(#""colour": 1"#), plugin(#""load": "sometimes""#), plugin(#""load": null"#),
        plugin(#""isolation": true"#), plugin(#""stream_workers": 65"#), plugin(#""concurrency": 0"#),
        plugin(#""concurrency": 65"#),
        plugin(#""concurrency": 1.5"#), plugin(#""idle_unload_seconds": -1"#),
        plugin(#""idle_unload_seconds": "5""#), plugin(#""time_limit_seconds": 0"#),
        plugin(#""start_limit_seconds": 1e10"#), plugin(#""failure_limit": 0"#),
        plugin(#""failure_limit": 1001"#),
        plugin(#""memory_limit_mb": 0.5"#), plugin(#""prompt": "no place""#), plugin(#""prompt": """#),
        plugin(#""configuration": []"#), plugin(#""reads": "a.so""#), plugin(#""reads": [""]"#),
        plugin(version: #""share": 1.01"#), plugin(version: #""share": null"#),
        plugin(version: #""weights": """#), plugin(version: #""weights": false"#),
        plugin(version: #""weights": null, "sha256": {"weights": "\#(digest)"}"#),
        plugin(version: #""sha256": "x""#), plugin(version: #""sha256": {"library": "abc"}"#),
        plugin(version: #""sha256": {"weights": "\#(digest)"}"#),
        plugin(version: #""sha256": {"other": "x"}"#),
        plugin(version: #""self_test": {"output": "a.so"}"#), plugin(version: #""self_test": "a.so""#),
        plugin(version: #""self_test": {"input": "a.so", "x": 1}"#), plugin(version: #""colour": 1"#),
        plugin().replacingOccurrences(of: #""id": "a""#, with: #""id": "A""#),
        plugin().replacingOccurrences(of: #""id": "a""#, with: #""id": """#),
        plugin().replacingOccurrences(of: #""id": "a""#, with: #""id": "é""#),
        plugin().replacingOccurrences(of: #""modality": "image", "#, with: ""),
        plugin().replacingOccurrences(of: #"["image/png"]"#, with: "[]"),
        plugin().replacingOccurrences(of: #"["image/png"]"#, with: #"["image"]"#),
        plugin().replacingOccurrences(of: #"["image/png"]"#, with: #"["Image/png"]"#),
        plugin().replacingOccurrences(of: #"["image/png"]"#, with: #"["image/*"]"#),
        plugin().replacingOccurrences(of: #"["image/png"]"#, with: #"["image/png; q=1"]"#),
        plugin().replacingOccurrences(of: #"["image/png"]"#, with: #"[{"most_bytes": 1}]"#),
        plugin().replacingOccurrences(of: #"["image/png"]"#, with: #"[{"type": "a/b", "most_bytes": 0}]"#),
        plugin().replacingOccurrences(of: "1.0.0", with: "1.0"),
        plugin().replacingOccurrences(of: "1.0.0", with: "01.0.0"),
        plugin().replacingOccurrences(of: "1.0.0", with: "1.0.0-01"),
        plugin().replacingOccurrences(of: #""library": "a.so""#, with: #""library": """#),
        rule("1"), rule("{}"), rule(#"{"use": "on"}"#), rule(#"{"use": []}"#), rule(#"{"use": [1]}"#),
        rule(#"{"use": [{"version": "1.0.0"}]}"#), rule(#"{"use": [{"plugin": "a", "version": "1"}]}"#),
        rule(#"{"use": "off", "name": ""}"#), rule(#"{"use": "off", "then": 1}"#),
        rule(#"{"use": "off", "when": 1}"#), rule(#"{"use": "off", "when": {"size": 1}}"#),
        rule(#"{"use": "off", "when": {"media_type": "image"}}"#),
        rule(#"{"use": "off", "when": {"media_type": []}}"#), rule(#"{"use": "off", "when": {"model": 1}}"#),
        rule(#"{"use": "off", "when": {"least_bytes": 0}}"#),
        rule(#"{"use": "off", "when": {"own_encoder": "yes"}}"#),
        rule(#"{"use": "off", "when": {"headers": ["x"]}}"#),
        rule(#"{"use": "off", "when": {"headers": {"x": ""}}}"#),
        rule(#"{"use": "off", "when": {"key": []}}"#),
        rule(#"{"use": "off", "when": {"modalities": {"a": "on"}}}"#),
    ]

    @Test(arguments: good) func bothAcceptAGoodRegistry(_ text: String) throws {
        #expect(try verdicts(text) == (true, true))
    }

    @Test(arguments: bad) func bothRefuseABadRegistry(_ text: String) throws {
        #expect(try verdicts(text) == (false, false))
    }

    @Test func registryOfThisRepositoryIsGood() throws {
        let data = try Data(contentsOf: Self.file.appendingPathComponent("registry.json"))
        #expect(try Self.schema.get().accepts(try JSONValue(parsing: data)))
    }
}
