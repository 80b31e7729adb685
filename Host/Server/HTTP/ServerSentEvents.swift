/// Server-sent events: the `text/event-stream` framing of the WHATWG HTML standard, section 9.2.
public enum ServerSentEvents {
    /// One event. A line break inside `data` starts another `data:` line, which the client joins again.
    public static func frame(_ data: String) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(data.utf8.count + 8)
        bytes += "data: ".utf8
        var previous: UInt8 = 0
        for byte in data.utf8 {
            switch byte {
            case UInt8(ascii: "\n") where previous == UInt8(ascii: "\r"): break
            case UInt8(ascii: "\n"), UInt8(ascii: "\r"): bytes += "\ndata: ".utf8
            default: bytes.append(byte)
            }
            previous = byte
        }
        bytes += "\n\n".utf8
        return bytes
    }

    /// A response that streams events; `producer` writes each with `send`.
    public static func response(
        headers: HTTPHeaders = [:], _ producer: @escaping @Sendable (Writer) async throws -> Void
    ) -> HTTPResponse {
        var headers = headers
        headers["Content-Type"] = "text/event-stream"
        headers["Cache-Control"] = "no-cache"
        return HTTPResponse(headers: headers, body: .stream { try await producer(Writer(body: $0)) })
    }

    public struct Writer: Sendable {
        let body: HTTPBodyWriter

        /// Suspends and throws as `HTTPBodyWriter.write` does.
        public func send(_ data: String) async throws {
            try await body.write(ServerSentEvents.frame(data))
        }
    }
}
