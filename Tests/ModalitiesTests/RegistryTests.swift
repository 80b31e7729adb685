import Foundation
import Modalities
import TestSupport
import Testing

@Suite struct RegistryTests {
    /// Reads `text` as a registry beside the files `good.so`, `other.so` and `weights`; the folder becomes `FOLDER`.
    private func problems(_ text: String) throws -> [String] {
        do {
            _ = try read(text)
            return []
        } catch let error as RegistryError {
            let folder = URL(fileURLWithPath: error.path).deletingLastPathComponent().path
            return error.problems.map { $0.description.replacingOccurrences(of: folder, with: "FOLDER") }
        }
    }

    private func read(_ text: String) throws -> Registry {
        try Fixtures.withFile(text) { path in
            let folder = URL(fileURLWithPath: path).deletingLastPathComponent()
            for name in ["good.so", "other.so", "weights"] {
                try Data().write(to: folder.appendingPathComponent(name))
            }
            try FileManager.default.createDirectory(
                at: folder.appendingPathComponent("folder.so"), withIntermediateDirectories: false)
            mkfifo(folder.appendingPathComponent("pipe.so").path, 0o600)
            return try Registry(contentsOf: path)
        }
    }

    /// A registry with one plugin, some of whose fields are replaced or added; `version` likewise in its version.
    private func registry(_ plugin: [String: String] = [:], version: [String: String] = [:]) -> String {
        let versionFields = ["version": #""1.0.0""#, "library": #""good.so""#].merging(version) { $1 }
        let fields = [
            "id": #""a""#, "modality": #""image""#, "accepts": #"["image/png"]"#,
            "versions": "[\(object(versionFields))]",
        ].merging(plugin) { $1 }
        return #"{"format": 1, "plugins": [\#(object(fields))], "rules": []}"#
    }

    private func object(_ fields: [String: String]) -> String {
        "{"
            + fields.sorted { $0.key < $1.key }.filter { $0.value != "-" }.map {
                "\"\($0.key)\": \($0.value)"
            }
            .joined(separator: ", ") + "}"
    }

    @Test func fieldsThatAreMissingHaveTheirDefaults() throws {
        let plugin = try read(registry()).plugins[0]
        #expect(plugin.id == "a")
        #expect(plugin.load == .onDemand)
        #expect(plugin.isolation == .worker)
        #expect(plugin.idleUnloadSeconds == 300)
        #expect(plugin.prompt == "{output}")
        #expect(plugin.configuration == "{}")
        #expect(plugin.versions.count == 1)
        #expect(plugin.defaultVersion.share == 1)
        #expect(plugin.defaultVersion.weights == nil)
        #expect(plugin.defaultVersion.librarySHA256 == nil)
        #expect(plugin.mediaTypes == ["image/png"])
        #expect(plugin.accepts[0].mostBytes == nil)
        #expect(plugin.memoryLimitMegabytes == nil)
        #expect(plugin.concurrency == 1)
        #expect(plugin.timeLimitSeconds == 120)
        #expect(plugin.startLimitSeconds == 60)
        #expect(plugin.failureLimit == 3)
        #expect(plugin.reads.isEmpty)
        #expect(plugin.defaultVersion.selfTest == nil)
    }

    @Test func everyFieldIsRead() throws {
        let plugin = try read(
            registry(
                [
                    "load": #""eager""#, "isolation": #""in-process""#, "idle_unload_seconds": "null",
                    "prompt": #""Says:\n{output}""#, "memory_limit_mb": "512", "concurrency": "2",
                    "stream_workers": "3",
                    "time_limit_seconds": "0.5", "start_limit_seconds": "null", "failure_limit": "7",
                    "accepts": #"["image/png", {"type": "image/jpeg", "most_bytes": 1000}]"#,
                    "reads": #"["folder.so", "weights"]"#,
                    "configuration": #"{"b": [1, 2.5, true, null], "a": "é"}"#,
                ],
                version: [
                    "weights": #""weights""#, "share": "0.25",
                    "sha256": #"{"library": "\#(String(repeating: "AB", count: 32))"}"#,
                    "self_test": #"{"input": "weights", "output": "good.so"}"#,
                ])
        ).plugins[0]
        #expect(plugin.load == .eager)
        #expect(plugin.isolation == .inProcess)
        #expect(plugin.idleUnloadSeconds == nil)
        #expect(plugin.prompt == "Says:\n{output}")
        #expect(plugin.configuration == #"{"a":"é","b":[1,2.5,true,null]}"#)
        #expect(plugin.defaultVersion.share == 0.25)
        #expect(plugin.mediaTypes == ["image/png", "image/jpeg"])
        #expect(plugin.accepts.map(\.mostBytes) == [nil, 1000])
        #expect(plugin.memoryLimitMegabytes == 512)
        #expect(plugin.concurrency == 2)
        #expect(plugin.streamWorkers == 3)
        #expect(plugin.timeLimitSeconds == 0.5)
        #expect(plugin.startLimitSeconds == nil)
        #expect(plugin.failureLimit == 7)
        #expect(plugin.reads.map { URL(fileURLWithPath: $0).lastPathComponent } == ["folder.so", "weights"])
        let test = try #require(plugin.defaultVersion.selfTest)
        #expect(test.input.hasSuffix("/weights") && test.output?.hasSuffix("/good.so") == true)
        #expect(plugin.defaultVersion.librarySHA256 == String(repeating: "ab", count: 32))
    }

    @Test func pathsAreRelativeToTheFile() throws {
        let version = try read(
            registry(version: ["library": #""./x/../good.so""#, "weights": #""weights""#])
        ).plugins[0].defaultVersion
        #expect(version.library.hasPrefix("/"))
        #expect(version.library.hasSuffix("/good.so"))
        #expect(!version.library.contains(".."))
        #expect(version.weights?.hasSuffix("/weights") == true)
    }

    @Test func largestShareServesByDefaultAndAmongEqualsTheNewest() throws {
        func versions(_ shares: [(String, String)]) throws -> String {
            let list = shares.map { #"{"version": "\#($0.0)", "library": "good.so", "share": \#($0.1)}"# }
            let plugin = try read(registry(["versions": "[\(list.joined(separator: ", "))]"])).plugins[0]
            return plugin.defaultVersion.version.description
        }
        #expect(try versions([("1.0.0", "0.9"), ("2.0.0", "0.1")]) == "1.0.0")
        #expect(try versions([("1.9.0", "1"), ("1.10.0", "1"), ("1.10.0-rc.1", "1")]) == "1.10.0")
    }

    @Test func newestVersionTakesItsShareFirstAndTheDefaultWhatIsLeft() throws {
        func serving(_ shares: [(String, Double)], at points: [Double]) throws -> [String] {
            let list = shares.map { #"{"version": "\#($0.0)", "library": "good.so", "share": \#($0.1)}"# }
            let plugin = try read(registry(["versions": "[\(list.joined(separator: ", "))]"])).plugins[0]
            return points.map { plugin.version(at: $0).version.description }
        }
        #expect(
            try serving([("1.0.0", 1), ("2.0.0", 0.1)], at: [0, 0.09, 0.1, 0.99])
                == ["2.0.0", "2.0.0", "1.0.0", "1.0.0"])
        #expect(
            try serving([("1.0.0", 0.3), ("2.0.0", 0.2)], at: [0.1, 0.4, 0.6]) == ["2.0.0", "1.0.0", "1.0.0"])
        #expect(try serving([("1.0.0", 1), ("2.0.0", 1)], at: [0, 0.999]) == ["2.0.0", "2.0.0"])
        #expect(try serving([("1.0.0", 0)], at: [0.5]) == ["1.0.0"])
    }

    struct Mistake: Sendable, CustomTestStringConvertible {
        let plugin: [String: String]
        let version: [String: String]
        let problem: String
        var testDescription: String { problem }

        init(_ plugin: [String: String], version: [String: String] = [:], _ problem: String) {
            self.plugin = plugin
            self.version = version
            self.problem = problem
        }
    }

    static let mistakes: [Mistake] = [
        Mistake(
            ["id": "-"], "plugins[0].id: expected an id of lower case letters, digits and -, found nothing"),
        Mistake(
            ["id": "7"],
            "plugins[0].id: expected an id of lower case letters, digits and -, found the number 7"),
        Mistake(
            ["id": #""A b""#],
            "plugins[0].id: expected an id of lower case letters, digits and -, found \"A b\""),
        Mistake(
            ["modality": "-"], "plugins[0].modality: expected a modality such as \"image\", found nothing"),
        Mistake(
            ["accepts": "[]"], "plugins[0].accepts: expected at least one media type, found an array of 0"),
        Mistake(
            [:], version: ["model_weights": #""glm4v""#],
            "plugins[0].versions[0].model_weights: expected an array of families of models, found \"glm4v\""),
        Mistake(["accepts": "{}"], "plugins[0].accepts: expected an array of media types, found an object"),
        Mistake(
            ["accepts": #"["image/png", "Image/PNG"]"#],
            "plugins[0].accepts[1]: expected a media type such as \"image/png\", lower case, found \"Image/PNG\""
        ),
        Mistake(
            ["load": #""sometimes""#],
            "plugins[0].load: expected one of \"on-demand\", \"eager\", \"manual\", found \"sometimes\""),
        Mistake(
            ["isolation": "true"],
            "plugins[0].isolation: expected one of \"worker\", \"in-process\", found true"),
        Mistake(
            ["idle_unload_seconds": "-1"],
            "plugins[0].idle_unload_seconds: expected seconds from 0, or null for never, found the number -1"),
        Mistake(
            ["accepts": #"["image/*"]"#],
            "plugins[0].accepts[0]: expected a media type such as \"image/png\", lower case, found \"image/*\""
        ),
        Mistake(
            ["accepts": #"["image/png", {"type": "image/png"}]"#],
            "plugins[0].accepts[1]: expected each media type once, found image/png a second time"),
        Mistake(
            ["accepts": #"[{"type": "image/png", "most_bytes": 0.5}]"#],
            "plugins[0].accepts[0].most_bytes: expected bytes from 1, found the number 0.5"),
        Mistake(
            ["accepts": #"[{"most_bytes": 5}]"#],
            "plugins[0].accepts[0].type: expected a media type such as \"image/png\", found nothing"),
        Mistake(
            ["memory_limit_mb": "0"],
            "plugins[0].memory_limit_mb: expected MiB from 1, found the number 0"),
        Mistake(
            ["concurrency": "65"],
            "plugins[0].concurrency: expected a number of workers from 1 to 64, found the number 65"),
        Mistake(
            ["stream_workers": "-1"],
            "plugins[0].stream_workers: expected a number of workers from 0 to 64, found the number -1"),
        Mistake(
            ["time_limit_seconds": "0"],
            "plugins[0].time_limit_seconds: expected seconds from 0.001, or null for no limit, found the number 0"
        ),
        Mistake(
            ["start_limit_seconds": #""1""#],
            "plugins[0].start_limit_seconds: expected seconds from 0.001, or null for no limit, found \"1\""),
        Mistake(
            ["failure_limit": "0"],
            "plugins[0].failure_limit: expected a number of failures from 1 to 1000, found the number 0"),
        Mistake(
            ["reads": #"["gone"]"#],
            "plugins[0].reads[0]: expected the path of a file or folder, found nothing at FOLDER/gone"),
        Mistake(
            [:], version: ["self_test": #"{"output": "weights"}"#],
            "plugins[0].versions[0].self_test.input: expected the path of a file, found nothing"),
        Mistake(
            ["prompt": #""no place""#], "plugins[0].prompt: expected a text with {output}, found \"no place\""
        ),
        Mistake(
            ["configuration": "[1]"], "plugins[0].configuration: expected an object, found an array of 1"),
        Mistake(
            ["versions": "[]"], "plugins[0].versions: expected at least one version, found an array of 0"),
        Mistake(
            ["colour": "1"],
            "plugins[0].colour: expected one of id, modality, accepts, load, isolation, idle_unload_seconds, memory_limit_mb, concurrency, stream_workers, time_limit_seconds, start_limit_seconds, failure_limit, prompt, configuration, reads, versions, found the unknown field colour"
        ),
        Mistake(
            [:], version: ["version": #""1.0""#],
            "plugins[0].versions[0].version: expected a semantic version such as \"1.0.0\", found \"1.0\""),
        Mistake(
            [:], version: ["library": "-"],
            "plugins[0].versions[0].library: expected the path of a shared library, found nothing"),
        Mistake(
            [:], version: ["library": #""gone.so""#],
            "plugins[0].versions[0].library: expected the path of a shared library, found nothing at FOLDER/gone.so"
        ),
        Mistake(
            [:], version: ["library": #""folder.so""#],
            "plugins[0].versions[0].library: expected the path of a shared library, found something that is no file at FOLDER/folder.so"
        ),
        Mistake(
            [:], version: ["library": #""pipe.so""#],
            "plugins[0].versions[0].library: expected the path of a shared library, found something that is no file at FOLDER/pipe.so"
        ),
        Mistake(
            [:], version: ["weights": #""gone""#],
            "plugins[0].versions[0].weights: expected the path of a file or folder, found nothing at FOLDER/gone"
        ),
        Mistake(
            [:], version: ["share": "2"],
            "plugins[0].versions[0].share: expected a part of the traffic, 0 to 1, found the number 2"),
        Mistake(
            [:], version: ["sha256": #"{"library": "abc"}"#],
            "plugins[0].versions[0].sha256.library: expected 64 hexadecimal digits, found \"abc\""),
        Mistake(
            [:], version: ["sha256": #"{"libary": "abc"}"#],
            "plugins[0].versions[0].sha256.libary: expected one of library, weights, found the unknown field libary"
        ),
    ]

    @Test(arguments: mistakes)
    func mistakeIsReportedWithPathExpectedAndFound(_ mistake: Mistake) throws {
        #expect(try problems(registry(mistake.plugin, version: mistake.version)) == [mistake.problem])
    }

    @Test func allMistakesAreReportedAtOnce() throws {
        let found = try problems(
            registry(["load": "3", "prompt": "0"], version: ["share": "-1", "library": #""gone""#]))
        #expect(found.count == 4)
        for place in [
            "plugins[0].load", "plugins[0].prompt", "plugins[0].versions[0].share",
            "plugins[0].versions[0].library",
        ] {
            #expect(found.contains { $0.hasPrefix(place + ":") })
        }
    }

    @Test(arguments: [
        ("{", "the document: expected valid JSON, found "),
        ("", "the document: expected valid JSON, found "),
        ("[]", "the document: expected an object, found an array of 0"),
        (#"{"format": 2, "plugins": []}"#, "format: expected 1, found the number 2"),
        (#"{"format": 1, "plugins": {}}"#, "plugins: expected an array of plugins, found an object"),
        (#"{"format": 1, "plugins": [3]}"#, "plugins[0]: expected an object, found the number 3"),
        (
            #"{"format": 1, "plugins": [], "rules": {}}"#,
            "rules: expected an array of rules, found an object"
        ),
        (
            #"{"format": 1, "plugins": [], "plugin": []}"#,
            "plugin: expected one of $schema, format, memory_budget_mb, gate_threshold, plugins, rules, found the unknown field plugin"
        ),
    ])
    func wrongDocumentIsReported(_ text: String, _ problem: String) throws {
        #expect(try problems(text).first?.hasPrefix(problem) == true)
    }

    @Test func idsAndVersionsAreUnique() throws {
        let one =
            #"{"id": "a", "modality": "m", "accepts": ["a/b"], "versions": [{"version": "1.0.0", "library": "good.so"}, {"version": "1.0.0", "library": "other.so"}]}"#
        #expect(
            try problems(#"{"format": 1, "plugins": [\#(one), \#(one)]}"#) == [
                "plugins[0].versions[1].version: expected a version of its own, found 1.0.0 a second time",
                "plugins[1].versions[1].version: expected a version of its own, found 1.0.0 a second time",
                "plugins[1].id: expected an id of its own, found \"a\" a second time",
            ])
    }

    @Test func unreadableFileIsNamed() throws {
        #expect {
            try Registry(contentsOf: "/nowhere/registry.json")
        } throws: {
            "\($0)".hasPrefix("/nowhere/registry.json: the document: expected a readable file, found ")
        }
    }

    /// Whatever the bytes, reading ends with a registry or a list of problems.
    @Test func damagedFileIsReportedAndNothingElse() throws {
        let good = registry(["configuration": #"{"a": [1, "é"]}"#], version: ["share": "0.5"])
        var generator = SplitMix64(state: 1)
        for _ in 0..<300 {
            var bytes = Array(good.utf8)
            for _ in 0..<Int.random(in: 1...3, using: &generator) {
                bytes[Int.random(in: 0..<bytes.count, using: &generator)] = UInt8.random(
                    in: 0...255, using: &generator)
            }
            let text = String(
                decoding: bytes.prefix(Int.random(in: 1...bytes.count, using: &generator)), as: UTF8.self)
            #expect(throws: Never.self) { _ = try problems(text) }
        }
    }
}
