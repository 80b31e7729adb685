import Modalities
import Testing

/// The decisions of the lifecycle, without processes.
@Suite struct PolicyTests {
    @Test func restartsBackOffAndTheLastFailureTakesTheVersionOut() {
        var policy = RestartPolicy()
        let verdicts = (1...11).map { policy.fail("failure \($0)", limit: 11) }
        #expect(verdicts[0] == .restart)
        #expect(
            verdicts[1...9]
                == [0.25, 0.5, 1, 2, 4, 8, 16, 30, 30].map { RestartPolicy.Verdict.backOff(seconds: $0) }[...]
        )
        #expect(verdicts[10] == .takeOut)
        #expect(policy.reason == "failure 11")
    }

    @Test func successStartsTheCountAnew() {
        var policy = RestartPolicy()
        _ = policy.fail("a", limit: 2)
        policy.succeed()
        #expect(policy.fail("b", limit: 2) == .restart)
        #expect(policy.fail("c", limit: 2) == .takeOut)
    }

    @Test func inputThatAPluginRefusesDoesNotCountAgainstIt() {
        #expect(!RestartPolicy.counts(.badInput))
        #expect(!RestartPolicy.counts(.cancelled))
        #expect(RestartPolicy.counts(.crashed))
        #expect(RestartPolicy.counts(.timedOut))
    }

    private typealias Holding = MemoryBudget.Holding<String>

    @Test func theLeastRecentlyUsedIdleOneGoesFirstAndNoMoreThanNeeded() throws {
        let holdings = [
            Holding(id: "new", bytes: 40, isIdle: true, lastUsed: 9),
            Holding(id: "busy", bytes: 20, isIdle: false, lastUsed: 1),
            Holding(id: "old", bytes: 30, isIdle: true, lastUsed: 2),
        ]
        #expect(try MemoryBudget(total: 100).evictions(for: 10, among: holdings) == [])
        #expect(try MemoryBudget(total: 100).evictions(for: 11, among: holdings) == ["old"])
        #expect(try MemoryBudget(total: 100).evictions(for: 41, among: holdings) == ["old", "new"])
        #expect(try MemoryBudget(total: nil).evictions(for: 1 << 60, among: holdings) == [])
    }

    @Test func whatCannotFitIsRefusedAndNothingGoesForIt() {
        let holdings = [
            Holding(id: "busy", bytes: 60, isIdle: false, lastUsed: 1),
            Holding(id: "idle", bytes: 30, isIdle: true, lastUsed: 2),
        ]
        #expect(throws: MemoryBudget.DoesNotFit(inUse: 60)) {
            try MemoryBudget(total: 100).evictions(for: 41, among: holdings)
        }
    }

    @Test func aFloodOfLinesIsCutAndCounted() {
        var limit = LogLimit()
        let second: UInt64 = 1_000_000_000
        let decisions = (0..<1000).map { limit.line(at: second + UInt64($0)) }
        #expect(decisions.filter { $0 == .pass }.count == LogLimit.linesPerSecond)
        #expect(limit.line(at: 2 * second) == .passAfterDropping(1000 - LogLimit.linesPerSecond))
        #expect(limit.line(at: 2 * second) == .pass)
        #expect(limit.takeDropped() == 0)
    }

    @Test func quantilesAreOfTheNearestRankAmongTheLastCalls() {
        var window = LatencyWindow()
        #expect(window.quantile(0.5) == nil)
        for value in 1...100 { window.add(Double(value)) }
        #expect(window.quantile(0.5) == 50)
        #expect(window.quantile(0.95) == 95)
        for _ in 0..<512 { window.add(7) }
        #expect(window.quantile(0.95) == 7)
    }
}
