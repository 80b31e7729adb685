import Glibc
import Server
import Testing

@Suite(.serialized) struct HTTPFramingTests {
    @Test(arguments: [
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nContent-Length: 5\r\n\r\nhello",
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length : 5\r\n\r\nhello",
        "GET / HTTP/1.1\r\nHost: x\r\nX-Note: a\rContent-Length: 5\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\nX\rNote: a\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\nhello",
        "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: gzip\r\n\r\n0\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\nX-Note: a\u{1}b\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n 0\r\n\r\nhello",
        "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n",
        "POST / HTTP/1.0\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "GET /a%00b HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /a%zz HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /a%ff HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /?a=%00 HTTP/1.1\r\nHost: x\r\n\r\n",
    ])
    func whatTwoReadersCouldReadDifferentlyIsRefused(_ bytes: String) async throws {
        let handled = Signal()
        let handler: HTTPServer.Handler = { request in
            handled.set()
            return await echo(request)
        }
        try await serving(handler: handler) { port, _ in
            let response = try await offPool {
                let client = try RawClient(port)
                // A second request rides along: it must not be answered either.
                client.send(bytes + "GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n")
                let response = try client.readResponse()
                #expect(try client.endsHere())
                return response
            }
            #expect(response.status == 400)
            #expect(response.errorCode == "malformed_request")
            #expect(!handled.isSet)
        }
    }

    @Test(arguments: [
        "Content-Length: -1", "Content-Length: 5x", "Content-Length: 5, 5",
        "Content-Length: 99999999999999999999",
        "no colon here",
    ])
    func whatTheLibraryRefusesItselfIsAnErrorToo(_ field: String) async throws {
        try await serving(handler: echo) { port, _ in
            let response = try await offPool {
                let client = try RawClient(port)
                client.send("POST / HTTP/1.1\r\nHost: x\r\n\(field)\r\n\r\n")
                return try client.readHead()
            }
            #expect((400...499).contains(response.status))
        }
    }

    @Test func aBodyAnnouncedTooLongIsRefusedThoughTheClientGoesOnSending() async throws {
        var limits = HTTPServer.Limits()
        limits.bodyBytes = 1000
        try await serving(limits, handler: echo) { port, _ in
            let response = try await offPool {
                let client = try RawClient(port)
                client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4000000\r\n\r\n")
                client.send([UInt8](repeating: 97, count: 4_000_000))
                return try client.readResponse()
            }
            #expect(response.status == 413)
            #expect(response.errorCode == "request_too_large")
        }
    }

    @Test func aChunkedBodyIsRefusedWhereItPassesTheLimit() async throws {
        var limits = HTTPServer.Limits()
        limits.bodyBytes = 1000
        try await serving(limits, handler: echo) { port, _ in
            try await offPool {
                let piece = "1f4\r\n" + String(repeating: "a", count: 500) + "\r\n"
                let head = "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
                let fits = try RawClient(port)
                fits.send(head + piece + piece + "0\r\n\r\n")
                #expect(try fits.readResponse().status == 200)
                let over = try RawClient(port)
                over.send(
                    head + piece + piece + "1\r\na\r\n" + String(repeating: piece, count: 1000) + "0\r\n\r\n")
                let response = try over.readResponse()
                #expect(response.status == 413)
                #expect(response.errorCode == "request_too_large")
            }
        }
    }

    @Test func aHeaderThatIsTooLongIsA431() async throws {
        try await serving(handler: echo) { port, _ in
            try await offPool {
                let head = "GET / HTTP/1.1\r\nHost: x\r\nX-Note: "
                let long = try RawClient(port)
                long.send(head + String(repeating: "a", count: 17 << 10) + "\r\n\r\n")
                #expect(try long.readResponse().errorCode == "header_too_large")
                let longer = try RawClient(port)
                longer.send(head + String(repeating: "a", count: 1 << 20))
                #expect(try longer.readHead().status == 431)
            }
        }
    }

    @Test func aHeaderThatNeverEndsIsA408AlsoAfterAFirstRequest() async throws {
        var limits = HTTPServer.Limits()
        limits.headerDeadline = .seconds(1)
        try await serving(limits, handler: echo) { port, _ in
            try await offPool {
                let fresh = try RawClient(port)
                fresh.send("GET / HT")
                let used = try RawClient(port)
                used.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
                #expect(try used.readResponse().status == 200)
                usleep(600_000)
                used.send("GET / HT")
                for client in [fresh, used] {
                    let response = try client.readResponse()
                    #expect(response.status == 408)
                    #expect(response.errorCode == "header_timeout")
                    #expect(try client.endsHere())
                }
            }
        }
    }

    @Test func aBodyThatNeverEndsIsA408() async throws {
        var limits = HTTPServer.Limits()
        limits.bodyDeadline = .seconds(1)
        try await serving(limits, handler: echo) { port, _ in
            try await offPool {
                for framing in [
                    "Content-Length: 10\r\n\r\nhel", "Transfer-Encoding: chunked\r\n\r\n3\r\nhel",
                ] {
                    let client = try RawClient(port)
                    client.send("POST / HTTP/1.1\r\nHost: x\r\n\(framing)")
                    let response = try client.readResponse()
                    #expect(response.status == 408)
                    #expect(response.errorCode == "body_timeout")
                    #expect(try client.endsHere())
                }
            }
        }
    }
}
