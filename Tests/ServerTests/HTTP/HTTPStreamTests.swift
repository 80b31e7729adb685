import Server
import Synchronization
import Testing

@Suite(.serialized) struct HTTPStreamTests {
    private static let get = "GET / HTTP/1.1\r\nHost: x\r\n\r\n"

    @Test func aStreamArrivesWhileItIsBeingMade() async throws {
        let read = Signal()
        let handler: HTTPServer.Handler = { _ in
            ServerSentEvents.response { events in
                try await events.send("first")
                // The rest is made only after the client has read the first event.
                #expect(await read.wait())
                try await events.send("second\nline")
            }
        }
        try await serving(handler: handler) { port, _ in
            let (head, rest) = try await offPool {
                let client = try RawClient(port)
                client.send(Self.get)
                let head = try client.readHead()
                _ = try client.read(through: "data: first\n\n")
                read.set()
                return (head, try client.read(through: "0\r\n\r\n"))
            }
            #expect(head.headers["content-type"] == "text/event-stream")
            #expect(head.headers["transfer-encoding"] == "chunked")
            #expect(rest.contains("data: second\ndata: line\n\n"))
        }
    }

    @Test func aConnectionServesAnotherRequestAfterAStream() async throws {
        let handler: HTTPServer.Handler = { _ in
            HTTPResponse(
                body: .stream { for piece in 0..<100 { try await $0.write(Array("\(piece),".utf8)) } })
        }
        try await serving(handler: handler) { port, _ in
            try await offPool {
                let client = try RawClient(port)
                for _ in 0..<20 {
                    client.send(Self.get)
                    let response = try client.readResponse()
                    #expect(response.whole)
                    #expect(response.body == (0..<100).map { "\($0)," }.joined())
                }
                client.send("HEAD / HTTP/1.1\r\nHost: x\r\n\r\n")
                #expect(try client.readResponse(head: true).status == 200)
                client.send("GET / HTTP/1.0\r\n\r\n")
                let old = try client.readResponse()
                #expect(old.headers["transfer-encoding"] == nil)
                #expect(old.body.hasSuffix("98,99,"))
            }
        }
    }

    @Test func aWriterIsSuspendedWhileItsReaderReadsNothing() async throws {
        let written = Mutex(0)
        let total = 64 << 20
        let handler: HTTPServer.Handler = { _ in
            HTTPResponse(
                body: .stream { body in
                    let piece = [UInt8](repeating: 97, count: 4096)
                    for _ in 0..<(total / piece.count) {
                        try await body.write(piece)
                        written.withLock { $0 += piece.count }
                    }
                })
        }
        var limits = HTTPServer.Limits()
        limits.stallDeadline = .seconds(3600)
        try await serving(limits, handler: handler) { port, _ in
            let client = try await offPool { try RawClient(port, sending: Self.get, receiveBuffer: 4096) }
            // Wait until the writer stands still, then see how far it came: queue and socket buffers, no more.
            var last = -1
            while written.withLock({ $0 }) != last {
                last = written.withLock { $0 }
                try await Task.sleep(for: .milliseconds(300))
            }
            #expect(last > 0)
            #expect(last < 2 << 20)
            let length = try await offPool { try client.readResponse().body.utf8.count }
            #expect(length == total)
        }
    }

    @Test func aProducerThatFailsLeavesABodyWithoutItsEnd() async throws {
        struct Failure: Error {}
        let handler: HTTPServer.Handler = { _ in
            HTTPResponse(
                body: .stream { body in
                    try await body.write(Array("part".utf8))
                    throw Failure()
                })
        }
        try await serving(handler: handler) { port, _ in
            let response = try await offPool {
                let client = try RawClient(port)
                client.send(Self.get)
                return try client.readResponse()
            }
            #expect(response.body == "part")
            #expect(!response.whole)
        }
    }
}
