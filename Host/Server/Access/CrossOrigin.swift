/// What pages of other origins may do in a browser: nothing by WebSocket, nor read an answer, unless the operator allows their
/// origin. Requests that are from no page have no `Origin` and are not touched. Any thread.
public struct CrossOrigin: Sendable {
    /// Fields of answers that a page may read beside those that it always may.
    private static let exposed = [
        "x-request-id", "Retry-After", "x-ratelimit-limit-requests", "x-ratelimit-remaining-requests",
        "x-ratelimit-reset-requests", "x-ratelimit-limit-tokens", "x-ratelimit-remaining-tokens",
        "x-ratelimit-reset-tokens",
    ].joined(separator: ", ")

    private let allowed: Set<String>

    /// - Parameter allowed: As ``origin(_:)`` returns them.
    public init(allowed: [String]) {
        self.allowed = Set(allowed)
    }

    /// An origin as browsers write it, or `*` for all; nil where `text` is none: it is a scheme, a host and perhaps a port,
    /// without a path.
    public static func origin(_ text: String) -> String? {
        let text = text.lowercased()
        if text == "*" { return text }
        let host = authority(text)
        return host.isEmpty || text.utf8.contains { $0 <= 0x20 || $0 >= 0x7F }
            || host.contains { "/?#@".contains($0) } ? nil : text
    }

    /// Host and port of an origin; empty where it has none, as `null`.
    private static func authority(_ origin: String) -> Substring {
        guard let mark = origin.firstRange(of: "://"), mark.lowerBound > origin.startIndex else { return "" }
        return origin[mark.upperBound...]
    }

    /// Says no to a WebSocket of a strange page, lets what browsers ask before the real request pass, and else does as
    /// `doorkeeper`; a page that is allowed may read why it is refused.
    public func refusal(of head: HTTPRequest, by doorkeeper: HTTPServer.Doorkeeper) -> HTTPError? {
        guard let origin = head.headers["Origin"]?.lowercased() else { return doorkeeper(head) }
        let isAllowed = allows(origin)
        let isOwn = !origin.isEmpty && Self.authority(origin) == (head.headers["Host"] ?? "").lowercased()
        if head.isWebSocket, !isAllowed, !isOwn {
            return HTTPError(
                status: 403,
                message:
                    "Pages of \(origin) may not open WebSockets here, unless --allow-origin names them.",
                code: "origin_not_allowed")
        }
        if isAllowed, head.isPreflight { return nil }
        guard var refusal = doorkeeper(head) else { return nil }
        if isAllowed { refusal.headers.append(Self.fields(for: head)) }
        return refusal
    }

    /// The answer of `handler`, which a page that is allowed may read.
    public func respond(to request: HTTPRequest, by handler: HTTPServer.Handler) async -> HTTPResponse {
        guard let origin = request.headers["Origin"]?.lowercased(), allows(origin) else {
            return await handler(request)
        }
        var response = request.isPreflight ? Self.preflight(request) : await handler(request)
        response.headers.append(Self.fields(for: request))
        return response
    }

    private func allows(_ origin: String) -> Bool { allowed.contains(origin) || allowed.contains("*") }

    private static func fields(for request: HTTPRequest) -> HTTPHeaders {
        [
            "Access-Control-Allow-Origin": request.headers["Origin"] ?? "", "Vary": "Origin",
            "Access-Control-Expose-Headers": exposed,
        ]
    }

    private static func preflight(_ request: HTTPRequest) -> HTTPResponse {
        var response = HTTPResponse(
            status: 204,
            headers: ["Access-Control-Allow-Methods": "GET, POST", "Access-Control-Max-Age": "600"])
        if let fields = request.headers["Access-Control-Request-Headers"], !fields.isEmpty {
            response.headers.append("Access-Control-Allow-Headers", fields)
        }
        return response
    }
}

extension HTTPRequest {
    /// Whether it asks to go on as a WebSocket.
    var isWebSocket: Bool {
        headers.all("Upgrade").contains { $0.lowercased().contains("websocket") }
    }

    /// Whether a browser asks what it may send (Fetch, section 4.8).
    fileprivate var isPreflight: Bool {
        method == "OPTIONS" && headers["Access-Control-Request-Method"] != nil
    }
}
