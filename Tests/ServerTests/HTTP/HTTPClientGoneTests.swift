import Glibc
import Server
import Testing

@Suite(.serialized) struct HTTPClientGoneTests {
    private static let get = "GET / HTTP/1.1\r\nHost: x\r\n\r\n"

    /// Sleeps until cancelled; a minute where nobody cancels, which fails the test.
    private static func sleepUntilCancelled(_ cancelled: Signal) async {
        do { try await Task.sleep(for: .seconds(60)) } catch { cancelled.set() }
    }

    @Test func aClientThatLeavesWhileItWaitsCancelsItsTask() async throws {
        let began = Signal()
        let cancelled = Signal()
        let handler: HTTPServer.Handler = { _ in
            began.set()
            await Self.sleepUntilCancelled(cancelled)
            return .text("nobody reads this")
        }
        try await serving(handler: handler) { port, _ in
            let client = try await offPool { try RawClient(port, sending: Self.get, receiveBuffer: 4096) }
            #expect(await began.wait())
            client.close()
            #expect(await cancelled.wait())
        }
    }

    @Test func aClientThatLeavesASilentStreamCancelsItsTask() async throws {
        let began = Signal()
        let cancelled = Signal()
        let handler: HTTPServer.Handler = { _ in
            HTTPResponse(
                body: .stream { body in
                    try await body.write([97])
                    began.set()
                    await Self.sleepUntilCancelled(cancelled)
                })
        }
        try await serving(handler: handler) { port, _ in
            let client = try await offPool { try RawClient(port, sending: Self.get, receiveBuffer: 4096) }
            #expect(await began.wait())
            client.close()
            #expect(await cancelled.wait())
        }
    }

    @Test func aWriterThrowsOnceItsClientHasLeft() async throws {
        let began = Signal()
        let threw = Signal()
        let handler: HTTPServer.Handler = { _ in
            HTTPResponse(
                body: .stream { body in
                    began.set()
                    do {
                        while true { try await body.write([UInt8](repeating: 97, count: 1000)) }
                    } catch {
                        if error is HTTPClientGone { threw.set() }
                        throw error
                    }
                })
        }
        try await serving(handler: handler) { port, _ in
            let client = try await offPool { try RawClient(port, sending: Self.get, receiveBuffer: 4096) }
            #expect(await began.wait())
            client.close()
            #expect(await threw.wait())
        }
    }

    @Test func aClientThatStopsReadingIsGivenUp() async throws {
        let threw = Signal()
        let handler: HTTPServer.Handler = { _ in
            HTTPResponse(
                body: .stream { body in
                    do {
                        while true { try await body.write([UInt8](repeating: 97, count: 1000)) }
                    } catch {
                        threw.set()
                        throw error
                    }
                })
        }
        var limits = HTTPServer.Limits()
        // Far away: it is the closed window that tells.
        limits.sendDeadline = .seconds(3600)
        try await serving(limits, handler: handler) { port, _ in
            let client = try await offPool { try RawClient(port, sending: Self.get, receiveBuffer: 4096) }
            #expect(await threw.wait())
            client.close()
        }
    }

    @Test func aSlowReaderOfAStreamGetsAllOfIt() async throws {
        let total = 1_000_000
        let handler: HTTPServer.Handler = { _ in
            HTTPResponse(
                body: .stream { body in
                    for _ in 0..<total / 1000 { try await body.write([UInt8](repeating: 97, count: 1000)) }
                })
        }
        var limits = HTTPServer.Limits()
        limits.stallDeadline = .seconds(2)
        try await serving(limits, handler: handler) { port, _ in
            let count = try await offPool {
                let client = try RawClient(
                    port, sending: "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                var count = 0
                // For longer than the deadline, and the writer has not come to its end then.
                for _ in 0..<40 {
                    count += try client.take(8000).count
                    usleep(100_000)
                }
                return try client.readToEnd().count + count
            }
            #expect(count > total)
        }
    }

    /// Nothing more is made for it, so only its connection is held.
    @Test func oneThatPausesOverAnAnswerThatIsMadeGetsAllOfIt() async throws {
        let answer = [UInt8](repeating: 97, count: 1_000_000)
        for body in [HTTPResponse.Body.bytes(answer), .stream { try await $0.write(answer) }] {
            var limits = HTTPServer.Limits()
            limits.streamBufferBytes = answer.count
            try await serving(limits, handler: { _ in HTTPResponse(body: body) }) { port, _ in
                let response = try await offPool {
                    let client = try RawClient(port, sending: Self.get, receiveBuffer: 4096)
                    usleep(3_000_000)
                    return try client.readResponse()
                }
                #expect(response.whole && response.body.utf8.count == answer.count)
            }
        }
    }

    @Test func aQuietStreamOutlivesTheStallAndIdleLimits() async throws {
        var limits = HTTPServer.Limits()
        limits.stallDeadline = .seconds(1)
        limits.idleTimeout = .seconds(1)
        let handler: HTTPServer.Handler = { _ in
            try? await Task.sleep(for: .seconds(2))
            return HTTPResponse(
                body: .stream { body in
                    try await body.write([97])
                    try await Task.sleep(for: .seconds(2))
                    try await body.write([98])
                })
        }
        try await serving(limits, handler: handler) { port, _ in
            let response = try await offPool {
                let client = try RawClient(port)
                client.send(Self.get)
                return try client.readResponse()
            }
            #expect(response.body == "ab")
            #expect(response.whole)
        }
    }

    @Test func aServerSurvivesManyClientsThatVanishAtRandom() async throws {
        let handler: HTTPServer.Handler = { request in
            if request.path == "/stay" { return .text("here") }
            try? await Task.sleep(for: .milliseconds(Int.random(in: 0...20)))
            return HTTPResponse(
                body: .stream { body in
                    for _ in 0..<50 {
                        try await body.write([UInt8](repeating: 97, count: 2000))
                        try await Task.sleep(for: .milliseconds(1))
                    }
                })
        }
        var limits = HTTPServer.Limits()
        // Half of what vanishes: were they not noticed, no place would be left for the last client.
        limits.connections = 200
        try await serving(limits, handler: handler) { port, _ in
            try await offPool {
                for _ in 0..<10 {
                    var clients: [RawClient] = []
                    for _ in 0..<40 {
                        let client = try RawClient(port)
                        client.send(String(Self.get.prefix(Int.random(in: 1...Self.get.count))))
                        clients.append(client)
                        if Bool.random() { clients.remove(at: Int.random(in: 0..<clients.count)).close() }
                    }
                }
                var answer = ""
                for _ in 0..<500 where answer != "here" {
                    let client = try RawClient(port, sending: "GET /stay HTTP/1.1\r\nHost: x\r\n\r\n")
                    answer = try client.readResponse().body
                    if answer != "here" { usleep(10_000) }
                }
                #expect(answer == "here")
            }
        }
    }

    @Test func aServerThatWasFullTakesConnectionsAgainWhenAllOfThemEndAtOnce() async throws {
        var limits = HTTPServer.Limits()
        // libmicrohttpd's own limit is 65 then.
        limits.connections = 1
        limits.headerDeadline = .milliseconds(300)
        try await serving(limits, handler: echo) { port, _ in
            let status = try await offPool {
                let full = try (0..<80).map { _ in try RawClient(port, sending: "G") }
                for client in full { _ = try? client.readResponse() }
                for client in full { client.close() }
                return try RawClient(port, sending: Self.get).readResponse().status
            }
            #expect(status == 200 || status == 503)
        }
    }
}
