import GatehouseJSON
import Synchronization

/// A request that is over, for a log. It holds nothing of bodies, and no header field.
public struct HTTPRecord: Sendable {
    public let id: String
    public let method: String
    /// Without the query, which may hold secrets.
    public let path: String
    /// The client's numeric address; empty if it has none.
    public let remoteAddress: String
    /// What was answered; 499 where the client went away before there was an answer.
    public let status: Int
    /// Of the answer's body, as far as it was sent; 0 for errors that are told before a body is received.
    public let bytesSent: Int
    /// From the end of the request's header to the end of its answer.
    public let seconds: Double
    /// Whether the answer was sent to its end.
    public let isWhole: Bool
    /// What was noted on the way, in order.
    public let notes: [RequestNotes.Note]
}

/// What is learned of a request while it is answered, for its line in the log. Any thread.
public final class RequestNotes: Sendable {
    public typealias Note = (name: String, value: JSONValue)

    private let notes = Mutex<[Note]>([])

    public init() {}

    var all: [Note] { notes.withLock { $0 } }

    /// What went wrong. What a client is told of its own mistakes may quote what it sent, so of those it is the code alone.
    func add(_ error: HTTPError) {
        if let code = error.code { set("error", .string(code)) }
        if error.status >= 500 { set("reason", .string(error.message)) }
    }

    /// Adds a note, or replaces the one of that name.
    public func set(_ name: String, _ value: JSONValue) {
        notes.withLock { notes in
            if let place = notes.firstIndex(where: { $0.name == name }) {
                notes[place].value = value
            } else {
                notes.append((name, value))
            }
        }
    }
}
