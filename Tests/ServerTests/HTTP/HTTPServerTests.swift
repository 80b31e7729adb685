import Glibc
import Server
import Testing

@Suite(.serialized) struct HTTPServerTests {
    private static let get = "GET / HTTP/1.1\r\nHost: x\r\n\r\n"

    @Test func aPortInUseIsNamedWithItsHost() async throws {
        try await serving(handler: echo) { port, _ in
            let second = HTTPServer(configuration: .init(port: port), handler: echo)
            let error = #expect(throws: HTTPServerError.self) { try second.start() }
            #expect(error?.reason == .addressInUse)
            #expect(error?.description.contains("127.0.0.1 port \(port)") == true)
        }
    }

    @Test(arguments: [
        ("no.such.host.invalid", 0, HTTPServerError.Reason.unknownHost),
        ("203.0.113.7", 0, .addressNotOnThisMachine),
        ("127.0.0.1", 70_000, .invalidConfiguration),
        ("", 0, .invalidConfiguration),
    ])
    func aWrongAddressIsAnErrorOfItsOwn(_ host: String, _ port: Int, _ reason: HTTPServerError.Reason) {
        let server = HTTPServer(configuration: .init(host: host, port: port), handler: echo)
        let error = #expect(throws: HTTPServerError.self) { try server.start() }
        #expect(error?.reason == reason)
    }

    @Test func stoppingFinishesWhatRunsAndRefusesWhatIsNew() async throws {
        let began = Signal()
        let go = Signal()
        let handler: HTTPServer.Handler = { request in
            if request.path == "/ready" { return .text("not any more", status: 503) }
            began.set()
            #expect(await go.wait())
            return .text("finished")
        }
        let server = HTTPServer(configuration: .init(port: 0, pathsToTheEnd: ["/ready"]), handler: handler)
        try server.start()
        let port = server.port
        let answer = Task {
            try await offPool {
                let client = try RawClient(port)
                client.send(Self.get + Self.get)
                return [try client.readResponse(), try? client.readResponse()]
            }
        }
        #expect(await began.wait())
        let stop = Task { await server.stop(drain: .seconds(60)) }
        try await offPool {
            // What comes before the server has heard that it stops would wait for `go`.
            usleep(500_000)
            for body in ["", "0123456789"] {
                let late = try RawClient(port)
                late.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)")
                let response = try late.readResponse()
                #expect(response.status == 503)
                #expect(response.errorCode == "server_shutting_down")
                #expect(response.headers["connection"] == "close")
                #expect(response.headers["retry-after"] == "5")
                #expect(try late.endsHere())
            }
            let probe = try RawClient(port, sending: "GET /ready HTTP/1.1\r\nHost: x\r\n\r\n")
            #expect(try probe.readResponse().body == "not any more")
        }
        go.set()
        let responses = try await answer.value
        await stop.value
        #expect(responses[0]?.body == "finished")
        #expect(responses[0]?.headers["connection"] == "close")
        #expect(responses[1] == nil)
        #expect(throws: RawClientError.self) { try RawClient(port) }
    }

    @Test func whatOutlastsTheDrainIsCancelled() async throws {
        let began = Signal()
        let cancelled = Signal()
        let handler: HTTPServer.Handler = { _ in
            began.set()
            do { try await Task.sleep(for: .seconds(60)) } catch { cancelled.set() }
            return .text("late")
        }
        let server = HTTPServer(configuration: .init(port: 0), handler: handler)
        try server.start()
        let port = server.port
        let closed = Task {
            try await offPool {
                let client = try RawClient(port)
                client.send(Self.get)
                return try client.endsHere()
            }
        }
        #expect(await began.wait())
        await server.stop(drain: .milliseconds(300))
        #expect(await cancelled.wait())
        #expect(try await closed.value)
    }

    @Test func stoppingIsPromptWithIdleConnectionsAndMayBeRepeated() async throws {
        let server = HTTPServer(configuration: .init(port: 0), handler: echo)
        try server.start()
        let port = server.port
        let client = try await offPool {
            let client = try RawClient(port)
            client.send(Self.get)
            #expect(try client.readResponse().status == 200)
            return client
        }
        await server.stop(drain: .seconds(60))
        await server.stop(drain: .seconds(60))
        #expect(try await offPool { try client.endsHere() })
        #expect(throws: HTTPServerError.self) { try server.start() }
    }

    @Test func aConnectionBeyondTheLimitIsTold503() async throws {
        var limits = HTTPServer.Limits()
        limits.connections = 4
        try await serving(limits, handler: echo) { port, _ in
            try await offPool {
                var clients = try (0..<4).map { _ in try RawClient(port) }
                for client in clients {
                    client.send(Self.get)
                    #expect(try client.readResponse().status == 200)
                }
                let fifth = try RawClient(port)
                fifth.send(Self.get)
                let response = try fifth.readResponse()
                #expect(response.status == 503)
                #expect(response.errorCode == "too_many_connections")
                clients.removeLast().close()
                // The place is free once the server has seen the close.
                var served = false
                for _ in 0..<200 where !served {
                    let next = try RawClient(port)
                    next.send(Self.get)
                    served = try next.readResponse().status == 200
                    if !served { usleep(10_000) }
                }
                #expect(served)
            }
        }
    }
}
