import Foundation
import PluginHost

/// Who may ask what: keys, and limits for each of them. Any thread.
public final class AccessControl: Sendable {
    /// Paths that a stranger may read: the page that asks for a key, and what a balancer looks at.
    private static let open: Set<String> = ["/", "/health", "/ready"]

    /// nil: whoever reaches the server may use it.
    private let keys: KeyRing?
    private let limiter: RateLimiter

    public init(_ keys: KeyRing?) {
        self.keys = keys
        limiter = RateLimiter { Double(monotonicNanoseconds()) / 1e9 }
    }

    /// Says no to a request by its head, before its body is received; nil lets it pass.
    public func refusal(of head: HTTPRequest) -> HTTPError? {
        guard let keys, !Self.open.contains(head.path) else { return nil }
        guard let sent = head.key else {
            return Self.unauthorised("an API key is needed: send it as \"Authorization: Bearer KEY\"")
        }
        return keys.key(sent) == nil ? Self.unauthorised("the API key is not one of this server's") : nil
    }

    /// Takes in a request that costs computing. Its client is let go with the last reference to what this returns.
    ///
    /// - Throws: `HTTPError` 401 where the key has gone meanwhile, 429 where a limit is reached.
    public func admit(_ request: HTTPRequest) throws(HTTPError) -> Client {
        guard let keys else {
            return Client(key: nil, limiter, RateLimiter.Standing(), notes: request.notes)
        }
        guard let key = request.key.flatMap({ keys.key($0) }) else {
            throw Self.unauthorised("the API key is not one of this server's")
        }
        request.notes.set("key", .string(key.label))
        switch limiter.begin(key) {
        case .success(let standing): return Client(key: key, limiter, standing, notes: request.notes)
        case .failure(let refused): throw HTTPError(refused)
        }
    }

    private static func unauthorised(_ message: String) -> HTTPError {
        HTTPError(
            status: 401, message: message, type: "authentication_error", code: "invalid_api_key",
            headers: ["WWW-Authenticate": "Bearer"])
    }

    /// One request of a client, while it runs.
    public final class Client: Sendable {
        /// nil where the server has no keys.
        public let key: APIKey?
        /// `x-ratelimit-…`, as OpenAI names them.
        public let headers: HTTPHeaders
        /// Of the request.
        let notes: RequestNotes
        private let limiter: RateLimiter

        fileprivate init(
            key: APIKey?, _ limiter: RateLimiter, _ standing: RateLimiter.Standing, notes: RequestNotes
        ) {
            self.key = key
            self.limiter = limiter
            self.notes = notes
            headers = standing.headers
        }

        deinit {
            if let key { limiter.end(key) }
        }

        /// Pays for tokens that were read or written.
        public func spend(_ tokens: Int) {
            if let key, tokens > 0 { limiter.spend(tokens, key) }
        }
    }
}

extension HTTPRequest {
    /// The key that its client sent. A page cannot set `Authorization` on a WebSocket: there it may stand among the
    /// subprotocols, as OpenAI's clients have it.
    fileprivate var key: String? {
        if let token = headers.bearerToken { return token }
        let mark = "openai-insecure-api-key."
        return isWebSocket
            ? subprotocols.first { $0.hasPrefix(mark) }.map { String($0.dropFirst(mark.count)) } : nil
    }

    /// What its client would speak over a WebSocket, in the order of its wishes.
    var subprotocols: [String] {
        headers.all("Sec-WebSocket-Protocol").flatMap { $0.split(separator: ",") }
            .map { $0.trimmingCharacters(in: .whitespaces) }
    }
}

extension HTTPHeaders {
    /// What follows `Bearer` in `Authorization`; nil where there is none.
    var bearerToken: String? {
        guard let words = self["Authorization"]?.split(separator: " ", maxSplits: 1), words.count == 2,
            words[0].lowercased() == "bearer"
        else { return nil }
        return words[1].trimmingCharacters(in: .whitespaces)
    }
}

extension RateLimiter.Standing {
    fileprivate var headers: HTTPHeaders {
        var headers = HTTPHeaders()
        for (what, bucket) in [("requests", requests), ("tokens", tokens)] {
            guard let bucket else { continue }
            headers.append("x-ratelimit-limit-\(what)", "\(bucket.limit)")
            headers.append("x-ratelimit-remaining-\(what)", "\(bucket.remaining)")
            headers.append("x-ratelimit-reset-\(what)", Self.duration(bucket.reset))
        }
        return headers
    }

    /// As OpenAI writes them: `120ms`, `7s`.
    private static func duration(_ seconds: Double) -> String {
        seconds < 1 ? "\(Int((seconds * 1000).rounded(.up)))ms" : "\(Int(seconds.rounded(.up)))s"
    }
}

extension HTTPError {
    fileprivate init(_ refused: RefusedRequest) {
        let (message, wait): (String, Double)
        switch refused.refusal {
        case .requests(let limit, let seconds):
            (message, wait) = ("this key may send \(limit) requests a minute", seconds)
        case .tokens(let limit, let seconds):
            (message, wait) = ("this key may spend \(limit) tokens a minute", seconds)
        case .concurrent(let limit):
            (message, wait) = ("this key may have \(limit) requests at once", 1)
        }
        let seconds = max(1, Int(wait.rounded(.up)))
        var headers = refused.standing.headers
        headers.append("Retry-After", "\(seconds)")
        self.init(
            status: 429, message: "\(message); try again in \(seconds) s", type: "rate_limit_error",
            code: "rate_limit_exceeded", headers: headers)
    }
}
