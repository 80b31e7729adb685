import CSystemPosix
import Foundation
import Glibc
import Modalities
import PluginHost
import TestSupport
import Testing

extension RealWorkers {
    /// The conversation between host and worker: what is said arrives, and what is damaged is refused.
    @Suite struct WireTests {
        /// A channel, and the bare socket at its other end.
        private func pair() throws -> (channel: WorkerChannel, socket: Int32) {
            let (channel, socket) = try WorkerChannel.pair()
            return (channel, socket)
        }

        private func connected() throws -> (WorkerChannel, WorkerChannel) {
            let (channel, socket) = try pair()
            return (channel, WorkerChannel(socket: socket))
        }

        /// The bytes after the length that `send` puts on the socket.
        private func bytes(_ send: (WorkerChannel) throws -> Void) throws -> [UInt8] {
            let (channel, socket) = try pair()
            defer { close(socket) }
            try send(channel)
            channel.shutDown()
            var all: [UInt8] = []
            var buffer = [UInt8](repeating: 0, count: 1 << 16)
            while case let count = read(socket, &buffer, buffer.count), count > 0 {
                all.append(contentsOf: buffer.prefix(count))
            }
            return Array(all.dropFirst(8))
        }

        /// A channel whose other side said `payload`, with its length before it, and hung up.
        private func channel(saying payload: [UInt8], length: UInt64? = nil) throws -> WorkerChannel {
            let (channel, socket) = try pair()
            var framed = withUnsafeBytes(of: (length ?? UInt64(payload.count)).littleEndian) { Array($0) }
            framed += payload
            #expect(write(socket, framed, framed.count) == framed.count)
            close(socket)
            return channel
        }

        private func instance(_ id: String) throws -> PluginInstance {
            let log: @Sendable (PluginLogLevel, String) -> Void = { _, _ in }
            let library = try Fixtures.library()
            let request = OpenRequest(library: library, plugin: id, decoder: OutputTests.decoder)
            return try PluginInstance(
                try PluginLibrary(path: library, log: log), request, job: JobControl(id: 0), log: log)
        }

        @Test func whatTheHostSaysArrives() throws {
            let (host, worker) = try connected()
            let request = OpenRequest(
                library: "/a/ü.so", plugin: "p", configuration: #"{"a":1}"#, weights: "/w", cache: "/c",
                threads: 7, decoder: OutputTests.decoder)
            let plain = OpenRequest(
                library: "", plugin: "", cache: "/c", reads: ["/a", "/b"], memoryBytes: 1 << 40)
            let input = try Fixtures.input("one", "", "three")
            try host.send(.open(request))
            try host.send(.open(plain))
            try host.send(
                .encode(job: .max, deadline: 5, parts: input.parts, tellsText: true), memory: input.memory)
            try host.send(.cancel(job: 9))
            let opening = StreamRequest(sampleRate: 16_000, channels: 2, configuration: #"{"ä":1}"#)
            try host.send(.stream(job: 1, deadline: 2, number: 3, .open(opening)))
            try host.send(.stream(job: 2, deadline: 2, number: 3, .push([0.5, -1])))
            try host.send(.stream(job: 3, deadline: 2, number: 3, .finish))
            try host.send(.closeStream(number: 3))
            guard case (.open(let first), nil)? = try worker.receiveFromHost(),
                case (.open(let second), nil)? = try worker.receiveFromHost(),
                case (.encode(let job, let deadline, let parts, true), let memory?)? =
                    try worker.receiveFromHost(),
                case (.cancel(job: 9), nil)? = try worker.receiveFromHost(),
                case (.stream(1, 2, 3, let open), nil)? = try worker.receiveFromHost(),
                case (.stream(2, 2, 3, let push), nil)? = try worker.receiveFromHost(),
                case (.stream(3, 2, 3, let finish), nil)? = try worker.receiveFromHost(),
                case (.closeStream(3), nil)? = try worker.receiveFromHost()
            else {
                Issue.record("a message came as another")
                return
            }
            #expect(first == request)
            #expect(second == plain)
            #expect(job == .max && deadline == 5)
            #expect(parts == input.parts)
            #expect([open, push, finish] == [.open(opening), .push([0.5, -1]), .finish])
            #expect(memory.size == input.memory.size)
            #expect(memcmp(memory.base, input.memory.base, memory.size) == 0)
            host.shutDown()
            #expect(try worker.receiveFromHost() == nil)
        }

        @Test func whatTheWorkerSaysArrives() throws {
            let (host, worker) = try connected()
            let rows = try instance("rows")
            let output = try rows.encode(try Fixtures.input("x"), job: JobControl(id: 1))
            try worker.send(.opened(rows.facts, rows.outputs))
            try worker.send(.encoded(job: 3, nanoseconds: 17, output.segments), memory: output.memory)
            try worker.send(.failed(job: 4, PluginFailure(.noWeights, "ä")))
            try worker.send(.progress(job: 5, 0.25))
            try worker.send(.log(.warning, "line"))
            try worker.send(.wrote(job: 6, "ö"))
            let stream = try instance("stream")
            _ = try stream.perform(
                .open(StreamRequest(sampleRate: 8, channels: 1)), on: 1, job: JobControl(id: 1))
            let partials = try stream.perform(.push([1, 1]), on: 1, job: JobControl(id: 2))
            try worker.send(.streamed(job: 7, partials))
            #expect(stream.outputs.mostStreams == 4 && rows.outputs.mostStreams == 0)
            guard case .opened(let facts, let outputs)? = try host.receiveFromWorker(),
                case .encoded(3, 17, let segments)? = try host.receiveFromWorker(),
                case .rows(let received)? = segments.first?.content,
                case .rows(let sent)? = output.segments.first?.content,
                case .failed(4, let failure)? = try host.receiveFromWorker(),
                case .progress(5, 0.25)? = try host.receiveFromWorker(),
                case .log(.warning, "line")? = try host.receiveFromWorker(),
                case .wrote(6, "ö")? = try host.receiveFromWorker(),
                case .streamed(7, let heard)? = try host.receiveFromWorker()
            else {
                Issue.record("a message came as another")
                return
            }
            #expect(facts == rows.facts)
            #expect(outputs == rows.outputs)
            #expect(heard == partials && heard.count == 1)
            #expect(received.positions == sent.positions)
            #expect(received.withValues { Array($0) } == sent.withValues { Array($0) })
            #expect(failure == PluginFailure(.noWeights, "ä"))
        }

        /// Every beginning of every kind of message, and every single byte of it changed.
        @Test func cutOrChangedBytesAreRefusedOrReadButNeverMore() throws {
            let rows = try instance("rows")
            let soft = try instance("soft").encode(try Fixtures.input("x"), job: JobControl(id: 1))
            let spans = try instance("spans").encode(try Fixtures.input("x"), job: JobControl(id: 1))
            let stream = try instance("stream")
            _ = try stream.perform(
                .open(StreamRequest(sampleRate: 8, channels: 1)), on: 1, job: JobControl(id: 1))
            let partials = try stream.perform(.push([1, 1]), on: 1, job: JobControl(id: 2))
            let input = try Fixtures.input("one", "two")
            let messages = [
                try bytes { try $0.send(.open(OpenRequest(library: "/l", plugin: "p", weights: "/w"))) },
                try bytes { try $0.send(.encode(job: 1, deadline: 2, parts: input.parts, tellsText: false)) },
                try bytes { try $0.send(.cancel(job: 1)) },
                try bytes { try $0.send(.stream(job: 1, deadline: 2, number: 3, .push([1, 2, 3]))) },
                try bytes { try $0.send(.streamed(job: 1, partials)) },
                try bytes { try $0.send(.opened(rows.facts, try instance("echo").outputs)) },
                try bytes { try $0.send(.encoded(job: 1, nanoseconds: 2, soft.segments + spans.segments)) },
                try bytes { try $0.send(.failed(job: 1, PluginFailure(.failed, "why"))) },
                try bytes { try $0.send(.log(.info, "line")) },
            ]
            var generator = SplitMix64(state: 2)
            for message in messages {
                for size in 1..<message.count {
                    let cut = Array(message.prefix(size))
                    #expect(throws: PluginFailure.self) {
                        // A kind of the other direction is refused for its number or read as what it is there.
                        _ = try channel(saying: cut).receiveFromHost()
                        _ = try channel(saying: cut).receiveFromWorker()
                    }
                    var changed = message
                    changed[size] = UInt8.random(in: 0...255, using: &generator)
                    try readAnything(changed)
                }
            }
            for _ in 0..<500 {
                try readAnything(
                    (0..<Int.random(in: 1...80, using: &generator)).map { index in
                        UInt8.random(in: 0...(index == 0 ? 8 : 255), using: &generator)
                    })
            }
        }

        /// Reads `payload` in both directions; anything but a message or a ``PluginFailure`` fails the test.
        private func readAnything(_ payload: [UInt8]) throws {
            do { _ = try channel(saying: payload).receiveFromHost() } catch is PluginFailure {}
            do { _ = try channel(saying: payload).receiveFromWorker() } catch is PluginFailure {}
        }

        @Test(arguments: [0, (64 << 20) + 1, UInt64.max] as [UInt64])
        func lengthBeyondReasonIsRefused(_ length: UInt64) throws {
            let channel = try channel(saying: [0], length: length)
            #expect(
                throws: PluginFailure(.violation, "a message of \(length) bytes came over a worker's socket")
            ) {
                _ = try channel.receiveFromHost()
            }
        }

        @Test func conversationThatEndsInTheMiddleOfAMessageHasEnded() throws {
            #expect(try channel(saying: [1, 2, 3], length: 100).receiveFromHost() == nil)
            #expect(try channel(saying: [], length: 100).receiveFromWorker() == nil)
        }

        /// Rows as a worker would have to say them to make the host read outside the memory.
        @Test func rowsOutsideTheirMemoryAreRefused() throws {
            let rows = try instance("rows").encode(try Fixtures.input("x"), job: JobControl(id: 1))
            let message = try bytes {
                try $0.send(.encoded(job: 1, nanoseconds: 2, rows.segments), memory: rows.memory)
            }
            // kind 1, job 8, nanoseconds 8, count 4, part 4, kind of content 1; then offset 8, rows 4, width 4.
            for place in [26, 34, 38] {
                var changed = message
                changed[place + 2] = 1
                let (channel, socket) = try pair()
                defer { close(socket) }
                let memory = try #require(rows.memory)
                let framed = withUnsafeBytes(of: UInt64(changed.count).littleEndian) { Array($0) } + changed
                #expect(gh_send(socket, framed, framed.count, memory.descriptor) == framed.count)
                #expect(
                    throws: PluginFailure(.violation, "the worker handed over rows outside its shared memory")
                ) { _ = try channel.receiveFromWorker() }
            }
        }

        @Test func descriptorThatIsNoSharedMemoryIsRefused() throws {
            let (channel, socket) = try pair()
            defer { close(socket) }
            let file = open("/dev/null", O_RDONLY)
            defer { close(file) }
            let framed: [UInt8] = [1, 0, 0, 0, 0, 0, 0, 0, 9]
            #expect(gh_send(socket, framed, framed.count, file) == framed.count)
            #expect(
                throws: PluginFailure(.violation, "a descriptor was handed over that is no shared memory")
            ) {
                _ = try channel.receiveFromWorker()
            }
        }

        @Test func memoryThatWasAdoptedCannotShrink() throws {
            let memory = try SharedMemory(size: 1 << 16)
            let adopted = try SharedMemory(adopting: dup(memory.descriptor))
            #expect(ftruncate(memory.descriptor, 0) == -1)
            #expect(adopted.size == 1 << 16)
        }
    }
}
