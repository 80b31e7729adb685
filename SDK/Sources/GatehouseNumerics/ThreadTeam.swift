import CNumerics
import Glibc
import Synchronization

/// A fixed number of threads that share out the steps of an encoder: the caller's and some of its own.
///
/// One call at a time; a call returns when all of it is done. No thread is waited for that has not taken part in it: where
/// others keep a processor busy, the caller does the work that is left. Threads of its own spin for a moment after each
/// call, since the next follows at once inside an encoder, and then sleep. They end with the object.
public final class ThreadTeam: Sendable {
    /// The caller's included.
    public let threads: Int
    private let crew: Crew?

    /// The caller's thread, for what it does of a task that a team shared out.
    public static let alone = ThreadTeam()

    private init() {
        threads = 1
        crew = nil
    }

    /// - Throws: ``ThreadStartError`` where the system starts no further thread.
    public init(threads: Int) throws(ThreadStartError) {
        precondition(threads >= 1, "a team has a thread")
        self.threads = threads
        crew = threads > 1 ? try Crew(count: threads - 1) : nil
    }

    deinit { crew?.end() }

    /// Calls `body` for 0 … count - 1, each once, in any order and on any thread of the team.
    public func forEach(_ count: Int, _ body: @Sendable (Int) -> Void) {
        guard let crew, count > 1 else {
            for index in 0..<count { body(index) }
            return
        }
        withoutActuallyEscaping(body) { body in
            for first in stride(from: 0, to: count, by: Crew.mostTasks) {
                crew.run(min(count - first, Crew.mostTasks)) { body(first + $0) }
            }
        }
    }

    /// Calls `body` for stretches of 0 ..< count, as even as multiples of `unit` allow: one a thread, or several, so that a
    /// thread that is held up leaves some of its share to the others.
    public func split(
        _ count: Int, unit: Int = 1, partsOfThread: Int = 1, _ body: @Sendable (Range<Int>) -> Void
    ) {
        let units = (count + unit - 1) / unit
        let parts = min(threads > 1 ? threads * partsOfThread : 1, units)
        forEach(parts) { part in
            let first = units * part / parts * unit
            body(first..<min(count, units * (part + 1) / parts * unit))
        }
    }

    /// Rows that products take at once: stretches of whole units waste none.
    public static let rowUnit = 12
}

/// The team's own threads and what they share. They hold it, so it is not what the team's owner lets go of.
private final class Crew: @unchecked Sendable {  // shared state is atomic, or guarded as its comment says
    private static let spins = 2000
    static let mostTasks = 1 << 22

    private var members: [pthread_t] = []
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private let wake: UnsafeMutablePointer<pthread_cond_t>
    private let board = Atomic<UInt64>(0)
    private let finished = Atomic<Int>(0)
    private let sleeping = Atomic<Int>(0)
    private let began = Atomic<Int>(0)
    private let isOver = Atomic<Bool>(false)
    /// Of the caller, then of the members.
    private let places: OpaquePointer?
    // Written by the caller before the board shows the call, read by whoever then took a task of it, for which the caller
    // waits.
    private var body: (@Sendable (Int) -> Void)?

    /// What the board shows: the current call's number, its tasks, and the next of them. One addition takes a task and
    /// tells which call it is of, so that nobody who comes late takes one of a call that is over.
    private struct Call {
        let number: UInt64
        let count: Int
        let task: Int

        init(_ bits: UInt64) {
            number = bits >> 48
            count = Int(bits >> 24 & 0xFF_FFFF)
            task = Int(bits & 0xFF_FFFF)
        }

        /// The next call's first.
        func next(count: Int) -> UInt64 { (number &+ 1) << 48 | UInt64(count) << 24 }
    }

    init(count: Int) throws(ThreadStartError) {
        mutex = .allocate(capacity: 1)
        wake = .allocate(capacity: 1)
        pthread_mutex_init(mutex, nil)
        pthread_cond_init(wake, nil)
        places = gn_make_places(Int32(count + 1))
        for _ in 0..<count {
            var member = pthread_t()
            let own = Unmanaged.passRetained(self)
            let code = pthread_create(
                &member, nil,
                { context in
                    if let context { Unmanaged<Crew>.fromOpaque(context).takeRetainedValue().serve() }
                    return nil
                }, own.toOpaque())
            guard code == 0 else {
                own.release()
                end()
                throw ThreadStartError(wanted: count + 1, started: members.count + 1, code: code)
            }
            members.append(member)
        }
    }

    deinit {
        pthread_cond_destroy(wake)
        pthread_mutex_destroy(mutex)
        wake.deallocate()
        mutex.deallocate()
        gn_free_places(places)
    }

    /// - Precondition: `count` is at most `mostTasks`.
    func run(_ count: Int, _ body: @escaping @Sendable (Int) -> Void) {
        self.body = body
        finished.store(0, ordering: .relaxed)
        gn_take_place(places, 0)
        announce(count)
        _ = work()
        var spins = 0
        while finished.load(ordering: .acquiring) < count {
            gn_pause()
            spins += 1
            // Whoever is missing may want this processor.
            if spins > Self.spins { sched_yield() }
        }
        self.body = nil
    }

    /// Ends and joins the threads.
    func end() {
        isOver.store(true, ordering: .relaxed)
        announce(0)
        for member in members { pthread_join(member, nil) }
        members = []
    }

    private func announce(_ count: Int) {
        let call = Call(board.load(ordering: .relaxed))
        board.store(call.next(count: count), ordering: .sequentiallyConsistent)
        // Either it is seen here that somebody sleeps, or who falls asleep sees the board.
        guard sleeping.load(ordering: .sequentiallyConsistent) > 0 else { return }
        pthread_mutex_lock(mutex)
        pthread_cond_broadcast(wake)
        pthread_mutex_unlock(mutex)
    }

    /// Does tasks until there are none left; the number of the call that has none.
    private func work() -> UInt64 {
        while true {
            let call = Call(board.wrappingAdd(1, ordering: .acquiring).oldValue)
            guard call.task < call.count else { return call.number }
            perform(call.task)
            finished.wrappingAdd(1, ordering: .releasing)
        }
    }

    /// Apart, so that nothing holds the body when the task counts as finished.
    @inline(never)
    private func perform(_ task: Int) { body?(task) }

    private func serve() {
        let member = Int32(began.wrappingAdd(1, ordering: .relaxed).newValue)
        var seen: UInt64 = 0
        func isNew() -> Bool {
            Call(board.load(ordering: .sequentiallyConsistent)).number != seen
                || isOver.load(ordering: .relaxed)
        }
        while true {
            var spins = 0
            while spins < Self.spins, !isNew() {
                gn_pause()
                spins += 1
            }
            if !isNew() {
                pthread_mutex_lock(mutex)
                sleeping.wrappingAdd(1, ordering: .sequentiallyConsistent)
                while !isNew() { pthread_cond_wait(wake, mutex) }
                sleeping.wrappingSubtract(1, ordering: .relaxed)
                pthread_mutex_unlock(mutex)
            }
            if isOver.load(ordering: .relaxed) { return }
            gn_take_place(places, member)
            seen = work()
        }
    }
}

/// The system started fewer threads than were asked for.
public struct ThreadStartError: Error, CustomStringConvertible {
    public let wanted: Int
    public let started: Int
    /// As `errno` has them.
    public let code: Int32

    public var description: String {
        "expected \(wanted) threads, found that only \(started) start: \(String(cString: strerror(code)))"
    }
}
