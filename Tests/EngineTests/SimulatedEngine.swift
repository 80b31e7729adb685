import Decoder
import Engine
import TestSupport
import Testing

/// Runs a scheduler without a model, and holds it to its promises at every step.
///
/// In place of keys and values a page holds, for each row, a hash of the sequence up to it, so a row in the wrong page,
/// or a page shared by sequences that differ, is seen when it is read. The next token is a function of that hash, so an
/// answer is right only if it is the one that the request would get alone.
struct SimulatedEngine {
    struct Request {
        var client: String
        var tokens: [Int32]
        let promptCount: Int
        let most: Int
        /// Hash of the tokens up to each.
        var hashes: [UInt64] = []
        var startedAt: Int?
        /// Rows that came from pages of others when it was first run.
        var adopted = 0

        var written: ArraySlice<Int32> { tokens[promptCount...] }
    }

    static let vocabulary: Int32 = 7

    var scheduler: Scheduler
    private let pageCount: Int
    private let stepRows: Int
    /// `[pages][rows]`
    private var pages: [[UInt64]]
    private(set) var requests: [Int: Request] = [:]
    private(set) var answers: [Int: [Int32]] = [:]
    private var nextID = 0
    private(set) var steps = 0
    /// Rows computed, those of wrong guesses among them.
    private(set) var computedRows = 0
    private var generator: SplitMix64

    init(pageCount: Int, stepRows: Int, mostRunning: Int, keepsPages: Bool = true, seed: UInt64 = 0) {
        scheduler = Scheduler(
            pageCount: pageCount, stepRows: stepRows, mostRunning: mostRunning, keepsPages: keepsPages)
        self.pageCount = pageCount
        self.stepRows = stepRows
        pages = Array(repeating: Array(repeating: 0, count: KVPool.pageTokens), count: pageCount)
        generator = SplitMix64(state: seed)
    }

    static func hash(_ before: UInt64, _ token: Int32) -> UInt64 {
        var mixed = SplitMix64(state: before ^ UInt64(bitPattern: Int64(token)) &* 0x9E37_79B9)
        return mixed.next()
    }

    static func token(after hash: UInt64) -> Int32 { Int32(hash >> 7 & 0xFF_FFFF) % vocabulary }

    /// What a request of that prompt is to be answered, whoever else there is.
    static func answer(_ prompt: [Int32], most: Int) -> [Int32] {
        var hash = prompt.reduce(0) { Self.hash($0, $1) }
        return (0..<most).map { _ in
            let token = token(after: hash)
            hash = Self.hash(hash, token)
            return token
        }
    }

    @discardableResult
    mutating func add(_ prompt: [Int32], most: Int, client: String = "") -> Int {
        defer { nextID += 1 }
        var chain = PageKeyChain()
        for token in prompt { chain.append(token: token) }
        scheduler.add(
            SequenceState(
                id: nextID, client: client, rows: prompt.count, mostRows: prompt.count + most - 1,
                chain: chain))
        var request = Request(client: client, tokens: prompt, promptCount: prompt.count, most: most)
        for token in prompt { request.hashes.append(Self.hash(request.hashes.last ?? 0, token)) }
        requests[nextID] = request
        return nextID
    }

    mutating func cancel(_ id: Int) {
        scheduler.remove(id)
        requests[id] = nil
    }

    /// Runs one step; `failing` has it fail as a device would.
    ///
    /// - Parameter guesses: Most tokens guessed after the last of each sequence.
    @discardableResult
    mutating func step(guesses: Int = 0, failing: Bool = false) -> [Scheduler.Rows] {
        var counts: [Int: Int] = [:]
        if guesses > 0 {
            for id in requests.keys { counts[id] = Int.random(in: 0...guesses, using: &generator) }
        }
        let step = scheduler.next(guesses: counts)
        steps += 1
        checkPlan(step)
        // All pages are read before the first is written, as no order holds within a step.
        for rows in step { checkPages(rows) }
        var guessed: [[Int32]] = []
        for rows in step { guessed.append(write(rows)) }
        checkPool()
        if failing {
            scheduler.fail(step)
            for rows in step { requests[rows.id] = nil }
            for page in pages.indices { pages[page] = Array(repeating: 0, count: KVPool.pageTokens) }
        } else {
            for (rows, guessed) in zip(step, guessed) { finish(rows, guessed) }
        }
        return step
    }

    /// Steps until everything is answered.
    mutating func drain(guesses: Int = 0) {
        let limit = steps + 20 * requests.values.reduce(10) { $0 + $1.promptCount + $1.most }
        while !scheduler.isEmpty, steps < limit { step(guesses: guesses) }
        #expect(scheduler.isEmpty && requests.isEmpty, "requests \(requests.keys.sorted()) starved")
        #expect(scheduler.freePageCount == pageCount)
    }

    private func checkPlan(_ step: [Scheduler.Rows]) {
        #expect(step.isEmpty == scheduler.isEmpty, "a step is empty only where nothing is left to do")
        #expect(Set(step.map(\.id)).count == step.count, "a sequence is in a step once")
        let writing = step.filter { rows in requests[rows.id].map { rows.length >= $0.promptCount } ?? false }
        let reading = step.reduce(0) { $0 + $1.count } - writing.reduce(0) { $0 + $1.count }
        #expect(reading <= max(stepRows - writing.count, (stepRows + 3) / 4))
    }

    private func checkPages(_ rows: Scheduler.Rows) {
        guard let request = requests[rows.id], let table = scheduler.pages(of: rows.id) else {
            Issue.record("rows of a request that does not run: \(rows)")
            return
        }
        let end = rows.length + rows.count
        #expect(rows.count > 0 && table.count >= KVPool.pages(for: end))
        #expect(rows.length < request.tokens.count)
        #expect(end >= request.tokens.count || rows.outputs == 0)
        var wrong = 0
        for row in 0..<rows.length where stored(table, row) != request.hashes[row] { wrong += 1 }
        #expect(wrong == 0, "rows of request \(rows.id) are not its own")
        for page in table[(rows.length / KVPool.pageTokens)..<KVPool.pages(for: end)] {
            #expect(scheduler.holderCount(of: page) == 1, "page \(page) is written while others read it")
        }
    }

    private func stored(_ table: [UInt32], _ row: Int) -> UInt64 {
        pages[Int(table[row / KVPool.pageTokens])][row % KVPool.pageTokens]
    }

    /// Every page is counted for each sequence that holds it and for nothing else.
    private func checkPool() {
        var holders = [Int](repeating: 0, count: pageCount)
        for id in requests.keys {
            for page in scheduler.pages(of: id) ?? [] { holders[Int(page)] += 1 }
        }
        let counted = (0..<UInt32(pageCount)).map { scheduler.holderCount(of: $0) }
        #expect(counted == holders)
        #expect(scheduler.freePageCount == holders.count { $0 == 0 })
    }

    /// Computes the rows, and hands back the tokens that were guessed.
    private mutating func write(_ rows: Scheduler.Rows) -> [Int32] {
        guard let request = requests[rows.id], let table = scheduler.pages(of: rows.id) else { return [] }
        if rows.length > 0, request.startedAt == nil { requests[rows.id]?.adopted = rows.length }
        requests[rows.id]?.startedAt = request.startedAt ?? steps
        computedRows += rows.count
        var hash = rows.length > 0 ? request.hashes[rows.length - 1] : 0
        var guessed: [Int32] = []
        for row in rows.length..<rows.length + rows.count {
            var token = Self.token(after: hash)
            if row < request.tokens.count {
                token = request.tokens[row]
            } else {
                // Right three times out of four.
                if Int.random(in: 0..<4, using: &generator) == 0 { token = (token + 1) % Self.vocabulary }
                guessed.append(token)
            }
            hash = Self.hash(hash, token)
            pages[Int(table[row / KVPool.pageTokens])][row % KVPool.pageTokens] = hash
        }
        return guessed
    }

    private mutating func finish(_ rows: Scheduler.Rows, _ guessed: [Int32]) {
        guard var request = requests[rows.id] else { return }
        var written: [Int32] = []
        if rows.outputs > 0 {
            #expect(guessed.count == rows.outputs - 1)
            for guess in guessed.map(Optional.init) + [nil] {
                let token = Self.token(after: request.hashes.last ?? 0)
                written.append(token)
                request.tokens.append(token)
                request.hashes.append(Self.hash(request.hashes.last ?? 0, token))
                if token != guess || request.written.count == request.most { break }
            }
        }
        scheduler.advance(rows, written: written)
        if request.written.count < request.most {
            requests[rows.id] = request
        } else {
            #expect(answers[rows.id] == nil, "request \(rows.id) is answered twice")
            answers[rows.id] = Array(request.written)
            cancel(rows.id)
        }
    }
}
