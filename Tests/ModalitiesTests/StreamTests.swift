import Foundation
import Modalities
import PluginHost
import Testing

extension RealWorkers {
    /// Live streams: of one worker and of several, beside calls, and what becomes of them when something ends.
    @Suite struct StreamTests {
        private static let format = StreamRequest(sampleRate: 10, channels: 1)

        private func open(
            _ bench: Bench, _ plugin: RegisteredPlugin, _ configuration: String = "{}", channels: UInt32 = 1
        ) async throws -> LiveStream {
            try await bench.supervisor.openStream(
                StreamRequest(sampleRate: 10, channels: channels, configuration: configuration),
                plugin: plugin, version: plugin.defaultVersion)
        }

        /// What opening or feeding a stream fails with.
        private func failure(_ body: () async throws -> Void) async -> PluginFailure? {
            do {
                try await body()
                return nil
            } catch {
                return error as? PluginFailure
            }
        }

        private func samples(_ count: Int) -> [Float] { Array(repeating: 0.1, count: count) }

        @Test(arguments: ["worker", "in-process"]) func textGrowsAndOnlyItsEndChanges(
            _ isolation: String
        ) async throws {
            let bench = try Bench()
            let plugin = try Fixtures.plugin("stream", isolation: isolation)
            let stream = try await open(bench, plugin)
            let first = try await stream.push(samples(3))
            #expect(first.map(\.stable) == ["3 "] && first.map(\.unstable) == ["…"])
            #expect(first[0].words.isEmpty, "a later partial may still change them")
            let second = try await stream.push(samples(4))
            #expect(second.map(\.stable) == ["4 "] && second.map(\.unstable) == ["…"])
            #expect(second[0].words.map(\.text) == ["3 "] && second[0].words[0].endSeconds == 0.3)
            #expect(stream.text == "3 4 …")
            #expect(try await stream.push([]).isEmpty)
            let last = try await stream.finish()
            #expect(last.map(\.stable) == ["end"] && last[0].unstable.isEmpty && last[0].isFinal)
            #expect(last[0].words.map(\.text) == ["4 ", "end"] && last[0].endSeconds == 0.7)
            #expect(stream.text == "3 4 end")
            #expect(
                await failure { _ = try await stream.push(samples(1)) }?.message == "the stream has ended")
            try await eventually("it is closed") { bench.hasLogged("stream: closed") }
            try await eventually("its place is free") { await bench.status(plugin)?.streams == 0 }
            await bench.supervisor.stop()
        }

        @Test func longSoundGoesInBlocksSoThatOthersComeToTheirTurn() async throws {
            let bench = try Bench()
            let plugin = try Fixtures.plugin("stream")
            let stream = try await open(bench, plugin, channels: 2)
            #expect(try await stream.push(samples(24)).map(\.stable) == ["5 ", "5 ", "2 "])
            await bench.supervisor.stop()
        }

        @Test func aWorkerHoldsSeveralStreamsAndOneMoreIsRefusedAtOnce() async throws {
            let bench = try Bench()
            let plugin = try Fixtures.plugin("stream")
            // Together, while the worker is started.
            let streams = try await withThrowingTaskGroup(of: LiveStream.self) { group in
                for _ in 0..<4 { group.addTask { try await open(bench, plugin) } }
                var streams: [LiveStream] = []
                for try await stream in group { streams.append(stream) }
                return streams
            }
            #expect(workerProcesses().count == 1)
            #expect(await bench.status(plugin)?.streams == 4)
            let refusal = await failure { _ = try await open(bench, plugin) }
            #expect(refusal?.reason == .unavailable)
            #expect(
                refusal?.message
                    == "plugin stream 1.0.0 has its 4 live streams; more stream_workers in the registry would take more"
            )
            for (index, stream) in streams.enumerated() { _ = try await stream.push(samples(index + 1)) }
            for (index, stream) in streams.enumerated() {
                _ = try await stream.finish()
                #expect(stream.text == "\(index + 1) end")
            }
            try await eventually("a place is free") { await bench.status(plugin)?.streams == 0 }
            _ = try await open(bench, plugin)
            await bench.supervisor.stop()
        }

        @Test func moreWorkersHoldMoreStreams() async throws {
            let bench = try Bench()
            let plugin = try Fixtures.plugin("stream", extra: #", "stream_workers": 2"#)
            var streams: [LiveStream] = []
            for _ in 0..<8 { streams.append(try await open(bench, plugin)) }
            #expect(workerProcesses().count == 2)
            #expect(await failure { _ = try await open(bench, plugin) }?.reason == .unavailable)
            for stream in streams { #expect(try await stream.push(samples(1)).count == 1) }
            await bench.supervisor.stop()
        }

        @Test func callsAndStreamsDoNotWaitForEachOther() async throws {
            let bench = try Bench()
            let plugin = try Fixtures.plugin("stream")
            let hanging = try await open(bench, plugin, #"{"hang": 1}"#)
            let push = Task { await failure { _ = try await hanging.push(samples(1)) } }
            try await eventually("a stream is at work") { bench.hasLogged("stream: began") }
            #expect(try await bench.text(plugin, "beside it") == "beside it")
            let call = Task { await bench.failure(plugin, "hold") }
            try await eventually("a call is at work") { bench.logged("began").count == 2 }
            push.cancel()
            #expect(await push.value?.reason == .cancelled)
            let stream = try await open(bench, plugin)
            #expect(try await stream.push(samples(2)).map(\.stable) == ["2 "])
            call.cancel()
            #expect(await call.value?.reason == .cancelled)
            await bench.supervisor.stop()
        }

        @Test func whoeverLetsGoOfAStreamFreesIt() async throws {
            let bench = try Bench()
            let plugin = try Fixtures.plugin("stream")
            do {
                let stream = try await open(bench, plugin)
                _ = try await stream.push(samples(1))
            }
            try await eventually("it is closed") { bench.hasLogged("stream: closed") }
            try await eventually("its place is free") { await bench.status(plugin)?.streams == 0 }
            #expect(workerProcesses().count == 1)
            await bench.supervisor.stop()
        }

        @Test func aWorkerWithoutStreamsGoesThoughCallsAreBusy() async throws {
            let bench = try Bench()
            let plugin = try Fixtures.plugin("stream", idle: "0.2")
            let call = Task { await bench.failure(plugin, "hold") }
            try await eventually("a call is at work") { bench.hasLogged("stream: began") }
            _ = try await open(bench, plugin).finish()
            try await eventually("the worker for streams is gone") { workerProcesses().count == 1 }
            #expect(await bench.status(plugin)?.running == 1)
            call.cancel()
            #expect(await call.value?.reason == .cancelled)
            await bench.supervisor.stop()
        }

        @Test func aCrashEndsTheStreamsOfItsWorkerWithAReasonAndNoOthers() async throws {
            let bench = try Bench()
            let plugin = try Fixtures.plugin("stream")
            let good = try await open(bench, plugin)
            let bad = try await open(bench, plugin, #"{"crash": 1}"#)
            let told = Task {
                await withCheckedContinuation { continuation in
                    good.whenWorkerEnds { continuation.resume() }
                }
            }
            let worker = try await bench.process(plugin)
            let reason = "plugin stream 1.0.0: its worker (process \(worker)) was ended by signal 6 (Aborted)"
            #expect(
                await failure { _ = try await bad.push(samples(1)) } == PluginFailure(.crashed, reason))
            await told.value
            #expect(
                await failure { _ = try await good.push([]) } == PluginFailure(.crashed, reason))
            try await eventually("both are gone") { await bench.status(plugin)?.streams == 0 }
            // One crash is one failure, however many streams it took along.
            #expect(await bench.status(plugin)?.state == .unloaded)
            let next = try await open(bench, plugin)
            #expect(try await next.push(samples(1)).count == 1)
            await bench.supervisor.stop()
        }

        @Test func aStreamThatDoesNotReturnIsEndedWithItsWorker() async throws {
            let bench = try Bench()
            let plugin = try Fixtures.plugin("stream", extra: #", "time_limit_seconds": 0.2"#)
            let stream = try await open(bench, plugin, #"{"loop": 1}"#)
            let failure = await failure { _ = try await stream.push(samples(1)) }
            #expect(failure?.reason == .timedOut)
            try await eventually("its worker is gone") { workerProcesses().isEmpty }
            await bench.supervisor.stop()
        }

        @Test(arguments: [
            ("lie", PluginFailure.Reason.violation, "text changed that it had called stable, before byte 2"),
            ("deaf", .badInput, "nothing is to be heard"),
        ]) func whatIsWrongWithAStreamIsSaidAndEndsIt(
            _ word: String, _ reason: PluginFailure.Reason, _ message: String
        ) async throws {
            let bench = try Bench()
            let plugin = try Fixtures.plugin("stream")
            let stream = try await open(bench, plugin, "{\"\(word)\": 1}")
            var found: PluginFailure?
            for count in 1...2 where found == nil {
                found = await failure { _ = try await stream.push(samples(count)) }
            }
            #expect(found == PluginFailure(reason, "plugin stream 1.0.0: \(message)"))
            #expect(await failure { _ = try await stream.finish() } == found)
            try await eventually("its place is free") { await bench.status(plugin)?.streams == 0 }
            await bench.supervisor.stop()
        }

        @Test func aFinishWithoutAFinalPartialIsAViolation() async throws {
            let bench = try Bench()
            let stream = try await open(bench, try Fixtures.plugin("stream"), #"{"endless": 1}"#)
            #expect(await failure { _ = try await stream.finish() }?.reason == .violation)
            await bench.supervisor.stop()
        }

        @Test func whatCannotBeOpenedIsRefusedInWords() async throws {
            let bench = try Bench()
            let plugin = try Fixtures.plugin("stream")
            let refusal = await failure { _ = try await open(bench, plugin, #"{"refuse": 1}"#) }
            #expect(
                refusal
                    == PluginFailure(.badConfiguration, "plugin stream 1.0.0: refuse: expected no such key"))
            let other = try Fixtures.plugin("echo")
            let none = await failure { _ = try await open(bench, other) }
            #expect(none == PluginFailure(.unsupported, "plugin echo 1.0.0 takes no live streams"))
            // The worker that was started to find out is not kept.
            try await eventually("it is gone") { workerProcesses().count == 1 }
            #expect(try await bench.text(other, "files it takes") == "files it takes")
            let off = try Fixtures.plugin("stream", extra: #", "stream_workers": 0"#)
            #expect(await failure { _ = try await open(bench, off) }?.reason == .unsupported)
            await bench.supervisor.stop()
        }

        @Test func aStreamKeepsItsVersionUntilItsEnd() async throws {
            let house = try House([("1.0.0", "stream", 1)])
            await house.live.start()
            func route() throws -> (RegisteredPlugin, RegisteredVersion) {
                let plugin = house.live.current.plugins[0]
                return (plugin, plugin.defaultVersion)
            }
            let (plugin, version) = try route()
            let stream = try await house.live.supervisor.openStream(
                Self.format, plugin: plugin, version: version)
            _ = try await stream.push(samples(1))
            try await house.write([("2.0.0", "stream", 1), ("1.0.0", "stream", 0)])
            let (newPlugin, newVersion) = try route()
            #expect(newVersion.version.description == "2.0.0")
            let second = try await house.live.supervisor.openStream(
                Self.format, plugin: newPlugin, version: newVersion)
            #expect(second.version.description == "2.0.0" && stream.version.description == "1.0.0")
            #expect(try await stream.push(samples(2)).map(\.stable) == ["2 "])
            let draining = await house.live.supervisor.status().first { $0.version == version.version }
            #expect(draining?.state == .draining && draining?.streams == 1)
            #expect(try await stream.finish().last?.isFinal == true)
            try await eventually("the old version goes with its last stream") {
                let status = await house.live.supervisor.status().first { $0.version == version.version }
                return status?.state == .unloaded
            }
            #expect(try await second.push(samples(1)).count == 1)
            await house.stop()
        }
    }
}
