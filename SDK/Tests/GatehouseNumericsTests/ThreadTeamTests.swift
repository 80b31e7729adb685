import Foundation
import GatehouseNumerics
import Synchronization
import Testing

@Suite struct ThreadTeamTests {
    @Test(arguments: [1, 2, 5])
    func everyIndexIsGivenOutOnceInEachOfManyCalls(_ threads: Int) throws {
        let team = try ThreadTeam(threads: threads)
        for count in [0, 1, 2, 3, 64, 1000] {
            let seen = Matrix(rows: 1, columns: count)
            for _ in 0..<20 { team.forEach(count) { seen.base[$0] += 1 } }
            #expect(seen.row(0).allSatisfy { $0 == 20 })
        }
    }

    @Test func stretchesAreEvenMultiplesOfTheUnit() throws {
        let team = try ThreadTeam(threads: 3)
        func stretches(_ partsOfThread: Int) -> [Range<Int>] {
            let found = Mutex<[Range<Int>]>([])
            team.split(50, unit: 16, partsOfThread: partsOfThread) { range in
                found.withLock { $0.append(range) }
            }
            return found.withLock { $0.sorted { $0.lowerBound < $1.lowerBound } }
        }
        #expect(stretches(1) == [0..<16, 16..<32, 32..<50])
        #expect(stretches(2) == [0..<16, 16..<32, 32..<48, 48..<50])
    }

    @Test func threadsEndWithTheirTeam() throws {
        func threads() throws -> Int {
            try FileManager.default.contentsOfDirectory(atPath: "/proc/self/task").count
        }
        // Other tests start threads of their own, but not by the hundred.
        let before = try threads()
        for _ in 0..<50 {
            let team = try ThreadTeam(threads: 5)
            team.forEach(8) { _ in }
        }
        #expect(try threads() < before + 100)
    }

    @Test func aSleepingTeamWakes() throws {
        let team = try ThreadTeam(threads: 2)
        let calls = Atomic<Int>(0)
        for _ in 0..<3 {
            usleep(20_000)
            team.forEach(8) { _ in calls.add(1, ordering: .relaxed) }
        }
        #expect(calls.load(ordering: .relaxed) == 24)
    }
}
