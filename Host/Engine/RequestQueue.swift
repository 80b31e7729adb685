/// Requests that wait for their turn, by client; within one the oldest goes first. A value.
struct RequestQueue {
    /// In rising order of ids, which is that of arrival; no client without a request.
    private var waiting: [String: [SequenceState]] = [:]
    private(set) var count = 0

    var clients: Set<String> { Set(waiting.keys) }

    func first(of client: String) -> SequenceState? { waiting[client]?.first }

    /// Adds a new request, or one that ran before, which takes its old place.
    mutating func add(_ request: SequenceState) {
        let place = waiting[request.client]?.lastIndex { $0.id < request.id }.map { $0 + 1 } ?? 0
        waiting[request.client, default: []].insert(request, at: place)
        count += 1
    }

    /// Takes a request out, if it is here.
    @discardableResult
    mutating func remove(_ id: Scheduler.RequestID) -> SequenceState? {
        for (client, requests) in waiting {
            guard let index = requests.firstIndex(where: { $0.id == id }) else { continue }
            waiting[client]?.remove(at: index)
            if requests.count == 1 { waiting[client] = nil }
            count -= 1
            return requests[index]
        }
        return nil
    }
}
