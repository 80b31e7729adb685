import Foundation
import Modalities
import PluginHost
import Synchronization

/// Where a running daemon takes the operator's commands: a Unix socket that only its user may open. Each connection
/// carries one line of JSON there and one back.
public final class AdminSocket: Sendable {
    public typealias Handler = @Sendable (JSONValue) async -> JSONValue

    public let path: String
    private let descriptor: Int32
    private let isClosed = Atomic<Bool>(false)

    /// Where a daemon listens unless it is told otherwise: in the user's run-time folder, else in `data`.
    public static func defaultPath(data: String) -> String {
        let folder = ProcessInfo.processInfo.environment["XDG_RUNTIME_DIR"].flatMap { $0.isEmpty ? nil : $0 }
        return (folder ?? data) + "/gatehouse.sock"
    }

    /// Starts to listen at `path`, in the place of a daemon that is gone; nil where a live one listens there.
    public init?(path: String, handler: @escaping Handler) throws {
        if let other = try UnixSocket.connect(path) {
            close(other)
            return nil
        }
        try FileManager.default.createDirectory(
            at: URL(fileURLWithPath: path).deletingLastPathComponent(), withIntermediateDirectories: true,
            attributes: [.posixPermissions: 0o700])
        unlink(path)
        let descriptor = try UnixSocket.make()
        // Nobody can connect before listen, so the mode is right in time.
        let isListening =
            try UnixSocket.withAddress(path) { bind(descriptor, $0, $1) } == 0 && chmod(path, 0o600) == 0
            && listen(descriptor, 16) == 0
        guard isListening else {
            let failure = String(cString: strerror(errno))
            close(descriptor)
            throw AdminError("\(path): cannot listen there: \(failure)")
        }
        self.path = path
        self.descriptor = descriptor
        try startThread { [self] in
            while true {
                let connection = accept(descriptor, nil, nil)
                if connection >= 0 {
                    Task.detached { await Self.serve(connection, handler) }
                } else if isClosed.load(ordering: .acquiring) || (errno != EINTR && errno != ECONNABORTED) {
                    close(descriptor)
                    return
                }
            }
        }
    }

    /// Stops listening and removes the socket.
    public func stop() {
        guard !isClosed.exchange(true, ordering: .acquiringAndReleasing) else { return }
        unlink(path)
        // Ends the accept that waits; the thread closes the descriptor.
        shutdown(descriptor, Int32(SHUT_RDWR))
    }

    /// Sends a command to the daemon that listens at `path`; nil where none does.
    public static func request(_ command: JSONValue, path: String) throws -> JSONValue? {
        guard let descriptor = try UnixSocket.connect(path) else { return nil }
        defer { close(descriptor) }
        guard UnixSocket.send(command, to: descriptor), let answer = UnixSocket.receive(from: descriptor)
        else {
            throw AdminError("\(path): the daemon closed the connection without an answer")
        }
        return answer
    }

    /// A client that is slow or silent holds this thread of its own no longer than a second.
    private static func serve(_ connection: Int32, _ handler: Handler) async {
        var limit = timeval(tv_sec: 1, tv_usec: 0)
        setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        setsockopt(connection, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        defer { close(connection) }
        guard let command = UnixSocket.receive(from: connection, limit: 1 << 20) else { return }
        _ = UnixSocket.send(await handler(command), to: connection)
    }
}
