/// Decides which rows go into each step. A value without a model, a thread or a clock: the engine asks it, runs the
/// step, and tells it what ended.
///
/// Requests are admitted in the order they came, once pages for all that they may ever hold are free, so a running
/// request never waits for memory. A step takes one row from every sequence that is decoding and one chunk of the
/// oldest prompt that is not yet read.
package struct Scheduler {
    package typealias RequestID = Int

    /// One sequence's rows of a step.
    package struct Rows: Equatable {
        package var id: RequestID
        /// Rows that the sequence holds already.
        package var length: Int
        package var count: Int
        /// Whether the last row's logits are wanted.
        package var givesToken: Bool

        package init(id: RequestID, length: Int, count: Int, givesToken: Bool) {
            self.id = id
            self.length = length
            self.count = count
            self.givesToken = givesToken
        }
    }

    private struct Waiting {
        var id: RequestID
        var promptRows: Int
        var pageCount: Int
    }

    private struct Running {
        var id: RequestID
        var promptRows: Int
        var length: Int
        var pages: [UInt32]
    }

    /// Most rows of a prompt in one step.
    let chunk: Int
    /// Most requests running at once.
    let mostRunning: Int
    private var freePages: [UInt32]
    private var waiting: [Waiting] = []
    /// In the order of admission.
    private var running: [Running] = []

    package init(pageCount: Int, chunk: Int, mostRunning: Int) {
        self.chunk = chunk
        self.mostRunning = mostRunning
        freePages = (0..<UInt32(pageCount)).reversed()
    }

    package var isEmpty: Bool { waiting.isEmpty && running.isEmpty }
    package var waitingCount: Int { waiting.count }
    package var runningCount: Int { running.count }
    package var freePageCount: Int { freePages.count }

    /// Pages of a running request, in the order of its rows.
    package func pages(of id: RequestID) -> [UInt32]? {
        running.first { $0.id == id }?.pages
    }

    /// Queues a request. `pageCount` pages will hold all its rows; the pool has at least that many.
    package mutating func add(_ id: RequestID, promptRows: Int, pageCount: Int) {
        precondition(promptRows > 0, "a prompt has rows")
        waiting.append(Waiting(id: id, promptRows: promptRows, pageCount: pageCount))
    }

    /// Admits what fits and says what the next step runs; empty only where nothing is left to do.
    package mutating func next() -> [Rows] {
        admit()
        var step: [Rows] = []
        var prefills = false
        for sequence in running {
            if sequence.length >= sequence.promptRows {
                step.append(Rows(id: sequence.id, length: sequence.length, count: 1, givesToken: true))
            } else if !prefills {
                prefills = true
                let count = min(chunk, sequence.promptRows - sequence.length)
                step.append(
                    Rows(
                        id: sequence.id, length: sequence.length, count: count,
                        givesToken: sequence.length + count == sequence.promptRows))
            }
        }
        return step
    }

    /// Takes note that the rows of a step were computed.
    package mutating func advance(_ step: [Rows]) {
        for rows in step {
            if let index = running.firstIndex(where: { $0.id == rows.id }) {
                running[index].length += rows.count
            }
        }
    }

    /// Forgets a request, waiting or running, and frees its pages.
    package mutating func remove(_ id: RequestID) {
        waiting.removeAll { $0.id == id }
        if let index = running.firstIndex(where: { $0.id == id }) {
            freePages += running.remove(at: index).pages.reversed()
        }
    }

    private mutating func admit() {
        while let first = waiting.first, running.count < mostRunning, first.pageCount <= freePages.count {
            let pages = Array(freePages.suffix(first.pageCount).reversed())
            freePages.removeLast(first.pageCount)
            running.append(Running(id: first.id, promptRows: first.promptRows, length: 0, pages: pages))
            waiting.removeFirst()
        }
    }
}
