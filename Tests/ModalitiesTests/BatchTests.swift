import Foundation
import Modalities
import PluginHost
import Testing

extension RealWorkers {
    /// Plugins that take several calls at once, and what becomes of them where one ends the worker.
    @Suite struct BatchTests {
        /// Calls that come while a worker has one, after it has begun: they wait in the worker, as one batch.
        private func batch(
            _ bench: Bench, _ plugin: RegisteredPlugin, behind first: String, _ texts: [String]
        ) async throws -> (first: Task<PluginFailure?, Never>, others: [Task<String, Never>]) {
            let first = Task { await bench.failure(plugin, first) }
            try await eventually("the first call begins") { bench.hasLogged("\(plugin.id): began") }
            var others: [Task<String, Never>] = []
            for text in texts {
                others.append(
                    Task {
                        do {
                            return try await bench.text(plugin, text)
                        } catch {
                            return "failed: \(error)"
                        }
                    })
                // One after the other: tasks that start together reach the worker in any order.
                try await eventually("\(text) is in the worker") {
                    await bench.status(plugin)?.running == 1 + others.count
                }
            }
            return (first, others)
        }

        @Test func callsThatComeDuringAnotherMakeOneBatch() async throws {
            let bench = try Bench()
            let plugin = try Fixtures.plugin("batch")
            let calls = try await batch(bench, plugin, behind: "hold", ["a", "b", "c"])
            #expect(workerProcesses().count == 1)
            calls.first.cancel()
            #expect(await calls.first.value?.reason == .cancelled)
            for (call, text) in zip(calls.others, ["a", "b", "c"]) { #expect(await call.value == text) }
            #expect(bench.hasLogged("batch: batch of 3"))
            let status = try #require(await bench.status(plugin))
            #expect(status.counts.errors == 0)
            #expect(status.running == 0)
            await bench.supervisor.stop()
        }

        @Test func moreCallsThanABatchTakesWaitTheirTurn() async throws {
            let bench = try Bench()
            let plugin = try Fixtures.plugin("batch")
            let calls = try await batch(bench, plugin, behind: "hold", ["a", "b", "c"])
            let fifth = Task { try await bench.text(plugin, "e") }
            try await eventually("the fifth waits") { await bench.status(plugin)?.waiting == 1 }
            calls.first.cancel()
            #expect(try await fifth.value == "e")
            for call in calls.others { #expect(await !call.value.hasPrefix("failed")) }
            await bench.supervisor.stop()
        }

        @Test func oneThatIsRefusedOrCancelledEndsAlone() async throws {
            let bench = try Bench()
            let plugin = try Fixtures.plugin("batch")
            let calls = try await batch(bench, plugin, behind: "hold", ["refuse", "b", "hold"])
            // The last has not begun: it need not wait for those before it.
            calls.others[2].cancel()
            #expect(await calls.others[2].value.hasSuffix("cancelled"))
            calls.first.cancel()
            #expect(await calls.others[0].value == "failed: plugin batch 1.0.0: this one is refused")
            #expect(await calls.others[1].value == "b")
            await bench.supervisor.stop()
        }

        @Test func whatACrashTookAlongIsMadeAgainAloneAndOnlyTheCulpritFails() async throws {
            let bench = try Bench()
            let plugin = try Fixtures.plugin("batch")
            let calls = try await batch(bench, plugin, behind: "hold", ["a", "crash", "c"])
            let worker = try await bench.process(plugin)
            calls.first.cancel()
            #expect(await calls.others[0].value == "a")
            #expect(await calls.others[2].value == "c")
            let culprit = await calls.others[1].value
            #expect(culprit.contains("was ended by signal 6"))
            // Its message is of the second crash, which it met alone.
            #expect(!culprit.contains("process \(worker))"))
            #expect(bench.logged("each is made again, alone").count == 3)
            #expect(bench.logged("batch of").count == 1)
            let status = try #require(await bench.status(plugin))
            #expect(status.counts.errors == 1)
            #expect(status.state != .outOfService)
            await bench.supervisor.stop()
        }

        @Test func severalCulpritsDoNotTakeTheSecondTryFromTheInnocent() async throws {
            let bench = try Bench()
            let plugin = try Fixtures.plugin("batch", extra: #", "failure_limit": 5"#)
            let calls = try await batch(bench, plugin, behind: "hold", ["crash", "crash", "c"])
            calls.first.cancel()
            #expect(await calls.others[0].value.contains("was ended by signal 6"))
            #expect(await calls.others[1].value.contains("was ended by signal 6"))
            #expect(await calls.others[2].value == "c")
            await bench.supervisor.stop()
        }

        @Test func oneThatHangsIsEndedAndThoseBehindItAreMadeAgain() async throws {
            let bench = try Bench()
            let plugin = try Fixtures.plugin("batch", extra: #", "time_limit_seconds": 2"#)
            let calls = try await batch(bench, plugin, behind: "loop", ["a", "b"])
            let failure = try #require(await calls.first.value)
            #expect(failure.reason == .timedOut)
            #expect(failure.message.contains("longer than its limit of 2.0 s"))
            #expect(await calls.others[0].value == "a")
            #expect(await calls.others[1].value == "b")
            await bench.supervisor.stop()
        }

        @Test func workerKilledUnderSeveralCallsFailsNone() async throws {
            let bench = try Bench()
            let plugin = try Fixtures.plugin("batch", extra: #", "concurrency": 2"#)
            // Two workers hold; what comes then joins them.
            let holds = (0..<2).map { _ in Task { await bench.failure(plugin, "hold") } }
            try await eventually("both hold") { bench.logged("began").count == 2 }
            let others = (0..<4).map { number in Task { try await bench.text(plugin, "call \(number)") } }
            try await eventually("all are in the workers") { await bench.status(plugin)?.running == 6 }
            let workers = try #require(await bench.status(plugin)?.processIDs)
            #expect(workers.count == 2)
            for worker in workers { kill(worker, SIGKILL) }
            try await eventually("the second tries hold") { bench.logged("began").count == 4 }
            for hold in holds { hold.cancel() }
            for (number, other) in others.enumerated() { #expect(try await other.value == "call \(number)") }
            for hold in holds { #expect(await hold.value?.reason == .cancelled) }
            await bench.supervisor.stop()
        }

        @Test func statusThatAPluginDoesNotWriteIsAViolationOfThatCall() async throws {
            let bench = try Bench()
            let plugin = try Fixtures.plugin("half-batch")
            let calls = try await batch(bench, plugin, behind: "hold", ["a", "b"])
            calls.first.cancel()
            #expect(await calls.others[0].value == "a")
            #expect(await calls.others[1].value.contains("which is no status of the ABI"))
            await bench.supervisor.stop()
        }

        @Test func extensionOfAnotherShapeIsRefused() async throws {
            let bench = try Bench()
            let failure = try #require(await bench.failure(try Fixtures.plugin("small-batch")))
            #expect(failure.reason == .violation)
            #expect(
                failure.message.contains("its extension gatehouse.batch/1 is incomplete or of another size"))
            await bench.supervisor.stop()
        }

        @Test(arguments: ["worker", "in-process"])
        func pluginJudgesItselfBeforeItTakesCalls(_ isolation: String) async throws {
            let bench = try Bench()
            let sound = try Fixtures.plugin("tests-itself", isolation: isolation)
            #expect(try await bench.text(sound, "a") == "a")
            #expect(try await bench.text(sound, "b") == "b")
            #expect(bench.logged("tests-itself: tested").count == 1)
            let unsound = try Fixtures.plugin("doubts-itself", isolation: isolation)
            let failure = try #require(await bench.failure(unsound))
            #expect(failure.reason == .failed)
            #expect(
                failure.message.hasPrefix("self-test of plugin doubts-itself 1.0.0: ")
                    && failure.message.hasSuffix("the letter A came out as B"))
            await bench.supervisor.stop()
        }

        @Test func versionThatDoubtsItselfLeavesTheOldOneServing() async throws {
            let house = try House([("1.0.0", "tests-itself", 1)])
            #expect(try await house.ask() == "1.0.0")
            // The same plugin id, of a library whose plugin fails its self-test.
            try await house.write([("2.0.0", "tests-itself", 1)], library: Fixtures.library("doubting"))
            #expect(try await house.ask() == "1.0.0")
            #expect(house.hasLogged("the letter A came out as B"))
            await house.stop()
        }
    }
}
