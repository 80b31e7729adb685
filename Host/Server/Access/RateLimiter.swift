import Synchronization

/// What clients have spent of their limits. Any thread.
///
/// A bucket for requests and one for tokens fill up evenly over a minute. Tokens are paid when they are known: a bucket may
/// fall below zero, and the next request waits until it is above.
package final class RateLimiter: Sendable {
    /// Why a client has to wait.
    package enum Refusal: Equatable {
        /// Seconds until a request would be taken.
        case requests(limit: Int, wait: Double)
        case tokens(limit: Int, wait: Double)
        case concurrent(limit: Int)
    }

    /// What a client is told beside an answer.
    package struct Standing: Equatable {
        package struct Bucket: Equatable {
            package var limit: Int
            package var remaining: Int
            /// Seconds until it is full.
            package var reset: Double

            package init(limit: Int, remaining: Int, reset: Double) {
                self.limit = limit
                self.remaining = remaining
                self.reset = reset
            }
        }

        package var requests: Bucket?
        package var tokens: Bucket?
    }

    private struct Bucket {
        var level: Double
        var filled: Double

        mutating func fill(_ limit: Int, now: Double) {
            level = min(Double(limit), level + (now - filled) * Double(limit) / 60)
            filled = now
        }

        func standing(_ limit: Int) -> Standing.Bucket {
            Standing.Bucket(
                limit: limit, remaining: max(0, Int(level)),
                reset: (Double(limit) - level) * 60 / Double(limit))
        }
    }

    private struct Client {
        var requests: Bucket?
        var tokens: Bucket?
        var running = 0
    }

    private let clients = Mutex<[String: Client]>([:])
    /// Monotonic seconds.
    private let clock: @Sendable () -> Double

    package init(clock: @escaping @Sendable () -> Double) {
        self.clock = clock
    }

    /// Takes a request in, which ``end(_:)`` lets go, or says why not.
    package func begin(_ key: APIKey) -> Result<Standing, RefusedRequest> {
        let now = clock()
        return clients.withLock { clients in
            var client = clients[key.label] ?? Client()
            defer { clients[key.label] = client }
            let limits = key.limits
            Self.fill(&client.requests, limits.requestsPerMinute, now)
            Self.fill(&client.tokens, limits.tokensPerMinute, now)
            var refusal: Refusal?
            if let limit = limits.concurrent, client.running >= limit {
                refusal = .concurrent(limit: limit)
            } else if let limit = limits.requestsPerMinute, let level = client.requests?.level, level < 1 {
                refusal = .requests(limit: limit, wait: (1 - level) * 60 / Double(limit))
            } else if let limit = limits.tokensPerMinute, let level = client.tokens?.level, level < 1 {
                refusal = .tokens(limit: limit, wait: (1 - level) * 60 / Double(limit))
            }
            if refusal == nil {
                client.running += 1
                client.requests?.level -= 1
            }
            let standing = Standing(
                requests: limits.requestsPerMinute.flatMap { client.requests?.standing($0) },
                tokens: limits.tokensPerMinute.flatMap { client.tokens?.standing($0) })
            if let refusal { return .failure(RefusedRequest(refusal: refusal, standing: standing)) }
            return .success(standing)
        }
    }

    package func spend(_ tokens: Int, _ key: APIKey) {
        let now = clock()
        clients.withLock { clients in
            Self.fill(&clients[key.label, default: Client()].tokens, key.limits.tokensPerMinute, now)
            clients[key.label]?.tokens?.level -= Double(tokens)
        }
    }

    package func end(_ key: APIKey) {
        clients.withLock { $0[key.label]?.running -= 1 }
    }

    private static func fill(_ bucket: inout Bucket?, _ limit: Int?, _ now: Double) {
        guard let limit else {
            bucket = nil
            return
        }
        if bucket == nil { bucket = Bucket(level: Double(limit), filled: now) }
        bucket?.fill(limit, now: now)
    }
}

package struct RefusedRequest: Error {
    package let refusal: RateLimiter.Refusal
    package let standing: RateLimiter.Standing
}
