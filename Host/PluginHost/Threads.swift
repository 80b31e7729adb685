import Glibc

/// Starts a detached thread that runs `body`. Blocking calls belong on such threads, never on Swift's pool.
public func startThread(_ body: @escaping @Sendable () -> Void) throws(PluginFailure) {
    final class Body: Sendable {
        let run: @Sendable () -> Void
        init(_ run: @escaping @Sendable () -> Void) { self.run = run }
    }
    let context = Unmanaged.passRetained(Body(body))
    var thread = pthread_t()
    var attributes = pthread_attr_t()
    pthread_attr_init(&attributes)
    pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
    // Encoders are written for stacks of the usual size.
    pthread_attr_setstacksize(&attributes, 8 << 20)
    defer { pthread_attr_destroy(&attributes) }
    let failure = pthread_create(
        &thread, &attributes,
        { context in
            guard let context else { return nil }
            Unmanaged<Body>.fromOpaque(context).takeRetainedValue().run()
            return nil
        }, context.toOpaque())
    guard failure == 0 else {
        context.release()
        throw PluginFailure(.system, "starting a thread: \(String(cString: strerror(failure)))")
    }
}

/// A queue between threads: `next` waits until there is something.
public final class BlockingQueue<Element: Sendable>: @unchecked Sendable {
    // Safe to share: `elements` is touched with `mutex` held only.
    private var elements: [Element] = []
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)

    public init() {
        pthread_mutex_init(mutex, nil)
        pthread_cond_init(condition, nil)
    }

    deinit {
        pthread_cond_destroy(condition)
        pthread_mutex_destroy(mutex)
        condition.deallocate()
        mutex.deallocate()
    }

    /// Adds an element; any thread.
    public func add(_ element: Element) {
        pthread_mutex_lock(mutex)
        elements.append(element)
        pthread_cond_signal(condition)
        pthread_mutex_unlock(mutex)
    }

    /// Waits for an element and takes it.
    public func next() -> Element {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        while elements.isEmpty { pthread_cond_wait(condition, mutex) }
        return elements.removeFirst()
    }

    /// Takes the first element if it is there and `transform` makes something of it.
    public func next<Result>(where transform: (Element) -> Result?) -> Result? {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        guard let result = elements.first.flatMap(transform) else { return nil }
        elements.removeFirst()
        return result
    }

    /// Takes back an element that nobody has taken yet; whether there was one.
    public func remove(where isWanted: (Element) -> Bool) -> Bool {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        guard let index = elements.firstIndex(where: isWanted) else { return false }
        elements.remove(at: index)
        return true
    }
}
