import Engine
import TestSupport
import Testing

@Suite struct SchedulerTests {
    typealias Rows = Scheduler.Rows

    private func prompt(_ count: Int, seed: UInt64 = 0) -> [Int32] {
        var generator = SplitMix64(state: seed)
        return (0..<count).map { _ in Int32.random(in: 0..<SimulatedEngine.vocabulary, using: &generator) }
    }

    @Test func aPromptIsReadInChunksThenWrittenRowByRow() {
        var engine = SimulatedEngine(pageCount: 4, stepRows: 100, mostRunning: 4)
        engine.add(prompt(150), most: 9)
        #expect(engine.step() == [Rows(id: 0, length: 0, count: 100, outputs: 0)])
        #expect(engine.step() == [Rows(id: 0, length: 100, count: 50, outputs: 1)])
        #expect(engine.step() == [Rows(id: 0, length: 150, count: 1, outputs: 1)])
        #expect(engine.step() == [Rows(id: 0, length: 151, count: 1, outputs: 1)])
    }

    @Test func aStepHasARowOfEveryWritingSequenceAndThenPromptsInTheirOrder() {
        var engine = SimulatedEngine(pageCount: 8, stepRows: 10, mostRunning: 8)
        for (seed, count) in [5, 15, 5].enumerated() {
            engine.add(prompt(count, seed: UInt64(seed)), most: 9)
        }
        #expect(
            engine.step() == [
                Rows(id: 0, length: 0, count: 5, outputs: 1), Rows(id: 1, length: 0, count: 5, outputs: 0),
            ])
        #expect(
            engine.step() == [
                Rows(id: 0, length: 5, count: 1, outputs: 1), Rows(id: 1, length: 5, count: 9, outputs: 0),
            ])
        #expect(
            engine.step() == [
                Rows(id: 0, length: 6, count: 1, outputs: 1), Rows(id: 1, length: 14, count: 1, outputs: 1),
                Rows(id: 2, length: 0, count: 5, outputs: 1),
            ])
    }

    @Test func promptsGetAQuarterOfAStepThatWritingSequencesFill() {
        var engine = SimulatedEngine(pageCount: 30, stepRows: 8, mostRunning: 30)
        for seed in 0..<8 { engine.add(prompt(1, seed: UInt64(seed)), most: 60) }
        engine.step()
        engine.add(prompt(20, seed: 99), most: 1)
        #expect(engine.step().last == Rows(id: 8, length: 0, count: 2, outputs: 0))
    }

    @Test func requestsWaitForPagesInTheOrderTheyCame() {
        var engine = SimulatedEngine(pageCount: 4, stepRows: 500, mostRunning: 8)
        engine.add(prompt(180, seed: 1), most: 3)
        engine.add(prompt(100, seed: 2), most: 3)
        engine.add(prompt(10, seed: 3), most: 3)
        // The third would fit, but must not overtake the second.
        #expect(engine.step().map(\.id) == [0])
        #expect(engine.scheduler.waitingCount == 2 && engine.scheduler.freePageCount == 1)
        engine.cancel(0)
        #expect(engine.step().map(\.id) == [1, 2])
    }

    @Test func pagesAreTakenAsASequenceGrows() {
        var engine = SimulatedEngine(pageCount: 8, stepRows: 64, mostRunning: 8)
        engine.add(prompt(60), most: 200)
        engine.step()
        #expect(engine.scheduler.freePageCount == 7)
        for _ in 0..<5 { engine.step() }
        #expect(engine.scheduler.freePageCount == 6)
        engine.drain()
    }

    @Test func theYoungestGivesItsPagesBackAndIsAnsweredAllTheSame() throws {
        for keepsPages in [false, true] {
            var engine = SimulatedEngine(
                pageCount: 4, stepRows: 500, mostRunning: 8, keepsPages: keepsPages)
            // Room for both prompts and a page each, but not for both answers.
            for seed in 0..<2 { engine.add(prompt(50, seed: UInt64(seed)), most: 150) }
            var last: [Rows] = []
            while engine.scheduler.preemptionCount == 0 { last = engine.step() }
            #expect(last.map(\.id) == [0])
            engine.drain()
            for id in 0..<2 {
                #expect(engine.answers[id] == SimulatedEngine.answer(prompt(50, seed: UInt64(id)), most: 150))
            }
        }
    }

    @Test func equalBeginningsShareTheirFullPages() {
        var engine = SimulatedEngine(pageCount: 20, stepRows: 1000, mostRunning: 8)
        let system = prompt(200)
        engine.add(system + prompt(10, seed: 1), most: 5)
        engine.add(system + prompt(10, seed: 2), most: 5)
        // The second waits for the pages that the first fills, and reads the rest alone.
        #expect(engine.step() == [Rows(id: 0, length: 0, count: 210, outputs: 1)])
        #expect(
            engine.step() == [
                Rows(id: 0, length: 210, count: 1, outputs: 1),
                Rows(id: 1, length: 192, count: 18, outputs: 1),
            ])
        #expect(engine.scheduler.freePageCount == 20 - 3 - 2)
        engine.drain()
        // Once nobody holds them they are kept.
        #expect(engine.scheduler.keptPageCount == 3 && engine.scheduler.freePageCount == 20)
        engine.add(system, most: 1)
        #expect(engine.step() == [Rows(id: 2, length: 192, count: 8, outputs: 1)])
    }

    @Test func aLaterTurnFindsTheAnswerOfTheOneBefore() throws {
        var engine = SimulatedEngine(pageCount: 20, stepRows: 1000, mostRunning: 8)
        engine.add(prompt(50), most: 100)
        engine.drain()
        let turn = prompt(50) + (try #require(engine.answers[0])) + prompt(20, seed: 5)
        engine.add(turn, most: 1)
        #expect(engine.step() == [Rows(id: 1, length: 128, count: 42, outputs: 1)])
    }

    @Test func aPromptThatIsKeptWholeStillGivesItsLogits() {
        var engine = SimulatedEngine(pageCount: 20, stepRows: 1000, mostRunning: 8)
        engine.add(prompt(128), most: 1)
        engine.drain()
        engine.add(prompt(128), most: 1)
        #expect(engine.step() == [Rows(id: 1, length: 64, count: 64, outputs: 1)])
        engine.drain()
        #expect(engine.answers[1] == engine.answers[0])
    }

    @Test func pagesAreGivenUpFromTheEndOfWhatWasUsedLongestAgo() {
        var engine = SimulatedEngine(pageCount: 6, stepRows: 1000, mostRunning: 8)
        for seed in 0..<2 {
            engine.add(prompt(129, seed: UInt64(seed)), most: 1)
            engine.drain()
        }
        // Two pages of each are kept, two are free. Three for the next cost the end of the first.
        engine.add(prompt(150, seed: 2), most: 1)
        engine.drain()
        engine.add(prompt(129, seed: 1), most: 1)
        #expect(engine.step().first?.length == 128)
        engine.drain()
        engine.add(prompt(129, seed: 0), most: 1)
        #expect(engine.step().first?.length == 64)
    }

    @Test func nothingIsSharedWherePagesAreNotKept() {
        var engine = SimulatedEngine(pageCount: 20, stepRows: 1000, mostRunning: 8, keepsPages: false)
        engine.add(prompt(200), most: 1)
        engine.drain()
        #expect(engine.scheduler.keptPageCount == 0)
        engine.add(prompt(200), most: 1)
        #expect(engine.step() == [Rows(id: 1, length: 0, count: 200, outputs: 1)])
    }

    @Test func aLongPromptOfOneClientDoesNotHoldUpAnother() {
        var engine = SimulatedEngine(pageCount: 100, stepRows: 64, mostRunning: 8)
        engine.add(prompt(3000, seed: 1), most: 1, client: "long")
        engine.step()
        let short = engine.add(prompt(40, seed: 2), most: 1, client: "short")
        for _ in 0..<3 { engine.step() }
        #expect(engine.answers[short] != nil)
    }

    @Test func aClientWithManyRequestsDoesNotHoldUpAnother() {
        var engine = SimulatedEngine(pageCount: 100, stepRows: 64, mostRunning: 4)
        for seed in 0..<40 { engine.add(prompt(64, seed: UInt64(seed)), most: 8, client: "many") }
        for _ in 0..<3 { engine.step() }
        let single = engine.add(prompt(64, seed: 99), most: 8, client: "single")
        // The next place that comes free is its.
        while engine.requests[single]?.startedAt == nil, engine.steps < 100 { engine.step() }
        #expect(engine.requests.values.count { $0.client == "many" && $0.startedAt != nil } <= 4)
        #expect(engine.answers.count <= 4)
        engine.drain()
        #expect(engine.answers.count == 41)
    }

    @Test func clientsGetEqualShares() {
        var engine = SimulatedEngine(pageCount: 400, stepRows: 50, mostRunning: 64)
        for seed in 0..<30 {
            engine.add(prompt(300, seed: UInt64(seed)), most: 1, client: "big")
            for small in 0..<3 {
                engine.add(prompt(100, seed: UInt64(100 + 3 * seed + small)), most: 1, client: "small")
            }
        }
        var rows = ["big": 0, "small": 0]
        for _ in 0..<120 {
            let clients = engine.requests.mapValues(\.client)
            for part in engine.step() { rows[clients[part.id] ?? "", default: 0] += part.count }
        }
        #expect(abs((rows["big"] ?? 0) - (rows["small"] ?? 0)) <= 100)
    }

    @Test func wrongGuessesAreComputedAgainAndRightOnesSaveSteps() {
        var plain = SimulatedEngine(pageCount: 8, stepRows: 64, mostRunning: 8)
        var guessing = SimulatedEngine(pageCount: 8, stepRows: 64, mostRunning: 8, seed: 3)
        plain.add(prompt(100), most: 200)
        guessing.add(prompt(100), most: 200)
        plain.drain()
        guessing.drain(guesses: 6)
        #expect(guessing.answers == plain.answers)
        #expect(guessing.steps < plain.steps * 3 / 4)
    }

    @Test func guessesTakePartOnlyWithinTheRowsOfAStep() {
        var engine = SimulatedEngine(pageCount: 8, stepRows: 4, mostRunning: 8, seed: 1)
        for seed in 0..<3 { engine.add(prompt(4, seed: UInt64(seed)), most: 100) }
        for _ in 0..<6 { engine.step() }
        for _ in 0..<60 { #expect(engine.step(guesses: 9).reduce(0) { $0 + $1.count } <= 4) }
    }

    @Test func aFailedStepTakesItsOwnRequestsAndNothingElse() {
        var engine = SimulatedEngine(pageCount: 20, stepRows: 100, mostRunning: 8)
        for seed in 0..<2 { engine.add(prompt(150, seed: UInt64(seed)), most: 20) }
        engine.step()
        engine.step(failing: true)
        #expect(engine.requests.isEmpty && engine.scheduler.isEmpty)
        for seed in 0..<3 { engine.add(prompt(150, seed: UInt64(seed)), most: 20) }
        engine.step()
        engine.step(failing: true)
        #expect(engine.requests.keys.sorted() == [4])
        engine.drain()
        #expect(engine.answers[4] == SimulatedEngine.answer(prompt(150, seed: 2), most: 20))
    }

    @Test func noMoreRunThanAllowed() {
        var engine = SimulatedEngine(pageCount: 100, stepRows: 64, mostRunning: 2)
        for seed in 0..<3 { engine.add(prompt(1, seed: UInt64(seed)), most: 5) }
        for _ in 0..<3 { engine.step() }
        #expect(engine.scheduler.runningCount == 2 && engine.scheduler.waitingCount == 1)
    }

    @Test func aRequestRemovedWhileWaitingIsNeverRun() {
        var engine = SimulatedEngine(pageCount: 1, stepRows: 64, mostRunning: 8)
        for seed in 0..<3 { engine.add(prompt(1, seed: UInt64(seed)), most: 64) }
        engine.step()
        engine.cancel(1)
        engine.cancel(0)
        #expect(engine.step().map(\.id) == [2])
    }

    /// Events of every kind in random order, on pools from ample to as small as can be. What has to hold at each step
    /// stands in ``SimulatedEngine``.
    @Test(arguments: 0..<150)
    func anyOrderOfEventsKeepsPagesRightAndAnswersEveryRequestOnce(seed: UInt64) {
        var generator = SplitMix64(state: seed)
        func random(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &generator) }
        let pageCount = random(1...12)
        var engine = SimulatedEngine(
            pageCount: pageCount, stepRows: [1, 7, 64, 150][random(0...3)], mostRunning: random(1...6),
            keepsPages: random(0...3) > 0, seed: seed)
        let guesses = random(0...1) * random(1...5)
        // Prompts begin alike in twos and threes, up to any row.
        let beginnings = (0..<3).map { prompt(64 * pageCount, seed: UInt64($0)) }
        var expected: [Int: [Int32]] = [:]
        for _ in 0..<random(20...80) {
            switch random(0...9) {
            case 0...3:
                let most = random(1...(random(0...3) == 0 ? 32 * pageCount : 8))
                let rows = 64 * pageCount - most + 1
                let shared = random(0...rows)
                let own = prompt(random(0...min(20, rows - shared)), seed: UInt64(random(0...3)))
                var tokens = Array(beginnings[random(0...2)].prefix(shared)) + own
                if tokens.isEmpty { tokens = [1] }
                let id = engine.add(tokens, most: most, client: "\(random(0...2))")
                expected[id] = SimulatedEngine.answer(tokens, most: most)
            case 4:
                if let id = engine.requests.keys.sorted().randomElement(using: &generator) {
                    engine.cancel(id)
                    expected[id] = nil
                }
            case 5 where random(0...9) == 0:
                engine.step(failing: true)
                expected = expected.filter { engine.requests[$0.key] != nil || engine.answers[$0.key] != nil }
            default:
                for _ in 0..<random(1...8) where !engine.scheduler.isEmpty { engine.step(guesses: guesses) }
            }
        }
        engine.drain(guesses: guesses)
        #expect(engine.answers == expected)
    }
}
