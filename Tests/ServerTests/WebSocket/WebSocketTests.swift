import Server
import Synchronization
import Testing

/// A conversation over the server's own sockets.
@Suite(.serialized) struct WebSocketTests {
    private static let handshake =
        "GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n"
        + "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"

    /// Masked by zeros, which leave the payload as it is.
    private static func frame(_ head: UInt8, _ payload: [UInt8]) -> [UInt8] {
        let size =
            payload.count < 126
            ? [UInt8(payload.count)] : [126, UInt8(payload.count >> 8), UInt8(payload.count & 0xFF)]
        return [head, size[0] | 0x80] + size.dropFirst() + [0, 0, 0, 0] + payload
    }

    /// Says every message back, until "end".
    private static let echo: HTTPServer.Handler = { request in
        WebSocket.response(to: request) { socket in
            while true {
                switch try await socket.receive() {
                case .text("end"): return WebSocketClose(WebSocketClose.normal, "bye")
                case .text(let text): try await socket.send(text)
                case .binary(let bytes): try await socket.send("\(bytes.count) bytes")
                }
            }
        }
    }

    private func talk<Result: Sendable>(
        _ handler: @escaping HTTPServer.Handler = echo,
        _ body: @escaping @Sendable (RawClient) throws -> Result
    ) async throws -> Result {
        try await serving(handler: handler) { port, _ in
            try await offPool {
                let client = try RawClient(port)
                client.send(Self.handshake)
                let head = try client.readHead()
                #expect(head.status == 101)
                #expect(head.headers["upgrade"] == "websocket")
                #expect(head.headers["connection"]?.lowercased() == "upgrade")
                // RFC 6455, section 1.3, has this key and its answer.
                #expect(head.headers["sec-websocket-accept"] == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
                return try body(client)
            }
        }
    }

    @Test func messagesGoBothWaysAndBothSidesEndIt() async throws {
        try await talk { client throws in
            client.send(Self.frame(0x81, Array("hello".utf8)) + Self.frame(0x89, [7]))
            #expect(try client.take(7) == [0x81, 5] + Array("hello".utf8))
            #expect(try client.take(3) == [0x8A, 1, 7])
            client.send(Self.frame(0x82, Array(repeating: 1, count: 1000)))
            #expect(try client.take(12) == [0x81, 10] + Array("1000 bytes".utf8))
            client.send(Self.frame(0x81, Array("end".utf8)))
            #expect(try client.take(7) == [0x88, 5, 0x03, 0xE8] + Array("bye".utf8))
            client.send(Self.frame(0x88, [0x03, 0xE8]))
            #expect(try client.readToEnd().isEmpty)
        }
    }

    @Test func framesThatComeWithTheHandshakeAreNotLost() async throws {
        try await serving(handler: Self.echo) { port, _ in
            try await offPool {
                let client = try RawClient(port)
                client.send(Array(Self.handshake.utf8) + Self.frame(0x81, Array("early".utf8)))
                _ = try client.readHead()
                #expect(try client.take(7) == [0x81, 5] + Array("early".utf8))
            }
        }
    }

    @Test func aClientThatEndsItIsAnsweredAndLetGo() async throws {
        try await talk { client throws in
            client.send(Self.frame(0x88, [0x03, 0xE9]))
            #expect(try client.readToEnd() == [0x88, 2, 0x03, 0xE9])
        }
    }

    @Test func aBrokenFrameIsAnsweredByItsCode() async throws {
        try await talk { client throws in
            client.send([0x81, 0x05] + Array("Hello".utf8))
            let end = try client.readToEnd()
            #expect(end.prefix(1) == [0x88] && end.dropFirst(2).prefix(2) == [0x03, 0xEA])
        }
    }

    @Test func aClientThatVanishesEndsTheConversation() async throws {
        let gone = Signal()
        let handler: HTTPServer.Handler = { request in
            WebSocket.response(to: request) { socket in
                defer { gone.set() }
                while true { _ = try await socket.receive() }
            }
        }
        try await talk(handler) { client throws in client.close() }
        #expect(await gone.wait())
    }

    @Test func oneThatIsBusyNoticesItToo() async throws {
        let gone = Signal()
        let handler: HTTPServer.Handler = { request in
            WebSocket.response(to: request) { socket in
                defer { gone.set() }
                _ = try await socket.receive()
                try await Task.sleep(for: .seconds(3600))
                return WebSocketClose(WebSocketClose.normal, "")
            }
        }
        try await talk(handler) { client throws in
            client.send(Self.frame(0x81, [0x61]))
            client.close()
        }
        #expect(await gone.wait())
    }

    @Test func aReaderThatStandsStillHoldsItsClientBack() async throws {
        let go = Signal()
        let frames = 512
        let heard = Mutex(0)
        let handler: HTTPServer.Handler = { request in
            WebSocket.response(to: request) { socket in
                #expect(await go.wait())
                for _ in 0..<frames {
                    if case .binary(let bytes) = try await socket.receive(), bytes.count == 60_000 {
                        heard.withLock { $0 += 1 }
                    }
                }
                return WebSocketClose(WebSocketClose.normal, "")
            }
        }
        try await serving(handler: handler) { port, _ in
            let sent = Mutex(0)
            let client = Task {
                try await offPool {
                    let client = try RawClient(port)
                    client.send(Self.handshake)
                    _ = try client.readHead()
                    for _ in 0..<frames {
                        client.send(Self.frame(0x82, Array(repeating: 1, count: 60_000)))
                        sent.withLock { $0 += 1 }
                    }
                    return try client.take(4)
                }
            }
            // Until it sends no more: the buffers of kernel and server are full.
            var last = -1
            while last != sent.withLock({ $0 }) || last == 0 {
                last = sent.withLock { $0 }
                try await Task.sleep(for: .milliseconds(500))
            }
            #expect(last < frames && heard.withLock { $0 } == 0)
            go.set()
            #expect(try await client.value == [0x88, 2, 0x03, 0xE8])
            #expect(heard.withLock { $0 } == frames)
        }
    }

    @Test func aServerThatStopsSaysSo() async throws {
        let server = HTTPServer(
            configuration: .init(port: 0), handler: Self.echo)
        try server.start()
        let port = server.port
        let client = try await offPool {
            let client = try RawClient(port)
            client.send(Self.handshake)
            _ = try client.readHead()
            return client
        }
        let stopping = Task { await server.stop(drain: .seconds(20)) }
        let end = try await offPool { try client.take(4) }
        #expect(end[0] == 0x88 && Array(end[2...]) == [0x03, 0xE9])
        client.send(Self.frame(0x88, [0x03, 0xE9]))
        await stopping.value
    }

    @Test(arguments: [
        ("Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13", 400),
        (
            "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: abc",
            400
        ),
        (
            "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 8\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
            426
        ),
        ("Upgrade: h2c\r\nConnection: Upgrade", 426), ("Connection: Upgrade", 426), ("X: y", 426),
    ]) func anythingElseIsAnOrdinaryAnswer(_ fields: String, _ status: Int) async throws {
        let answer = try await serving(handler: Self.echo) { port, _ in
            try await offPool {
                try RawClient(port, sending: "GET / HTTP/1.1\r\nHost: x\r\n\(fields)\r\n\r\n").readResponse()
            }
        }
        #expect(answer.status == status && answer.errorCode != nil)
    }
}
