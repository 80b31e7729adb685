/// Divides rows among clients: deficit round robin (Shreedhar and Varghese, 1995) that charges after the fact, as what
/// a request will take is not known before. A value.
///
/// A client with credit may go; the rows it gets are taken from its credit, also below zero. When no client that could
/// go has credit left, every client is given a quantum, so one that arrives later waits a round at most, however many
/// requests the others have.
struct ClientShares {
    /// Rows that a client gets in one round.
    let quantum: Int
    /// In the order they came.
    private var order: [String] = []
    private var credit: [String: Int] = [:]

    init(quantum: Int) {
        self.quantum = quantum
    }

    mutating func join(_ client: String) {
        guard credit[client] == nil else { return }
        order.append(client)
        credit[client] = 0
    }

    /// Forgets clients for which `isActive` is false and that owe nothing; where none is active, all of them.
    mutating func leave(unless isActive: (String) -> Bool) {
        let nobodyWaits = !order.contains(where: isActive)
        order.removeAll { client in
            let goes = nobodyWaits || (!isActive(client) && credit[client, default: 0] >= 0)
            if goes { credit[client] = nil }
            return goes
        }
    }

    mutating func charge(_ client: String, rows: Int) {
        credit[client]? -= rows
    }

    /// The client whose turn it is among those that could go.
    mutating func next(among couldGo: (String) -> Bool) -> String? {
        let candidates = order.filter(couldGo)
        if candidates.isEmpty { return nil }
        if let client = candidates.first(where: { credit[$0, default: 0] > 0 }) { return client }
        // As many rounds as it takes until one of them has credit.
        let rounds = candidates.map { (quantum - credit[$0, default: 0]) / quantum }.min() ?? 1
        for client in order {
            credit[client] = min(quantum, credit[client, default: 0] + rounds * quantum)
        }
        return candidates.first { credit[$0, default: 0] > 0 }
    }
}
