import Decoder

/// Decides which rows go into each step and in which pages they lie. A value without a model, a thread or a clock: it
/// is told what came and what was computed, and says what to compute next.
///
/// A step has one row of every sequence that is writing, and then rows of prompts up to a budget, so that a long prompt
/// holds up running answers for a step's time at most. Clients take turns by rows (``ClientShares``); a client's own
/// requests go in the order they came. Pages are taken as sequences grow. Where there are none left, the youngest
/// sequence gives its own back and waits again: all its rows are then like a prompt's. So the oldest always gets on.
package struct Scheduler {
    /// Rises with the order of arrival.
    package typealias RequestID = Int

    /// One sequence's rows of a step.
    package struct Rows: Equatable {
        package var id: RequestID
        /// Rows that the sequence holds already.
        package var length: Int
        package var count: Int
        /// How many of the last rows give logits: none where more of a prompt follows; more than one where tokens were
        /// guessed.
        package var outputs: Int

        package init(id: RequestID, length: Int, count: Int, outputs: Int) {
            self.id = id
            self.length = length
            self.count = count
            self.outputs = outputs
        }
    }

    /// Rows of a step. Prompts get a quarter of them even where more than the rest are writing.
    let stepRows: Int
    /// Most requests running at once.
    let mostRunning: Int
    private var pool: PagePool
    private var queue = RequestQueue()
    private var shares: ClientShares
    /// In rising order of ids: the oldest first.
    private var running: [SequenceState] = []
    /// Times that a sequence had to give its pages back.
    package private(set) var preemptionCount = 0

    /// - Parameter keepsPages: Whether pages outlast their sequences, for others that begin alike.
    package init(pageCount: Int, stepRows: Int, mostRunning: Int, keepsPages: Bool = true) {
        self.stepRows = stepRows
        self.mostRunning = mostRunning
        pool = PagePool(pageCount: pageCount, keepsPages: keepsPages)
        shares = ClientShares(quantum: stepRows)
    }

    package var isEmpty: Bool { queue.count == 0 && running.isEmpty }
    package var waitingCount: Int { queue.count }
    package var runningCount: Int { running.count }
    /// Pages that no sequence holds.
    package var freePageCount: Int { pool.availableCount }
    /// Those among them that hold what a later sequence may begin with.
    package var keptPageCount: Int { pool.keptCount }

    package func holderCount(of page: UInt32) -> Int { pool.holderCount(of: page) }

    /// Pages of a running request, in the order of its rows.
    package func pages(of id: RequestID) -> [UInt32]? {
        running.first { $0.id == id }?.pages
    }

    /// Queues a request. The pool alone is large enough for all its rows.
    package mutating func add(_ request: SequenceState) {
        precondition(KVPool.pages(for: request.mostRows) <= pool.pageCount, "the pool can hold the request")
        shares.join(request.client)
        queue.add(request)
    }

    /// Forgets a request, waiting or running. What it computed may be kept for others.
    package mutating func remove(_ id: RequestID) {
        if let index = running.firstIndex(where: { $0.id == id }) {
            running[index].release(to: &pool)
            running.remove(at: index)
        } else {
            queue.remove(id)
        }
    }

    /// Takes note that rows of the last step were computed.
    ///
    /// - Parameter written: The tokens that followed: none without outputs, else one more than there were right
    ///   guesses. Rows of wrong guesses are computed again.
    package mutating func advance(_ rows: Rows, written: [Int32]) {
        guard let index = running.firstIndex(where: { $0.id == rows.id }) else { return }
        precondition(
            rows.outputs == 0 ? written.isEmpty : (1...rows.outputs).contains(written.count),
            "a row that gives logits gives at most a token")
        running[index].advance(
            by: rows.count - rows.outputs + written.count, written: written, pool: &pool)
    }

    /// Forgets the requests of a step that failed. No page can be relied on after it, so all others start again.
    package mutating func fail(_ step: [Rows]) {
        for rows in step { remove(rows.id) }
        while !running.isEmpty { preempt(running.count - 1) }
        pool.forgetNames()
    }

    /// What the next step computes; empty only where nothing is left to do.
    ///
    /// - Parameter guesses: For writing sequences, how many tokens are guessed to follow the last. They take part where
    ///   there is room.
    package mutating func next(guesses: [RequestID: Int] = [:]) -> [Rows] {
        makeRoomForWriting()
        var step = writingRows(guesses)
        addReadingRows(to: &step)
        let active = queue.clients.union(running.map(\.client))
        shares.leave { active.contains($0) }
        return step
    }

    /// Sees to it that every writing sequence has room for a row, the oldest first.
    private mutating func makeRoomForWriting() {
        var index = 0
        while index < running.count {
            if running[index].isDecoding {
                running[index].grow(by: 1, from: &pool)
                if running[index].room == 0 {
                    preempt(running.count - 1)
                    continue
                }
            }
            index += 1
        }
    }

    private mutating func writingRows(_ guesses: [RequestID: Int]) -> [Rows] {
        var spare = stepRows - running.count { $0.isDecoding }
        var step: [Rows] = []
        for index in running.indices where running[index].isDecoding {
            let state = running[index]
            let guessed = min(guesses[state.id] ?? 0, max(0, spare), state.mostRows - state.rows)
            running[index].grow(by: 1 + guessed, from: &pool)
            let count = min(1 + guessed, running[index].room)
            spare -= count - 1
            shares.charge(state.client, rows: running[index].charge(for: count))
            step.append(Rows(id: state.id, length: state.length, count: count, outputs: count))
        }
        return step
    }

    /// Fills the step with rows of prompts.
    private mutating func addReadingRows(to step: inout [Rows]) {
        var budget = max(stepRows - step.reduce(0) { $0 + $1.count }, (stepRows + 3) / 4)
        var turns = ReadingTurns()
        while budget > 0 {
            let heads = nextToRead(turns)
            guard let client = shares.next(among: { heads[$0] != nil }), let id = heads[client] else { break }
            guard let index = runningIndex(admitting: id, of: client) else {
                turns.admits = false
                continue
            }
            turns.done.insert(id)
            running[index].adopt(from: &pool)
            // A page that this step fills for another is there for this one in the next.
            if let key = running[index].nextKey, turns.filled.contains(key) { continue }

            let wanted = min(running[index].pending, budget)
            running[index].grow(by: wanted, from: &pool)
            while step.isEmpty, running[index].room == 0, index < running.count - 1 {
                preempt(running.count - 1)
                running[index].grow(by: wanted, from: &pool)
            }
            let state = running[index]
            let count = min(wanted, state.room)
            guard count > 0 else { continue }
            budget -= count
            turns.filled.formUnion(state.keysFilled(by: count))
            shares.charge(client, rows: running[index].charge(for: count))
            step.append(
                Rows(
                    id: id, length: state.length, count: count, outputs: count == state.pending ? 1 : 0))
        }
    }

    /// Which prompts had their turn in this step.
    private struct ReadingTurns {
        var done: Set<RequestID> = []
        /// Whether waiting requests may still be admitted.
        var admits = true
        /// Keys of the pages that the step fills.
        var filled: Set<PageKey> = []
    }

    /// Each client's oldest request with a prompt to read, running or waiting.
    private func nextToRead(_ turns: ReadingTurns) -> [String: RequestID] {
        var heads: [String: RequestID] = [:]
        for state in running.reversed() where !state.isDecoding && !turns.done.contains(state.id) {
            heads[state.client] = state.id
        }
        guard turns.admits else { return heads }
        for client in queue.clients {
            // One that gave its pages back in this very step has had its turn.
            guard let id = queue.first(of: client)?.id, !turns.done.contains(id) else { continue }
            heads[client] = min(id, heads[client] ?? id)
        }
        return heads
    }

    /// Where a request runs, which it is admitted to do if it waits; nil where it has to wait on.
    private mutating func runningIndex(admitting id: RequestID, of client: String) -> Int? {
        if let index = running.firstIndex(where: { $0.id == id }) { return index }
        guard let request = queue.first(of: client), canAdmit(request) else { return nil }
        queue.remove(id)
        let index = running.firstIndex { $0.id > id } ?? running.count
        running.insert(request, at: index)
        return index
    }

    /// Whether there are pages for what the request has to compute, beside what running ones are about to take.
    private func canAdmit(_ request: SequenceState) -> Bool {
        guard running.count < mostRunning else { return false }
        if running.isEmpty { return true }
        let promised = running.reduce(0) {
            $0 + max(0, $1.pagesSoon - $1.pages.count) + ($1.growsFurther ? 1 : 0)
        }
        return request.pagesSoon - request.heldPageCount(in: pool) + promised <= pool.availableCount
    }

    private mutating func preempt(_ index: Int) {
        var state = running.remove(at: index)
        state.release(to: &pool)
        queue.add(state)
        preemptionCount += 1
    }
}
