import Synchronization

/// What encoders made of media parts lately, by what determines it, so that the same part again needs no encoder.
///
/// Bounded by size; what was used longest ago goes first. Any thread.
public final class EncodedCache: Sendable {
    /// What a cache holds.
    public struct Load: Sendable, Equatable {
        public var entries: Int
        public var bytes: Int
    }

    /// Bytes that may be held.
    public let capacity: Int
    private let state = Mutex(State())

    private struct Entry {
        var contents: [EncodedContent]
        var bytes: Int
        /// Of its last use.
        var use: UInt64
    }

    private struct State {
        var entries: [String: Entry] = [:]
        var bytes = 0
        var uses: UInt64 = 0
        /// Uses in their order, those among them that another of the same key followed.
        var order: [(key: String, use: UInt64)] = []
        var first = 0

        mutating func use(_ key: String) {
            uses += 1
            entries[key]?.use = uses
            order.append((key, uses))
            // What is outdated makes up half at most, and a little.
            if order.count > 2 * entries.count + 64 {
                order = order[first...].filter { entries[$0.key]?.use == $0.use }
                first = 0
            }
        }

        mutating func evict() {
            let (key, use) = order[first]
            first += 1
            guard let entry = entries[key], entry.use == use else { return }
            bytes -= entry.bytes
            entries[key] = nil
        }
    }

    /// - Parameter capacity: Bytes; 0 keeps nothing.
    public init(capacity: Int) {
        self.capacity = capacity
    }

    public var load: Load {
        state.withLock { Load(entries: $0.entries.count, bytes: $0.bytes) }
    }

    /// What a key stands for, where it is held.
    ///
    /// - Parameter key: A digest of all that determines the contents.
    public subscript(key: String) -> [EncodedContent]? {
        state.withLock { state in
            guard let entry = state.entries[key] else { return nil }
            state.use(key)
            return entry.contents
        }
    }

    /// Holds `contents`, unless they alone are too large.
    public func insert(_ contents: [EncodedContent], for key: String) {
        // Some for the entry itself, so that many small ones are bounded too.
        let bytes = contents.reduce(256) { $0 + 64 + $1.byteCount }
        guard bytes <= capacity else { return }
        state.withLock { state in
            guard state.entries[key] == nil else { return }
            while state.bytes > capacity - bytes { state.evict() }
            state.entries[key] = Entry(contents: contents, bytes: bytes, use: 0)
            state.bytes += bytes
            state.use(key)
        }
    }
}
