import Foundation
import Modalities
import PluginHost
import Synchronization
import Testing

extension RealWorkers {
    /// Versions that come and go while requests are answered.
    @Suite struct LiveRegistryTests {
        @Test func swapHandsNewRequestsToTheNewVersionAndEndsTheOldOne() async throws {
            let house = try House([("1.0.0", "answer-late", 1)])
            #expect(try await house.ask() == "1.0.0")
            let old = workerProcesses()
            try await house.write([("2.0.0", "answer-late", 1), ("1.0.0", "answer-late", 0)])
            #expect(house.live.current.plugins[0].defaultVersion.version.description == "2.0.0")
            try await eventually("the old worker ends") { old.allSatisfy { !exists($0) } }
            let answer = try await house.answer()
            #expect(answer.version == "2.0.0")
            // Loaded before it was switched to.
            #expect(answer.1.loadMilliseconds == 0)
            await house.stop()
        }

        @Test func callInTheOldVersionIsFinished() async throws {
            let house = try House([("1.0.0", "slow", 1)])
            let call = Task { try await house.ask() }
            try await eventually("the encode begins") { house.hasLogged("slow: began") }
            let old = workerProcesses()
            try await house.write([("2.0.0", "slow", 1)])
            let status = await house.live.supervisor.status().first { $0.version.description == "1.0.0" }
            #expect(status?.state == .draining)
            #expect(old.allSatisfy { exists($0) })
            call.cancel()
            await #expect(throws: PluginFailure.self) { try await call.value }
            try await eventually("the old worker ends") { old.allSatisfy { !exists($0) } }
            await house.stop()
        }

        @Test func versionThatDoesNotStartLeavesTheOldOneServing() async throws {
            let house = try House([("1.0.0", "answer-late", 1)])
            #expect(try await house.ask() == "1.0.0")
            let library = try Fixtures.library("other-major")
            try await house.write([("2.0.0", "answer-late", 1)], library: library)
            #expect(try await house.ask() == "1.0.0")
            #expect(await house.live.counts.failedSwaps == ["answer-late": 1])
            #expect(house.hasLogged("the version before it serves on"))
            await house.stop()
        }

        @Test func invalidRegistryChangesNothingAndIsLoggedAndCounted() async throws {
            let house = try House([("1.0.0", "answer-late", 1)])
            #expect(try await house.ask() == "1.0.0")
            try await eventually("the workers of other tests are gone") { workerProcesses().count == 1 }
            let processes = workerProcesses()
            try "{\"format\": 1, \"plugins\": 7}".write(
                toFile: house.path, atomically: true, encoding: .utf8)
            await house.live.reload()
            #expect(await house.live.counts.rejectedChanges == 1)
            #expect(house.hasLogged("plugins: expected an array of plugins, found the number 7"))
            #expect(try await house.ask() == "1.0.0")
            #expect(workerProcesses() == processes)
            await house.stop()
        }

        @Test func changeOfTheFileIsSeenHoweverItIsWritten() async throws {
            let house = try House([("1.0.0", "answer-late", 1)])
            let changes = LogLines()
            let watch = try FileWatch(house.path) { changes.add("changed") }
            for isAtomic in [true, false] {
                let before = changes.all.count
                try "{}".write(toFile: house.path, atomically: isAtomic, encoding: .utf8)
                try await eventually("the change is seen") { changes.all.count > before }
            }
            watch.stop()
            await house.stop()
        }

        @Test func versionThatFailsRepeatedlyIsRolledBackToTheOneBefore() async throws {
            let house = try House([("1.0.0", "touchy", 1)])
            await house.live.start()
            _ = try await house.ask("fine")
            try await house.write([("2.0.0", "touchy", 1)])
            #expect(try await house.answer("fine").version == "2.0.0")
            try await eventually("it is rolled back") {
                _ = try? await house.ask("crash")
                return await house.live.counts.rollbacks == ["touchy": 1]
            }
            #expect(try await house.answer("fine").version == "1.0.0")
            let rollback = try #require(await house.live.counts.lastRollback["touchy"])
            #expect(rollback.from.description == "2.0.0")
            #expect(rollback.to.description == "1.0.0")
            #expect(rollback.reason.contains("was ended by signal 6"))
            #expect(house.hasLogged("rolled back from version 2.0.0 to 1.0.0"))
            // The operator may try again.
            try await house.live.load("touchy", SemanticVersion("2.0.0"))
            #expect(try await house.answer("fine").version == "2.0.0")
            await house.stop()
        }

        @Test func operatorSwapsPinsAndDrains() async throws {
            let house = try House([("2.0.0", "answer-late", 1), ("1.0.0", "answer-late", 0)])
            let old = try #require(SemanticVersion("1.0.0"))
            #expect(try await house.ask() == "2.0.0")
            try await house.live.swap("answer-late", to: old)
            #expect(try await house.ask() == "1.0.0")
            await house.live.reload()
            #expect(try await house.ask() == "2.0.0")
            try await house.live.pin("answer-late", to: old)
            await house.live.reload()
            #expect(try await house.ask() == "1.0.0")
            try await house.live.pin("answer-late", to: nil)
            #expect(try await house.ask() == "2.0.0")
            try await house.live.drain("answer-late", SemanticVersion("2.0.0"))
            #expect(try await house.ask() == "1.0.0")
            try await house.live.drain("answer-late", nil)
            let failure = await #expect(throws: PluginFailure.self) { try await house.ask() }
            #expect(failure?.message.contains("was taken from the traffic by the operator") == true)
            try await eventually("nothing is left") { workerProcesses().isEmpty }
            try await house.live.load("answer-late", nil)
            #expect(try await house.ask() == "2.0.0")
            await #expect(throws: NotRegistered.self) { try await house.live.load("nobody", nil) }
            await house.stop()
        }

        /// Fewer swaps than in the benchmark, and the same promise: every request is answered, by a version that was
        /// live at some moment between its arrival and its answer.
        @Test func swapsUnderSixteenClientsLoseNoRequest() async throws {
            let house = try House([("1.0.0", "answer-late", 1)])
            _ = try await house.ask()
            let progress = SwapProgress()
            try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<16 {
                    group.addTask {
                        var answers = 0
                        while !progress.isDone.withLock({ $0 }) {
                            let live = progress.oldest.withLock { $0 }
                            let text = try await house.ask()
                            let version = try #require(text.split(separator: ".").first.flatMap { Int($0) })
                            #expect(
                                version >= live,
                                "answered by \(text) when \(live).0.0 was the oldest live one")
                            answers += 1
                        }
                        return answers
                    }
                }
                for swap in 2...11 {
                    try await house.write([("\(swap).0.0", "answer-late", 1)])
                    progress.oldest.withLock { $0 = swap }
                }
                progress.isDone.withLock { $0 = true }
                for try await answers in group { #expect(answers > 0) }
            }
            // What was replaced is forgotten, but for the version that served before.
            try await eventually("the replaced versions are gone") {
                await house.live.supervisor.status().count <= 2
            }
            let counts = await house.live.counts
            #expect(counts.swaps == ["answer-late": 10])
            #expect(counts.rollbacks.isEmpty)
            try await eventually("one version is left") { workerProcesses().count == 1 }
            #expect(await house.live.supervisor.status().allSatisfy { $0.counts.errors == 0 })
            await house.stop()
        }
    }
}

/// Shared by the clients of a test and what swaps under them.
private final class SwapProgress: Sendable {
    let isDone = Mutex(false)
    /// The first version that a request may meet; it rises once a swap is complete.
    let oldest = Mutex(1)
}

@Suite struct PluginTrafficTests {
    private func plugin(_ shares: [(String, Double)]) throws -> RegisteredPlugin {
        try Fixtures.withFile(House.text(shares.map { ($0.0, "echo", $0.1) })) {
            try Registry(contentsOf: $0).plugins[0]
        }
    }

    private func share(_ plugin: RegisteredPlugin) -> [Double] { plugin.versions.map(\.share) }

    @Test func whatIsUnavailableHasNoShareAndTheRestTakesIts() throws {
        let plugin = try plugin([("2.0.0", 0.1), ("1.0.0", 0.9)])
        var traffic = PluginTraffic(plugin)
        #expect(share(traffic.effective) == [0.1, 0.9])
        #expect(traffic.live.count == 2)
        traffic.unavailable = [EncoderIdentity(plugin, plugin.versions[1])]
        #expect(share(traffic.effective) == [0.1, 0])
        #expect(traffic.effective.version(at: 0.99).version.description == "2.0.0")
        #expect(traffic.live == [EncoderIdentity(plugin, plugin.versions[0])])
    }

    @Test func choiceOfTheOperatorTakesEverything() throws {
        var traffic = PluginTraffic(try plugin([("2.0.0", 1), ("1.0.0", 0)]))
        traffic.chosen = SemanticVersion("1.0.0")
        #expect(share(traffic.effective) == [0, 1])
        #expect(traffic.effective.version(at: 0).version.description == "1.0.0")
    }

    @Test func whatServedBeforeServesAgainWhereNothingElseIsLeft() throws {
        let old = try plugin([("1.0.0", 1)])
        let new = try plugin([("2.0.0", 1)])
        var traffic = PluginTraffic(new, previous: old)
        #expect(traffic.effective.versions[0].version.description == "2.0.0")
        traffic.unavailable = [EncoderIdentity(new, new.versions[0])]
        #expect(traffic.effective.versions[0].version.description == "1.0.0")
        traffic.unavailable.insert(EncoderIdentity(old, old.versions[0]))
        #expect(traffic.effective.versions[0].version.description == "2.0.0")
    }
}
