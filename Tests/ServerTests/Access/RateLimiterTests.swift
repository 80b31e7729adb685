import Synchronization
import Testing

import Server

@Suite struct RateLimiterTests {
    /// Seconds that a test sets.
    private final class Clock: Sendable {
        let now = Mutex(100.0)
        func pass(_ seconds: Double) { now.withLock { $0 += seconds } }
    }

    private let clock = Clock()

    private func limiter() -> RateLimiter {
        RateLimiter { [clock] in clock.now.withLock { $0 } }
    }

    private func key(_ limits: APIKey.Limits) -> APIKey { APIKey(label: "lab", key: "k", limits: limits) }

    private func refusal(_ result: Result<RateLimiter.Standing, RefusedRequest>) -> RateLimiter.Refusal? {
        if case .failure(let refused) = result { refused.refusal } else { nil }
    }

    @Test func requestsComeBackEvenlyOverAMinute() {
        let (limiter, key) = (limiter(), key(.init(requestsPerMinute: 3)))
        for _ in 0..<3 { #expect(refusal(limiter.begin(key)) == nil) }
        #expect(refusal(limiter.begin(key)) == .requests(limit: 3, wait: 20))
        clock.pass(15)
        #expect(refusal(limiter.begin(key)) == .requests(limit: 3, wait: 5))
        clock.pass(5)
        #expect(refusal(limiter.begin(key)) == nil)
        #expect(refusal(limiter.begin(key)) == .requests(limit: 3, wait: 20))
        clock.pass(3600)
        for _ in 0..<3 { #expect(refusal(limiter.begin(key)) == nil) }
        #expect(refusal(limiter.begin(key)) != nil)
    }

    @Test func tokensMayBeOwed() throws {
        let (limiter, key) = (limiter(), key(.init(tokensPerMinute: 60)))
        #expect(refusal(limiter.begin(key)) == nil)
        limiter.spend(90, key)
        #expect(refusal(limiter.begin(key)) == .tokens(limit: 60, wait: 31))
        clock.pass(31)
        let standing = try limiter.begin(key).get()
        #expect(standing.tokens == .init(limit: 60, remaining: 1, reset: 59))
        #expect(standing.requests == nil)
    }

    @Test func requestsAtOnceAreGivenBack() {
        let (limiter, key) = (limiter(), key(.init(requestsPerMinute: 3, concurrent: 1)))
        #expect(refusal(limiter.begin(key)) == nil)
        #expect(refusal(limiter.begin(key)) == .concurrent(limit: 1))
        limiter.end(key)
        #expect(refusal(limiter.begin(key)) == nil)
        limiter.end(key)
        // What was refused cost nothing.
        #expect(refusal(limiter.begin(key)) == nil)
        limiter.end(key)
        #expect(refusal(limiter.begin(key)) == .requests(limit: 3, wait: 20))
    }

    @Test func clientsAreApart() {
        let limiter = limiter()
        let one = APIKey(label: "a", key: "x", limits: .init(requestsPerMinute: 1))
        let two = APIKey(label: "b", key: "y", limits: .init(requestsPerMinute: 1))
        #expect(refusal(limiter.begin(one)) == nil && refusal(limiter.begin(two)) == nil)
        #expect(refusal(limiter.begin(one)) != nil)
    }
}
