import Engine
import Testing

@Suite struct SchedulerTests {
    typealias Rows = Scheduler.Rows

    /// Runs one step and hands back what was in it.
    private func step(_ scheduler: inout Scheduler) -> [Rows] {
        let step = scheduler.next()
        scheduler.advance(step)
        return step
    }

    @Test func aPromptIsReadInChunksThenDecodedRowByRow() {
        var scheduler = Scheduler(pageCount: 4, chunk: 100, mostRunning: 4)
        scheduler.add(7, promptRows: 150, pageCount: 3)
        #expect(step(&scheduler) == [Rows(id: 7, length: 0, count: 100, givesToken: false)])
        #expect(step(&scheduler) == [Rows(id: 7, length: 100, count: 50, givesToken: true)])
        #expect(step(&scheduler) == [Rows(id: 7, length: 150, count: 1, givesToken: true)])
        #expect(step(&scheduler) == [Rows(id: 7, length: 151, count: 1, givesToken: true)])
    }

    @Test func aStepTakesEveryDecodingSequenceAndOneChunkOfTheOldestPrompt() {
        var scheduler = Scheduler(pageCount: 8, chunk: 10, mostRunning: 8)
        scheduler.add(1, promptRows: 5, pageCount: 1)
        scheduler.add(2, promptRows: 15, pageCount: 1)
        scheduler.add(3, promptRows: 5, pageCount: 1)
        #expect(step(&scheduler) == [Rows(id: 1, length: 0, count: 5, givesToken: true)])
        #expect(
            step(&scheduler) == [
                Rows(id: 1, length: 5, count: 1, givesToken: true),
                Rows(id: 2, length: 0, count: 10, givesToken: false),
            ])
        #expect(
            step(&scheduler) == [
                Rows(id: 1, length: 6, count: 1, givesToken: true),
                Rows(id: 2, length: 10, count: 5, givesToken: true),
            ])
        #expect(
            step(&scheduler) == [
                Rows(id: 1, length: 7, count: 1, givesToken: true),
                Rows(id: 2, length: 15, count: 1, givesToken: true),
                Rows(id: 3, length: 0, count: 5, givesToken: true),
            ])
    }

    @Test func requestsWaitForPagesInTheOrderTheyCame() {
        var scheduler = Scheduler(pageCount: 4, chunk: 64, mostRunning: 8)
        scheduler.add(1, promptRows: 64, pageCount: 3)
        scheduler.add(2, promptRows: 64, pageCount: 2)
        scheduler.add(3, promptRows: 64, pageCount: 1)
        _ = step(&scheduler)
        // The third would fit, but must not overtake the second.
        #expect(scheduler.runningCount == 1 && scheduler.waitingCount == 2 && scheduler.freePageCount == 1)
        scheduler.remove(1)
        #expect(step(&scheduler).map(\.id) == [2])
        #expect(scheduler.runningCount == 2 && scheduler.waitingCount == 0 && scheduler.freePageCount == 1)
    }

    @Test func noPageBelongsToTwoRequestsAndAllComeBack() throws {
        var scheduler = Scheduler(pageCount: 6, chunk: 64, mostRunning: 8)
        for id in 1...3 { scheduler.add(id, promptRows: 10, pageCount: id) }
        _ = step(&scheduler)
        let pages = try (1...3).flatMap { try #require(scheduler.pages(of: $0)) }
        #expect(Set(pages) == Set(0..<6) && pages.count == 6)
        for id in 1...3 { scheduler.remove(id) }
        #expect(scheduler.freePageCount == 6 && scheduler.isEmpty)
        #expect(scheduler.next().isEmpty)
    }

    @Test func noMoreRunThanAllowed() {
        var scheduler = Scheduler(pageCount: 100, chunk: 64, mostRunning: 2)
        for id in 1...3 { scheduler.add(id, promptRows: 1, pageCount: 1) }
        for _ in 0..<3 { _ = step(&scheduler) }
        #expect(scheduler.runningCount == 2 && scheduler.waitingCount == 1)
    }

    @Test func aRequestRemovedWhileWaitingIsNeverRun() {
        var scheduler = Scheduler(pageCount: 1, chunk: 64, mostRunning: 8)
        for id in 1...3 { scheduler.add(id, promptRows: 1, pageCount: 1) }
        _ = step(&scheduler)
        scheduler.remove(2)
        scheduler.remove(1)
        #expect(step(&scheduler).map(\.id) == [3])
    }
}
