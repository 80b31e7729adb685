import Digest
import Foundation
import Modalities
import PluginHost
import Testing

extension RealWorkers {
    /// What a broken plugin does to the request that met it, to the next, and to nobody else.
    @Suite struct FaultTests {
        @Test func endlessLoopIsEndedAtItsTimeLimit() async throws {
            let bench = try Bench()
            let loop = try Fixtures.plugin("loop", extra: #", "time_limit_seconds": 0.1"#)
            let failure = try #require(await bench.failure(loop))
            #expect(failure.reason == .timedOut)
            #expect(failure.message == "plugin loop 1.0.0: the call took longer than its limit of 0.1 s")
            #expect(workerProcesses().isEmpty)
            await bench.supervisor.stop()
        }

        /// A plugin that looks at its job ends by itself, and its worker lives.
        @Test func pluginSeesTheDeadlineOfItsCall() async throws {
            let bench = try Bench()
            let slow = try Fixtures.plugin("slow", extra: #", "time_limit_seconds": 0.2"#)
            #expect(try await bench.text(slow, "go") == "went")
            let process = try await bench.process(slow)
            #expect(await bench.failure(slow)?.reason == .timedOut)
            #expect(try await bench.process(slow) == process)
            await bench.supervisor.stop()
        }

        @Test func startThatHangsIsEndedAtItsTimeLimit() async throws {
            let bench = try Bench()
            let hang = try Fixtures.plugin("hang-in-create", extra: #", "start_limit_seconds": 0.2"#)
            let failure = try #require(await bench.failure(hang))
            #expect(failure.reason == .timedOut)
            #expect(
                failure.message
                    == "loading plugin hang-in-create 1.0.0: it was not ready within 0.2 s, so its worker was ended"
            )
            #expect(workerProcesses().isEmpty)
            await bench.supervisor.stop()
        }

        @Test func memoryPastTheLimitEndsTheWorkerAndItsCallAlone() async throws {
            let bench = try Bench()
            let hoard = try Fixtures.plugin(
                "hoard", extra: #", "memory_limit_mb": 64, "time_limit_seconds": 30"#)
            let echo = try Fixtures.plugin("echo")
            #expect(try await bench.text(echo, "before") == "before")
            let process = try await bench.process(echo)
            let failure = try #require(await bench.failure(hoard))
            #expect(failure.reason == .memoryLimit)
            #expect(failure.message.contains("more than memory_limit_mb (64)"))
            #expect(try await bench.text(echo, "after") == "after")
            #expect(try await bench.process(echo) == process)
            await bench.supervisor.stop()
        }

        @Test func memoryAskedForAtOnceFarBeyondTheLimitIsRefusedToThePlugin() async throws {
            let bench = try Bench()
            let bounded = try Fixtures.plugin("reserve", extra: #", "memory_limit_mb": 64"#)
            #expect(try await bench.text(bounded) == "refused")
            await bench.supervisor.stop()
            let free = try Bench()
            #expect(try await free.text(try Fixtures.plugin("reserve")) == "granted")
            await free.supervisor.stop()
        }

        @Test func workersHaveTheLowestPriority() async throws {
            let bench = try Bench()
            let slow = try Fixtures.plugin("slow")
            let call = Task { await bench.failure(slow) }
            try await eventually("the encode begins") { bench.hasLogged("slow: began") }
            let process = try await bench.process(slow)
            let which = __priority_which_t(PRIO_PROCESS.rawValue)
            for thread in try FileManager.default.contentsOfDirectory(atPath: "/proc/\(process)/task") {
                let id = try #require(id_t(thread))
                #expect(getpriority(which, id) == 19)
            }
            call.cancel()
            _ = await call.value
            await bench.supervisor.stop()
        }

        @Test(arguments: ["worker", "in-process"])
        func pluginThatCallsAfterItsDestroyIsNotHeard(_ isolation: String) async throws {
            let bench = try Bench()
            let haunt = try Fixtures.plugin("haunt", isolation: isolation, idle: "0.05")
            #expect(try await bench.text(haunt) == "boo")
            try await eventually("it speaks") { bench.hasLogged("haunt: still here") }
            try await eventually("it is unloaded") { await bench.status(haunt)?.state == .unloaded }
            // In the host its thread goes on, beside others that are lent what it had.
            let echo = try Fixtures.plugin("echo", isolation: isolation)
            for number in 0..<50 { #expect(try await bench.text(echo, "\(number)") == "\(number)") }
            await bench.supervisor.stop()
        }

        @Test func floodOfLogLinesIsCutAndTheCallSucceeds() async throws {
            let bench = try Bench()
            let chatter = try Fixtures.plugin("chatter", idle: "0")
            #expect(try await bench.text(chatter, "said") == "said")
            try await eventually("what was dropped is told") { bench.logged("lines dropped").count >= 1 }
            // One second's worth, and another for each second that the call may have gone on.
            #expect(bench.logged("chatter: line").count < 5000)
            await bench.supervisor.stop()
        }

        @Test func crashOfOneCallTouchesNoOther() async throws {
            let bench = try Bench()
            let touchy = try Fixtures.plugin("touchy", extra: #", "concurrency": 2"#)
            let slow = try Fixtures.plugin("slow")
            let other = Task { try await bench.text(slow, "wait") }
            #expect(try await bench.text(touchy, "fine") == "fine")
            #expect(await bench.failure(touchy, "crash")?.reason == .crashed)
            #expect(try await bench.text(touchy, "fine") == "fine")
            other.cancel()
            await bench.supervisor.stop()
        }

        @Test func repeatedFailureBacksOffThenTakesTheVersionOutUntilTheOperatorLoadsIt() async throws {
            let bench = try Bench()
            let touchy = try Fixtures.plugin("touchy", extra: #", "failure_limit": 3"#)
            #expect(await bench.failure(touchy, "crash")?.reason == .crashed)
            #expect(await bench.status(touchy)?.state == .unloaded)
            #expect(await bench.failure(touchy, "crash")?.reason == .crashed)
            #expect(await bench.status(touchy)?.state == .backingOff)
            let refused = try #require(await bench.failure(touchy, "fine"))
            #expect(refused.reason == .unavailable)
            #expect(
                refused.message.contains(
                    "after 2 failures in a row; the last: plugin touchy 1.0.0: its worker"))
            try await eventually("the wait is over") {
                if await bench.failure(touchy, "crash")?.reason == .crashed { return true }
                return false
            }
            #expect(await bench.status(touchy)?.state == .outOfService)
            let out = try #require(await bench.failure(touchy, "fine"))
            #expect(out.reason == .unavailable)
            #expect(out.message.contains("plugin touchy 1.0.0 is out of service after 3 failures in a row"))
            try await bench.supervisor.load(touchy, touchy.defaultVersion)
            #expect(try await bench.text(touchy, "fine") == "fine")
            await bench.supervisor.stop()
        }

        /// The old worker's failure must not count against the new chance.
        @Test func versionIsReinstatedWhileAWorkerOfBeforeIsStillBusy() async throws {
            let bench = try Bench()
            let plugin = try Fixtures.plugin("touchy-slow", extra: #", "failure_limit": 1, "concurrency": 2"#)
            let busy = Task { await bench.failure(plugin, "wait") }
            try await eventually("the encode begins") { bench.hasLogged("touchy-slow: began") }
            let old = try await bench.process(plugin)
            #expect(await bench.failure(plugin, "crash")?.reason == .crashed)
            #expect(await bench.status(plugin)?.state == .outOfService)
            #expect(exists(old))
            async let loaded: Void = bench.supervisor.load(plugin, plugin.defaultVersion)
            kill(old, SIGKILL)
            #expect(await busy.value?.reason == .crashed)
            try await loaded
            #expect(try await bench.text(plugin, "fine") == "fine")
            #expect(await bench.status(plugin)?.state == .ready)
            await bench.supervisor.stop()
        }

        @Test func refusedInputNeverTakesAVersionOut() async throws {
            let bench = try Bench()
            let refuse = try Fixtures.plugin("refuse", extra: #", "failure_limit": 2"#)
            for _ in 0..<5 { #expect(await bench.failure(refuse)?.reason == .badInput) }
            #expect(await bench.status(refuse)?.state == .ready)
            await bench.supervisor.stop()
        }

        @Test func libraryThatChangesWhileLoadedServesOnAndIsRefusedAfterwards() async throws {
            let bench = try Bench()
            let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            defer { try? FileManager.default.removeItem(at: folder) }
            let copy = folder.appendingPathComponent("copy.so")
            try FileManager.default.copyItem(at: URL(fileURLWithPath: try Fixtures.library()), to: copy)
            let digest = try SHA256.ofFile(copy.path)
            let echo = try Fixtures.plugin(
                "echo", library: copy.path, versionExtra: #", "sha256": {"library": "\#(digest)"}"#)
            #expect(try await bench.text(echo, "one") == "one")
            try Data("other".utf8).write(to: copy, options: .atomic)
            #expect(try await bench.text(echo, "two") == "two")
            kill(try await bench.process(echo), SIGKILL)
            try await eventually("the death is noticed") { await bench.status(echo)?.state == .unloaded }
            let failure = try #require(await bench.failure(echo))
            #expect(failure.reason == .refused)
            #expect(failure.message.contains("the registry's sha256.library is \(digest)"))
            await bench.supervisor.stop()
        }

        @Test func concurrencyIsTheNumberOfWorkersWithOneCallEach() async throws {
            let bench = try Bench()
            let slow = try Fixtures.plugin("slow", extra: #", "concurrency": 3"#)
            let calls = (0..<5).map { _ in Task { await bench.failure(slow) } }
            try await eventually("three calls run, two wait") {
                let status = await bench.status(slow)
                return status?.running == 3 && status?.waiting == 2
            }
            #expect(Set(await bench.status(slow)?.processIDs ?? []).count == 3)
            #expect(workerProcesses().count == 3)
            for call in calls { call.cancel() }
            for call in calls { #expect(await call.value?.reason == .cancelled) }
            await bench.supervisor.stop()
        }

        @Test func theIdleOneGoesWhereTheBudgetIsFullAndABusyOneIsAnErrorThatSaysSo() async throws {
            let bench = try Bench()
            await bench.supervisor.configure(memoryBudgetMegabytes: 100)
            let first = try Fixtures.plugin("echo", extra: #", "memory_limit_mb": 60"#)
            let second = try Fixtures.plugin("slow", extra: #", "memory_limit_mb": 60"#)
            #expect(try await bench.text(first, "a") == "a")
            #expect(try await bench.text(second, "go") == "went")
            #expect(await bench.status(first)?.state == .unloaded)
            let call = Task { await bench.failure(second) }
            try await eventually("the encode begins") { bench.hasLogged("slow: began") }
            let failure = try #require(await bench.failure(first))
            #expect(failure.reason == .unavailable)
            #expect(
                failure.message
                    == "plugin echo 1.0.0 needs 60 MiB; of the memory budget of 100 MiB, 60 MiB are in use")
            call.cancel()
            _ = await call.value
            #expect(try await bench.text(first, "b") == "b")
            await bench.supervisor.stop()
        }

        @Test func selfTestHoldsTheOutputToWhatTheRegistryExpects() async throws {
            let bench = try Bench()
            let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            defer { try? FileManager.default.removeItem(at: folder) }
            let input = folder.appendingPathComponent("in.txt")
            let output = folder.appendingPathComponent("out.txt")
            try "sample".write(to: input, atomically: false, encoding: .utf8)
            try "sample\n".write(to: output, atomically: false, encoding: .utf8)
            let extra = #", "self_test": {"input": "\#(input.path)", "output": "\#(output.path)"}"#
            let good = try Fixtures.plugin("echo", versionExtra: extra)
            #expect(try await bench.text(good, "x") == "x")
            // The calls of the self-test are not the clients'.
            #expect(await bench.status(good)?.counts.calls == 1)
            let bad = try Fixtures.plugin("facts", versionExtra: extra)
            let failure = try #require(await bench.failure(bad))
            #expect(failure.reason == .violation)
            #expect(
                failure.message.hasPrefix(
                    "self-test of plugin facts 1.0.0: expected \"sample\", found \"threads"))
            await bench.supervisor.stop()
        }
    }
}
