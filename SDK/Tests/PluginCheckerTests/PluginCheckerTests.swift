import Foundation
import Testing

/// The checker, run over a plugin that breaks one rule at a time.
@Suite struct PluginCheckerTests {
    @Test func aGoodPluginPasses() throws {
        let report = try Workshop().check("none")
        #expect(report.failed.isEmpty)
        #expect(report.skipped.isEmpty)
        #expect(report.code == 0)
        #expect(report.ids.count >= 30)
        #expect(Set(report.ids) == Set(Self.breaks), "every test has a break that it sees")
    }

    /// A test of the checker, and no other, fails where its rule is broken.
    @Test(arguments: breaks) func aBreakIsSeenByItsTestAlone(_ id: String) throws {
        let report = try Workshop().check(id)
        #expect(report.failed.map(\.id) == [id])
        #expect(report.failed.allSatisfy { !$0.message.isEmpty && $0.mend?.isEmpty == false })
        #expect(report.code == 1)
    }

    @Test func withoutInputAndWeightsTheirTestsAreSkipped() throws {
        let report = try Workshop().check("none", withFiles: false)
        #expect(report.failed.isEmpty && report.code == 0)
        #expect(report.skipped.contains("encode") && report.skipped.contains("weights-cut"))
        #expect(!report.skipped.contains("input-noise"))
    }

    @Test func whatIsNoLibraryIsRefusedInWords() throws {
        let workshop = try Workshop()
        let file = workshop.folder.appendingPathComponent("text.so")
        try Data("This is no library".utf8).write(to: file)
        let report = try workshop.check(library: file)
        #expect(report.failed.map(\.id) == ["opens"])
        #expect(throws: (any Error).self) {
            try workshop.check(library: URL(fileURLWithPath: "/nonexistent.so"))
        }
    }

    /// Built against the header that was kept with it, as an author's was when 1.0 was new.
    @Test func aPluginOfTheFrozenABIStillPasses() throws {
        let workshop = try Workshop()
        let frozen = Workshop.tests.appendingPathComponent("Frozen/1.0")
        let library = workshop.folder.appendingPathComponent("frozen.so")
        let built = try workshop.run(
            "/usr/bin/env",
            [
                "cc", "-std=c11", "-fPIC", "-shared", "-fvisibility=hidden", "-I", frozen.path,
                frozen.appendingPathComponent("plugin.c").path, "-o", library.path,
            ])
        try #require(built.code == 0, "\(built.output)")
        let input = frozen.appendingPathComponent("plugin.c").path
        let checked = try workshop.run(
            Workshop.checker.path, ["check", library.path, "--input", input, "--media-type", "text/plain"])
        #expect(checked.code == 0, "\(checked.output)")
    }

    /// The names in the fixture's enum, as the checker writes them.
    static let breaks: [String] = {
        let source = (try? String(contentsOf: Workshop.fixture, encoding: .utf8)) ?? ""
        let body = source.firstMatch(of: /enum Break \{([^}]*)\}/).map { String($0.1) } ?? ""
        return body.split(whereSeparator: { ", \n".contains($0) }).map {
            String($0).replacing("_", with: "-")
        }.filter { $0 != "none" }
    }()
}

/// What `check --json` printed.
struct CheckReport: Decodable {
    struct Entry: Decodable {
        let id: String
        let result: String
        let message: String
        let mend: String?
    }

    let tests: [Entry]
    var code: Int32 = 0

    enum CodingKeys: CodingKey { case tests }

    var ids: [String] { tests.map(\.id) }
    var failed: [Entry] { tests.filter { $0.result == "failed" } }
    var skipped: [String] { tests.filter { $0.result == "skipped" }.map(\.id) }
}

/// A folder in which fixtures are built and checked.
final class Workshop {
    static let tests = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    static let sdk = tests.deletingLastPathComponent()
    static let fixture = tests.appendingPathComponent("Fixtures/broken.c")
    /// Built beside the tests.
    static let checker = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        .deletingLastPathComponent().appendingPathComponent("gatehouse-plugin")

    let folder: URL

    init() throws {
        folder = FileManager.default.temporaryDirectory.appendingPathComponent("checker-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(at: folder) }

    /// Builds the fixture with the break that is named after a test, and checks it.
    func check(_ id: String, withFiles: Bool = true) throws -> CheckReport {
        let library = folder.appendingPathComponent("broken.so")
        let flags =
            switch id {
            case "opens": ["-DUNDEFINED"]
            case "run-path": ["-Wl,-rpath,/nowhere"]
            default: [String]()
            }
        let visibility = id == "one-symbol" ? "default" : "hidden"
        let built = try run(
            "/usr/bin/env",
            [
                "cc", "-std=c11", "-O1", "-Wall", "-Wextra", "-Werror", "-fPIC", "-shared",
                "-fvisibility=hidden",
                "-I", Self.sdk.appendingPathComponent("Sources/CGatehouse/include").path,
                "-DBREAK=\(id.replacing("-", with: "_"))", "-DVISIBILITY=\"\(visibility)\"",
                Self.fixture.path, "-o", library.path, "-lpthread",
            ] + flags)
        try #require(built.code == 0, "\(built.output)")
        return try check(library: library, withFiles: withFiles)
    }

    func check(library: URL, withFiles: Bool = true) throws -> CheckReport {
        var words = ["check", library.path, "--json"]
        if withFiles {
            let input = folder.appendingPathComponent("input.txt")
            let weights = folder.appendingPathComponent("weights.bin")
            try Data("# one line that a test cuts in quarters\n".utf8).write(to: input)
            try (Data("FIXTURE\n".utf8) + Data(count: 1016)).write(to: weights)
            words += ["--input", input.path, "--weights", weights.path]
        }
        let checked = try run(Self.checker.path, words)
        var report = try JSONDecoder().decode(CheckReport.self, from: Data(checked.output.utf8))
        report.code = checked.code
        return report
    }

    /// Runs a program in the folder; its output is both streams.
    func run(_ program: String, _ words: [String], in place: String? = nil, prefix: String? = nil) throws
        -> (code: Int32, output: String)
    {
        let process = Process()
        let output = Pipe()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = words
        process.currentDirectoryURL = place.map { folder.appendingPathComponent($0) } ?? folder
        if let prefix {
            process.environment = ProcessInfo.processInfo.environment.merging(["PREFIX": prefix]) { $1 }
        }
        process.standardOutput = output
        process.standardError = output
        try process.run()
        let said = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        return (process.terminationStatus, said)
    }
}
