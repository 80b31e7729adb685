import Foundation
import Modalities
import PluginHost
import Testing

/// Tests that start processes or count descriptors: one at a time, so that each sees only its own.
@Suite(.serialized) enum RealWorkers {}

extension RealWorkers {
    /// The supervisor over real workers.
    @Suite struct SupervisorTests {
        @Test func firstCallLoadsAndSecondReusesTheProcess() async throws {
            let bench = try Bench()
            let echo = try Fixtures.plugin("echo")
            #expect(await bench.status(echo) == nil)
            let first = try await bench.encode(echo, "one")
            let process = try await bench.process(echo)
            let second = try await bench.encode(echo, "two")
            #expect(first.segments.text == "one")
            #expect(second.segments.text == "two")
            #expect(first.loadMilliseconds > 0)
            #expect(second.loadMilliseconds == 0)
            #expect(try await bench.process(echo) == process)
            #expect(process != getpid())
            let status = try #require(await bench.status(echo))
            #expect(status.state == .ready)
            #expect(status.counts.loads == 1)
            #expect(status.counts.calls == 2)
            #expect(status.counts.errors == 0)
            await bench.supervisor.stop()
        }

        @Test func partsOfOneCallComeBackInOrder() async throws {
            let bench = try Bench()
            let echo = try Fixtures.plugin("echo")
            let segments = try await bench.encode(echo, "a", "", "ccc").segments
            #expect(segments.map(\.part) == [0, 1, 2])
            #expect(segments.text == "a||ccc")
            await bench.supervisor.stop()
        }

        @Test func pluginIsGivenItsConfigurationThreadsAndMediaType() async throws {
            let bench = try Bench(threads: 3)
            let facts = try Fixtures.plugin("facts", extra: #", "configuration": {"size": 7, "a": "é"}"#)
            let text = try await bench.text(facts, "four")
            let process = try await bench.process(facts)
            #expect(
                text == """
                    threads 3, configuration {"a":"é","size":7}, part of 4 bytes, text/plain, pid \(process)
                    """)
            await bench.supervisor.stop()
        }

        @Test func idlePluginLosesItsProcessAndTheNextCallStartsAnother() async throws {
            let bench = try Bench()
            let echo = try Fixtures.plugin("echo", idle: "0.05")
            _ = try await bench.encode(echo)
            let process = try await bench.process(echo)
            try await eventually("the idle worker ends") { !exists(process) }
            #expect(await bench.status(echo)?.state == .unloaded)
            #expect(try await bench.text(echo, "again") == "again")
            #expect(await bench.status(echo)?.counts.loads == 2)
            await bench.supervisor.stop()
        }

        @Test func workerKilledInTheMiddleOfACallFailsThatCallAndTheNextSucceeds() async throws {
            let bench = try Bench()
            let slow = try Fixtures.plugin("slow")
            async let failed = bench.failure(slow)
            try await eventually("the encode begins") { bench.hasLogged("slow: began") }
            let process = try await bench.process(slow)
            kill(process, SIGKILL)
            let failure = try #require(await failed)
            #expect(failure.reason == .crashed)
            #expect(
                failure.message
                    == "plugin slow 1.0.0: its worker (process \(process)) was ended by signal 9 (Killed)")
            #expect(!exists(process))
            #expect(try await bench.text(slow, "go") == "went")
            #expect(await bench.status(slow)?.counts.errors == 1)
            await bench.supervisor.stop()
        }

        @Test func workerKilledWhileIdleIsReplaced() async throws {
            let bench = try Bench()
            let echo = try Fixtures.plugin("echo")
            _ = try await bench.encode(echo)
            let process = try await bench.process(echo)
            kill(process, SIGKILL)
            try await eventually("the death is noticed") { await bench.status(echo)?.state == .unloaded }
            #expect(!exists(process))
            #expect(try await bench.text(echo, "again") == "again")
            await bench.supervisor.stop()
        }

        @Test(arguments: [
            ("crash", "was ended by signal 11 (Segmentation fault)"),
            ("abort", "was ended by signal 6 (Aborted)"),
            ("exit", "ended with exit code 7"),
            ("mute", "was ended by signal 9 (Killed)"),
            ("crash-in-create", "was ended by signal 11 (Segmentation fault)"),
        ])
        func endOfTheProcessIsThatCallsError(_ id: String, _ end: String) async throws {
            let bench = try Bench()
            let failure = try #require(await bench.failure(try Fixtures.plugin(id)))
            #expect(failure.reason == .crashed)
            #expect(failure.message.contains("plugin \(id) 1.0.0: its worker (process "))
            #expect(failure.message.hasSuffix(end))
            #expect(await bench.supervisor.status()[0].state == .unloaded)
            await bench.supervisor.stop()
        }

        @Test func pluginsOwnErrorsKeepTheirReasonAndWords() async throws {
            let bench = try Bench()
            let refuse = try Fixtures.plugin("refuse")
            #expect(
                await bench.failure(refuse)
                    == PluginFailure(.badInput, "plugin refuse 1.0.0: the picture is cut short at byte 7"))
            let process = try await bench.process(refuse)
            #expect(exists(process))
            #expect(
                await bench.failure(try Fixtures.plugin("fail-in-create"))
                    == PluginFailure(
                        .noWeights,
                        "loading plugin fail-in-create 1.0.0: weights.bin: expected 12 bytes, found 3"))
            await bench.supervisor.stop()
        }

        @Test func cancellingATaskStopsASlowEncodeAndTheWorkerLives() async throws {
            let bench = try Bench()
            let slow = try Fixtures.plugin("slow")
            let call = Task { await bench.failure(slow) }
            try await eventually("the encode begins") { bench.hasLogged("slow: began") }
            let process = try await bench.process(slow)
            call.cancel()
            #expect(await call.value?.reason == .cancelled)
            #expect(try await bench.text(slow, "go") == "went")
            #expect(try await bench.process(slow) == process)
            #expect(await bench.status(slow)?.counts.errors == 0)
            await bench.supervisor.stop()
        }

        /// A cancel may overtake the job it is for; then it must not be lost.
        @Test func cancelAtAnyMomentIsHeard() async throws {
            let bench = try Bench()
            let slow = try Fixtures.plugin("slow")
            #expect(try await bench.text(slow, "go") == "went")
            let process = try await bench.process(slow)
            for round in 0..<200 {
                let call = Task { await bench.failure(slow) }
                for _ in 0..<round { await Task.yield() }
                call.cancel()
                #expect(await call.value?.reason == .cancelled)
            }
            #expect(try await bench.process(slow) == process)
            await bench.supervisor.stop()
        }

        @Test func pluginThatIgnoresCancelIsEndedAfterTheGrace() async throws {
            let bench = try Bench()
            let deaf = try Fixtures.plugin("deaf")
            let call = Task { await bench.failure(deaf) }
            try await eventually("the encode begins") { bench.hasLogged("deaf: began") }
            let process = try await bench.process(deaf)
            call.cancel()
            let failure = try #require(await call.value)
            #expect(failure.reason == .cancelled)
            #expect(failure.message.hasSuffix("it did not return in time, so its worker was ended"))
            #expect(!exists(process))
            #expect(try await bench.text(deaf, "go") == "went")
            await bench.supervisor.stop()
        }

        @Test func fiftyCallsAtOnceAreServedOneAtATimeAndAllAnswered() async throws {
            let bench = try Bench()
            let turns = try Fixtures.plugin("turns")
            let answers = try await withThrowingTaskGroup(of: String.self) { group in
                for call in 0..<50 { group.addTask { try await bench.text(turns, "\(call)") } }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            let halves = answers.map { $0.split(separator: ":").compactMap { Int($0) } }
            #expect(Set(halves.map { $0[0] }) == Set(0..<50))
            #expect(Set(halves.map { $0[1] }) == Set(0..<50))
            #expect(await bench.status(turns)?.counts.loads == 1)
            await bench.supervisor.stop()
        }

        @Test func callsAreServedInTheOrderOfTheirArrival() async throws {
            let bench = try Bench()
            let turns = try Fixtures.plugin("turns")
            let holder = Task { await bench.failure(turns, "hold") }
            try await eventually("the first call begins") { bench.hasLogged("turns: began") }
            var calls: [Task<String, any Error>] = []
            for call in 0..<20 {
                calls.append(Task { try await bench.text(turns, "\(call)") })
                try await eventually("call \(call) waits") { await bench.status(turns)?.waiting == call + 1 }
            }
            holder.cancel()
            _ = await holder.value
            var answers: [String] = []
            for call in calls { answers.append(try await call.value) }
            #expect(answers == (0..<20).map { "\($0):\($0)" })
            await bench.supervisor.stop()
        }

        @Test func cancelledWaitersLeaveTheLineAndTheOthersAreServed() async throws {
            let bench = try Bench()
            let slow = try Fixtures.plugin("slow")
            let first = Task { await bench.failure(slow) }
            try await eventually("the encode begins") { bench.hasLogged("slow: began") }
            let waiters = (0..<10).map { _ in Task { await bench.failure(slow, "go") } }
            for waiter in waiters.enumerated() where waiter.offset.isMultiple(of: 2) {
                waiter.element.cancel()
            }
            for waiter in waiters.enumerated() where waiter.offset.isMultiple(of: 2) {
                #expect(await waiter.element.value?.reason == .cancelled)
            }
            #expect(await bench.status(slow)?.running == 1)
            first.cancel()
            for waiter in waiters.enumerated() where !waiter.offset.isMultiple(of: 2) {
                #expect(await waiter.element.value == nil)
            }
            #expect(await bench.status(slow)?.counts.calls == 6)
            await bench.supervisor.stop()
        }

        @Test func stopEndsEveryProcessAndFailsWhoeverWaits() async throws {
            let bench = try Bench()
            let slow = try Fixtures.plugin("slow")
            let echo = try Fixtures.plugin("echo")
            _ = try await bench.encode(echo)
            let inside = Task { await bench.failure(slow) }
            try await eventually("the encode begins") { bench.hasLogged("slow: began") }
            let waiting = Task { await bench.failure(slow, "go") }
            let processes = try await [bench.process(slow), bench.process(echo)]
            await bench.supervisor.stop()
            #expect(await inside.value != nil)
            #expect(await waiting.value?.reason == .unavailable)
            #expect(await bench.failure(echo)?.reason == .unavailable)
            for process in processes {
                try await eventually("process \(process) ends") { !exists(process) }
            }
            #expect(await bench.status(slow)?.counts.loads == 1)
        }

        @Test func stopEndsAPluginThatHangsWhileItLoads() async throws {
            let bench = try Bench()
            let hang = try Fixtures.plugin("hang-in-create")
            let call = Task { await bench.failure(hang) }
            try await eventually("creating begins") { bench.hasLogged("hang-in-create: began") }
            let children = workerProcesses()
            #expect(!children.isEmpty)
            await bench.supervisor.stop()
            #expect(await call.value?.reason == .unavailable)
            for process in children { try await eventually("the worker ends") { !exists(process) } }
        }

        @Test func cancellingACallEndsAPluginThatHangsWhileItLoads() async throws {
            let bench = try Bench()
            let hang = try Fixtures.plugin("hang-in-create")
            let call = Task { await bench.failure(hang) }
            try await eventually("creating begins") { bench.hasLogged("hang-in-create: began") }
            call.cancel()
            #expect(await call.value?.reason == .cancelled)
            #expect(await bench.status(hang)?.state == .unloaded)
            #expect(await bench.status(hang)?.counts.errors == 0)
            await bench.supervisor.stop()
        }

        @Test func manualPluginIsLoadedByTheOperatorOnly() async throws {
            let bench = try Bench()
            let echo = try Fixtures.plugin("echo", extra: #", "load": "manual""#)
            #expect(
                await bench.failure(echo)
                    == PluginFailure(
                        .unavailable, "plugin echo is loaded by the operator only, and is not loaded"))
            try await bench.supervisor.load(echo, echo.defaultVersion)
            #expect(try await bench.text(echo, "now") == "now")
            await bench.supervisor.stop()
        }

        @Test func missingWorkerExecutableIsNamed() async throws {
            let supervisor = Supervisor(
                workerExecutable: "/nowhere/gatehouse-worker", threads: 1, decoder: nil, log: { _, _, _ in })
            let echo = try Fixtures.plugin("echo")
            let failure = await #expect(throws: PluginFailure.self) {
                try await supervisor.encode(Fixtures.input("x"), plugin: echo, version: echo.defaultVersion)
            }
            #expect(failure?.message == "starting /nowhere/gatehouse-worker: No such file or directory")
        }
    }
}
