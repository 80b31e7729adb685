import Foundation
import Testing

/// A stranger's way: install the SDK, begin a project in an empty folder, build it, test it, check it.
@Suite(.serialized) struct InstalledSDKTests {
    @Test(arguments: ["c", "cpp", "rust", "swift"])
    func aNewProjectBuildsWithTheInstalledSDKAloneAndPassesTheCheck(_ language: String) throws {
        let workshop = try Workshop()
        if language == "rust", try workshop.run("/usr/bin/env", ["sh", "-c", "command -v cargo"]).code != 0 {
            print("cargo is not installed: the Rust template was not tried")
            return
        }
        let prefix = workshop.folder.appendingPathComponent("prefix").path
        let build = Workshop.checker.deletingLastPathComponent().deletingLastPathComponent().path
        let script = Workshop.sdk.appendingPathComponent("install.sh").path
        let installed = try workshop.run("/usr/bin/env", ["GATEHOUSE_BUILD=\(build)", "sh", script, prefix])
        try #require(installed.code == 0, "\(installed.output)")

        let program = "\(prefix)/bin/gatehouse-plugin"
        let made = try workshop.run(program, ["new", "LineTeller", "--language", language])
        try #require(made.code == 0, "\(made.output)")
        let (commands, library, input) = steps(language)
        for command in commands {
            let result = try workshop.run(
                "/usr/bin/env", ["sh", "-c", command], in: "LineTeller", prefix: prefix)
            try #require(result.code == 0, "\(command): \(result.output)")
        }
        let checked = try workshop.run(
            program, ["check", library, "--input", input], in: "LineTeller")
        #expect(checked.code == 0, "\(checked.output)")
        #expect(checked.output.contains("plugin line-teller"))
    }

    @Test func theRustBindingsAreThoseOfTheHeader() throws {
        let script = Workshop.sdk.appendingPathComponent("Scripts/make_rust_bindings.py").path
        let file = Workshop.sdk.appendingPathComponent("Templates/rust/src/gatehouse.rs")
        let made = try Workshop().run("/usr/bin/env", ["python3", script])
        #expect(try made.output == String(contentsOf: file, encoding: .utf8))
    }

    /// What builds and tests a project, where the library lies then, and an input for it.
    private func steps(_ language: String) -> ([String], String, String) {
        switch language {
        case "rust":
            (
                ["cargo build --release --offline", "cargo test --offline"],
                "target/release/libline_teller.so", "tests/sample.txt"
            )
        case "swift": (["swift build -c release"], ".build/release/libLineTeller.so", "sample.txt")
        default: (["make", "make test"], "build/libline-teller.so", "Tests/sample.txt")
        }
    }
}
