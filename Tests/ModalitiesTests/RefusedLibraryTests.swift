import Digest
import Foundation
import Modalities
import PluginHost
import Testing

extension RealWorkers {
    /// Libraries that are not for this host, or not what the registry says, are refused by name.
    @Suite struct RefusedLibraryTests {
        @Test(arguments: [
            (
                "other-minor",
                "built for plugin ABI 1.1, this host has 1.0; build it again with this host's SDK"
            ),
            (
                "other-major",
                "built for plugin ABI 2.0, this host has 1.0; build it again with this host's SDK"
            ),
            ("wrong-magic", "the entry block's magic is 0x1234, expected 0x45534845544147"),
            ("short-struct", "the entry block's struct_size is 40, expected 88"),
            ("missing-function", "a function of the entry block that must be set is NULL"),
            ("null-entry", "gatehouse_plugin_entry returned NULL"),
            ("no-entry", "does not export gatehouse_plugin_entry, so it is no Gatehouse plugin"),
            ("bad-descriptor", "descriptor 0 is incomplete or of another size"),
            ("text", "it is no shared library"),
            ("cut", "it is cut short: it ends before the segments that its header names"),
            ("other-processor", "it is built for another processor: its ELF machine is 8, this host's is "),
        ])
        func reasonIsSaid(_ name: String, _ reason: String) async throws {
            let bench = try Bench()
            let library = try Fixtures.library(name)
            for isolation in OutputTests.isolations {
                let failure = await bench.failure(
                    try Fixtures.plugin("x-\(isolation)", isolation: isolation, library: library))
                #expect(failure?.reason == .refused)
                let message = try #require(failure?.message)
                #expect(message.hasPrefix("loading plugin x-\(isolation) 1.0.0: "))
                #expect(message.contains(library))
                #expect(message.contains(reason))
            }
            await bench.supervisor.stop()
        }

        @Test func failedInitialisationTellsWhy() async throws {
            let bench = try Bench()
            let library = try Fixtures.library("no-initialize")
            let failure = await bench.failure(try Fixtures.plugin("x", library: library))
            #expect(
                failure?.message
                    == "loading plugin x 1.0.0: \(library): initialising: the licence file is missing")
            await bench.supervisor.stop()
        }

        @Test func unknownPluginNamesThoseTheLibraryHolds() async throws {
            let bench = try Bench()
            let failure = try #require(await bench.failure(try Fixtures.plugin("typo")))
            #expect(failure.reason == .refused)
            #expect(failure.message.contains("holds no plugin \"typo\"; it holds \"echo\", "))
            await bench.supervisor.stop()
        }

        @Test func digestThatMatchesIsTaken() async throws {
            let bench = try Bench()
            let digest = try SHA256.ofFile(try Fixtures.library())
            let echo = try Fixtures.plugin(
                "echo", versionExtra: #", "sha256": {"library": "\#(digest.uppercased())"}"#)
            #expect(try await bench.text(echo, "x") == "x")
            await bench.supervisor.stop()
        }

        @Test func libraryOfAnotherDigestIsRefusedByNameAndNotStarted() async throws {
            let bench = try Bench()
            let library = try Fixtures.library()
            let expected = String(repeating: "0", count: 64)
            let echo = try Fixtures.plugin("echo", versionExtra: #", "sha256": {"library": "\#(expected)"}"#)
            let before = Set(workerProcesses())
            let failure = try #require(await bench.failure(echo))
            let found = try SHA256.ofFile(library)
            #expect(failure.reason == .refused)
            #expect(
                failure.message
                    == "\(library): the registry's sha256.library is \(expected), the file's is \(found)")
            #expect(Set(workerProcesses()).subtracting(before).isEmpty)
        }

        @Test func weightsOfAnotherDigestAreRefusedByName() async throws {
            let bench = try Bench()
            // Any file that is there will do as weights.
            let weights = try Fixtures.library("text")
            let expected = String(repeating: "a", count: 64)
            let echo = try Fixtures.plugin(
                "echo", versionExtra: #", "weights": "\#(weights)", "sha256": {"weights": "\#(expected)"}"#)
            let failure = try #require(await bench.failure(echo))
            #expect(failure.reason == .refused)
            #expect(
                failure.message.hasPrefix(
                    "\(weights): the registry's sha256.weights is \(expected), the file's is "))
        }
    }
}
