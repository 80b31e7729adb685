import CSystemPosix
import Foundation
import Glibc
import Modalities
import PluginHost
import Testing

extension RealWorkers {
    /// What is opened, and what is left behind.
    @Suite struct LifetimeTests {
        /// inotify reports every open of the file, whichever process does it. That an encode is seen shows that the
        /// watch works.
        @Test func nothingIsOpenedOrStartedUntilSomethingIsEncoded() async throws {
            let watch = inotify_init1(O_NONBLOCK | O_CLOEXEC)
            try #require(watch >= 0)
            defer { close(watch) }
            let library = try Fixtures.library()
            try #require(inotify_add_watch(watch, library, UInt32(IN_OPEN)) >= 0)
            try await eventually("the workers of other tests are gone") { workerProcesses().isEmpty }
            let children = Set(workerProcesses())

            let bench = try Bench()
            let echo = try Fixtures.plugin("echo")
            _ = await bench.supervisor.status()
            #expect(!wasOpened(watch))
            #expect(Set(workerProcesses()) == children)
            let maps = try String(contentsOfFile: "/proc/self/maps", encoding: .utf8)

            _ = try await bench.encode(echo)
            #expect(wasOpened(watch))
            #expect(Set(workerProcesses()).subtracting(children) == [try await bench.process(echo)])
            // A worker's plugin never comes into the host.
            #expect(
                try String(contentsOfFile: "/proc/self/maps", encoding: .utf8).contains(library)
                    == maps.contains(library))
            await bench.supervisor.stop()
        }

        private func wasOpened(_ watch: Int32) -> Bool {
            var events = [UInt8](repeating: 0, count: 4096)
            return read(watch, &events, events.count) > 0
        }

        @Test func descriptorsThreadsAndProcessesDoNotGrowOverAHundredLoads() async throws {
            let bench = try Bench()
            let echo = try Fixtures.plugin("echo", idle: "0")
            let rows = try Fixtures.plugin("rows", isolation: "in-process", idle: "0")
            func load() async throws {
                for plugin in [echo, rows] {
                    _ = try await bench.encode(plugin)
                    try await eventually("it unloads") { await bench.status(plugin)?.state == .unloaded }
                }
            }
            func settled() async throws {
                try await eventually("the workers end") { workerProcesses().isEmpty }
            }
            for _ in 0..<10 { try await load() }
            try await settled()
            let before = (descriptors: count("/proc/self/fd"), threads: count("/proc/self/task"))
            for _ in 0..<100 { try await load() }
            try await settled()
            #expect(await bench.status(echo)?.counts.loads == 110)
            // A thread of Swift's pool may come meanwhile; a leak would be a hundred.
            #expect(count("/proc/self/fd") <= before.descriptors + 5)
            #expect(count("/proc/self/task") <= before.threads + 5)
        }

        private func count(_ folder: String) -> Int {
            (try? FileManager.default.contentsOfDirectory(atPath: folder).count) ?? 0
        }

        @Test func supervisorThatIsDroppedLeavesNoProcess() async throws {
            var bench: Bench? = try Bench()
            let echo = try Fixtures.plugin("echo")
            _ = try await bench?.encode(echo)
            let process = try #require(try await bench?.process(echo))
            bench = nil
            try await eventually("the worker ends") { !exists(process) }
        }

        @Test(arguments: ["echo", "slow", "deaf"])
        func workerEndsItselfWhenItsSocketCloses(_ id: String) async throws {
            let (channel, socket) = try WorkerChannel.pair()
            var arguments = [strdup("gatehouse-worker"), nil]
            defer { free(arguments[0]) }
            var environment: [UnsafeMutablePointer<CChar>?] = [nil]
            let process = gh_spawn(try Fixtures.worker(), &arguments, &environment, socket)
            close(socket)
            try #require(process > 0)
            try channel.send(.open(OpenRequest(library: try Fixtures.library(), plugin: id)))
            guard case .confined = try channel.receiveFromWorker(),
                case .opened(let facts, _) = try channel.receiveFromWorker()
            else {
                Issue.record("the worker did not open the library")
                return
            }
            #expect(facts.id == id)
            #expect(facts.mediaTypes == ["text/plain", "application/octet-stream"])
            let input = try Fixtures.input("x")
            try channel.send(
                .encode(job: 1, deadline: 0, parts: input.parts, tellsText: false), memory: input.memory)
            // echo has answered, slow and deaf are in the middle of their work.
            let reply = try channel.receiveFromWorker()
            if case .encoded(1, _, let segments) = reply {
                #expect(segments.text == "x")
            } else if case .log(_, let line) = reply {
                #expect(line == "began")
            } else {
                Issue.record("an unexpected reply")
            }
            channel.shutDown()
            var status: Int32 = -1
            try await eventually("the worker ends") { waitpid(process, &status, WNOHANG) == process }
            #expect(status == 0)
        }

        @Test func workerStartedByHandSaysWhatItIs() throws {
            let worker = Process()
            let said = Pipe()
            worker.executableURL = URL(fileURLWithPath: try Fixtures.worker())
            worker.standardInput = FileHandle.nullDevice
            worker.standardError = said
            try worker.run()
            let text = String(decoding: said.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
            worker.waitUntilExit()
            #expect(worker.terminationStatus == 2)
            #expect(text == "gatehouse-worker is started by gatehouse, with a socket as descriptor 3\n")
        }
    }
}
