/// Decides which idle plugin versions make room for another worker. All figures are bytes.
public struct MemoryBudget: Sendable {
    /// What one plugin version holds.
    public struct Holding<ID: Sendable & Equatable>: Sendable {
        public let id: ID
        public let bytes: Int
        /// Whether it could be let go now.
        public let isIdle: Bool
        /// Larger is later.
        public let lastUsed: UInt64

        public init(id: ID, bytes: Int, isIdle: Bool, lastUsed: UInt64) {
            self.id = id
            self.bytes = bytes
            self.isIdle = isIdle
            self.lastUsed = lastUsed
        }
    }

    /// That it cannot fit, even if everything idle goes.
    public struct DoesNotFit: Error, Equatable {
        /// Held by what is not idle.
        public let inUse: Int

        public init(inUse: Int) {
            self.inUse = inUse
        }
    }

    /// nil for no bound.
    public let total: Int?

    public init(total: Int?) {
        self.total = total
    }

    /// Who has to go so that `bytes` more fit: the least recently used idle ones, and no more of them than needed.
    public func evictions<ID>(for bytes: Int, among holdings: [Holding<ID>]) throws(DoesNotFit) -> [ID] {
        guard let total else { return [] }
        var held = holdings.reduce(0) { $0 + $1.bytes }
        var evicted: [ID] = []
        for holding in holdings.filter(\.isIdle).sorted(by: { $0.lastUsed < $1.lastUsed }) {
            if held + bytes <= total { break }
            if holding.bytes == 0 { continue }
            held -= holding.bytes
            evicted.append(holding.id)
        }
        if held + bytes > total {
            throw DoesNotFit(inUse: holdings.filter { !$0.isIdle }.reduce(0) { $0 + $1.bytes })
        }
        return evicted
    }
}
