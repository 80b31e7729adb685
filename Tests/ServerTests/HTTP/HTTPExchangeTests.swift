import Foundation
import Server
import Testing

@Suite(.serialized) struct HTTPExchangeTests {
    @Test func aBodyWithALengthArrivesWhole() async throws {
        let body = String(repeating: "0123456789", count: 100_000)
        try await serving(handler: { .text("\($0.body.count) \($0.body.last ?? 0)") }) { port, _ in
            let response = try await offPool {
                let client = try RawClient(port)
                client.send(
                    "POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)")
                return try client.readResponse()
            }
            #expect(response.status == 200)
            #expect(response.body == "1000000 57")
        }
    }

    @Test func aChunkedBodyArrivesWithoutItsFraming() async throws {
        try await serving(handler: echo) { port, _ in
            let response = try await offPool {
                let client = try RawClient(port)
                client.send("POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")
                client.send("6;note=1\r\n world\r\n0\r\n\r\n")
                return try client.readResponse()
            }
            #expect(response.body == "POST /a [] hello world")
        }
    }

    @Test func aClientThatAsksBeforeSendingIsToldToGoOn() async throws {
        try await serving(handler: echo) { port, _ in
            let response = try await offPool {
                let client = try RawClient(port)
                client.send(
                    "POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n")
                #expect(try client.readHead().status == 100)
                client.send("hello")
                return try client.readResponse()
            }
            #expect(response.body == "POST /a [] hello")
        }
    }

    @Test func pipelinedRequestsAreAnsweredInOrderOnOneConnection() async throws {
        try await serving(handler: echo) { port, _ in
            try await offPool {
                let client = try RawClient(port)
                client.send(
                    (0..<50).map { "POST /\($0) HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nok" }.joined()
                )
                for index in 0..<50 {
                    #expect(try client.readResponse().body == "POST /\(index) [] ok")
                }
            }
        }
    }

    @Test func oldClientsAndClosingClientsAreClosedOn() async throws {
        try await serving(handler: echo) { port, _ in
            try await offPool {
                for head in [
                    "GET / HTTP/1.0\r\n\r\n", "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
                ] {
                    let client = try RawClient(port)
                    client.send(head)
                    #expect(try client.readResponse().status == 200)
                    #expect(try client.endsHere())
                }
            }
        }
    }

    @Test func headHasTheHeaderOfGetAndNoBody() async throws {
        try await serving(handler: echo) { port, _ in
            try await offPool {
                let client = try RawClient(port)
                client.send("HEAD /a HTTP/1.1\r\nHost: x\r\n\r\n")
                let response = try client.readResponse(head: true)
                #expect(response.status == 200)
                #expect(response.headers["content-length"] == "11")
                client.send("GET /b HTTP/1.1\r\nHost: x\r\n\r\n")
                #expect(try client.readResponse().body == "GET /b [] ")
            }
        }
    }

    @Test func pathAndQueryAreDecodedOnce() async throws {
        try await serving(handler: echo) { port, _ in
            try await offPool {
                let client = try RawClient(port)
                client.send("GET /a%2541%E4%BD%A0?x=1%262+3&y HTTP/1.1\r\nHost: x\r\n\r\n")
                #expect(try client.readResponse().body == "GET /a%41你 [x=1&2 3&y=] ")
            }
        }
    }

    @Test func headersAreFoundWithoutRegardToCaseAndTheAddressIsKnown() async throws {
        let handler: HTTPServer.Handler = { request in
            .text(
                "\(request.headers["x-note"] ?? "none") \(request.headers.all("X-NOTE").count) \(request.remoteAddress)"
            )
        }
        try await serving(handler: handler) { port, _ in
            let response = try await offPool {
                let client = try RawClient(port)
                client.send("GET / HTTP/1.1\r\nHost: x\r\nX-Note: one\r\nx-nOTE: two\r\n\r\n")
                return try client.readResponse()
            }
            #expect(response.body == "one 2 127.0.0.1")
            #expect(response.headers["x-request-id"]?.hasPrefix("req_") == true)
        }
    }

    @Test func aHeaderThatCannotBeSentIsA500AndNotAnInjection() async throws {
        try await serving(handler: { _ in HTTPResponse(headers: ["X-Note": "a\r\nSet-Cookie: b"]) }) {
            port, _ in
            let response = try await offPool {
                let client = try RawClient(port)
                client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
                return try client.readResponse()
            }
            #expect(response.status == 500)
            #expect(response.headers["set-cookie"] == nil)
        }
    }

    @Test func twoHundredClientsAtOnceGetTheirOwnAnswers() async throws {
        let handler: HTTPServer.Handler = { request in
            try? await Task.sleep(for: .milliseconds(50))
            return await echo(request)
        }
        try await serving(handler: handler) { port, _ in
            try await offPool {
                let clients = try (0..<200).map { _ in try RawClient(port) }
                for round in 0..<3 {
                    for (index, client) in clients.enumerated() {
                        client.send("GET /\(index).\(round) HTTP/1.1\r\nHost: x\r\n\r\n")
                    }
                    for (index, client) in clients.enumerated() {
                        #expect(try client.readResponse().body == "GET /\(index).\(round) [] ")
                    }
                }
            }
        }
    }
}
