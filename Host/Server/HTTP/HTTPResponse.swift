/// What a handler answers.
public struct HTTPResponse: Sendable {
    public typealias Producer = @Sendable (HTTPBodyWriter) async throws -> Void

    public enum Body: Sendable {
        case bytes([UInt8])
        /// Runs in the handler's task after the handler has returned. When it throws, the client sees the
        /// connection end inside the body, so it cannot take a cut answer for a whole one.
        case stream(Producer)
        /// Ends HTTP on this connection after the head, whose status is 101 and which names the protocol in `Upgrade`.
        /// What follows runs in the handler's task; when it returns, what it wrote is sent and the connection closed.
        case upgrade(@Sendable (HTTPUpgraded) async -> Void)
    }

    /// 200 to 599, or 101 with an upgrade.
    public var status: Int
    /// `Content-Length`, `Transfer-Encoding`, `Connection` and `x-request-id` are the server's own; they are
    /// ignored here.
    public var headers: HTTPHeaders
    public var body: Body
    /// What went wrong, where that is the answer; for the log.
    var error: HTTPError?

    public init(status: Int = 200, headers: HTTPHeaders = [:], body: Body = .bytes([])) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    public static func text(_ text: String, status: Int = 200) -> HTTPResponse {
        HTTPResponse(
            status: status, headers: ["Content-Type": "text/plain; charset=utf-8"],
            body: .bytes(Array(text.utf8)))
    }

    /// `bytes` is a JSON text already encoded.
    public static func json(_ bytes: [UInt8], status: Int = 200) -> HTTPResponse {
        HTTPResponse(status: status, headers: ["Content-Type": "application/json"], body: .bytes(bytes))
    }
}
