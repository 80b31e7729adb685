import CNumerics
import Glibc
import Synchronization

/// A fixed number of threads that share out the steps of an encoder: the caller's and some of its own.
///
/// One call at a time; a call returns when all of it is done. Threads of its own spin for a moment after each call, since
/// the next follows at once inside an encoder, and then sleep. They end with the object.
public final class ThreadTeam: Sendable {
    /// The caller's included.
    public let threads: Int
    private let crew: Crew

    /// - Throws: ``ThreadStartError`` where the system starts no further thread.
    public init(threads: Int) throws(ThreadStartError) {
        precondition(threads >= 1, "a team has a thread")
        self.threads = threads
        crew = try Crew(count: threads - 1)
    }

    deinit { crew.end() }

    /// Calls `body` for 0 … count - 1, each once, in any order and on any thread of the team.
    public func forEach(_ count: Int, _ body: @Sendable (Int) -> Void) {
        guard threads > 1, count > 1 else {
            for index in 0..<count { body(index) }
            return
        }
        withoutActuallyEscaping(body) { crew.run(count, $0) }
    }

    /// Calls `body` for stretches of 0 ..< count, as even as multiples of `unit` allow, one a thread.
    public func split(_ count: Int, unit: Int = 1, _ body: @Sendable (Range<Int>) -> Void) {
        let units = (count + unit - 1) / unit
        let parts = min(threads, units)
        forEach(parts) { part in
            let first = units * part / parts * unit
            body(first..<min(count, units * (part + 1) / parts * unit))
        }
    }
}

/// The team's own threads and what they share. They hold it, so it is not what the team's owner lets go of.
private final class Crew: @unchecked Sendable {  // shared state is atomic, or guarded as its comment says
    private static let spins = 2000
    private static let ended = Int.max

    private var members: [pthread_t] = []
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private let wake: UnsafeMutablePointer<pthread_cond_t>
    /// Rises with each call, and to `ended` at the end.
    private let call = Atomic<Int>(0)
    private let next = Atomic<Int>(0)
    private let working = Atomic<Int>(0)
    // Written by the caller before `call` rises, read by members after they saw it.
    private var count = 0
    private var body: (@Sendable (Int) -> Void)?

    init(count: Int) throws(ThreadStartError) {
        mutex = .allocate(capacity: 1)
        wake = .allocate(capacity: 1)
        pthread_mutex_init(mutex, nil)
        pthread_cond_init(wake, nil)
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
    }

    func run(_ count: Int, _ body: @escaping @Sendable (Int) -> Void) {
        self.count = count
        self.body = body
        next.store(0, ordering: .relaxed)
        working.store(members.count, ordering: .relaxed)
        pthread_mutex_lock(mutex)
        call.wrappingAdd(1, ordering: .releasing)
        pthread_cond_broadcast(wake)
        pthread_mutex_unlock(mutex)
        work()
        var spins = 0
        while working.load(ordering: .acquiring) > 0 {
            gn_pause()
            spins += 1
            // Whoever is missing may want this processor.
            if spins > Self.spins { sched_yield() }
        }
        self.body = nil
    }

    /// Ends and joins the threads.
    func end() {
        pthread_mutex_lock(mutex)
        call.store(Self.ended, ordering: .releasing)
        pthread_cond_broadcast(wake)
        pthread_mutex_unlock(mutex)
        for member in members { pthread_join(member, nil) }
        members = []
    }

    private func work() {
        guard let body else { return }
        while true {
            let index = next.wrappingAdd(1, ordering: .relaxed).oldValue
            guard index < count else { return }
            body(index)
        }
    }

    private func serve() {
        var seen = 0
        while true {
            var spins = 0
            while call.load(ordering: .acquiring) == seen, spins < Self.spins {
                gn_pause()
                spins += 1
            }
            if call.load(ordering: .acquiring) == seen {
                pthread_mutex_lock(mutex)
                while call.load(ordering: .acquiring) == seen { pthread_cond_wait(wake, mutex) }
                pthread_mutex_unlock(mutex)
            }
            seen = call.load(ordering: .acquiring)
            if seen == Self.ended { return }
            work()
            working.wrappingSubtract(1, ordering: .releasing)
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
