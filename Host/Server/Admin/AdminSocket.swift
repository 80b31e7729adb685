import Foundation
import GatehouseJSON
import Modalities
import PluginHost
import Synchronization

/// Where a running daemon takes the operator's commands: a Unix socket that only its user may open. Each connection
/// carries one line of JSON there and one back.
public final class AdminSocket: Sendable {
    public typealias Handler = @Sendable (JSONValue) async -> JSONValue

    /// A daemon that computes on all its threads answers late.
    private static let answerTime = Duration.seconds(120)

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
        do {
            try FileManager.default.createDirectory(
                at: URL(fileURLWithPath: path).deletingLastPathComponent(), withIntermediateDirectories: true,
                attributes: [.posixPermissions: 0o700])
        } catch {
            throw AdminError("\(path): its folder cannot be made: \(error.systemReason)")
        }
        // A daemon that is gone left a socket; whatever else has this name is not ours to remove.
        var entry = stat()
        if lstat(path, &entry) == 0 {
            guard entry.st_mode & S_IFMT == S_IFSOCK else {
                throw AdminError(
                    "\(path): expected a socket or nothing, found another file: choose another --socket")
            }
            unlink(path)
        }
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
                    Self.onThread(closing: connection) { Self.serve(connection, handler) }
                } else if isClosed.load(ordering: .acquiring) {
                    close(descriptor)
                    return
                } else if errno != EINTR && errno != ECONNABORTED {
                    // Out of descriptors, most likely: that passes.
                    usleep(100_000)
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
        guard UnixSocket.send(command, to: descriptor),
            let line = UnixSocket.receiveLine(from: descriptor, within: answerTime, limit: 16 << 20)
        else {
            throw AdminError(
                "\(path): the daemon closed the connection, or gave no answer in \(answerTime.components.seconds) s"
            )
        }
        do {
            return try JSONValue(parsing: line)
        } catch {
            throw AdminError("\(path): the daemon's answer: \(error)")
        }
    }

    /// Reads the command on the calling thread, which it may block, and answers on another.
    private static func serve(_ connection: Int32, _ handler: @escaping Handler) {
        guard let line = UnixSocket.receiveLine(from: connection, limit: 1 << 20) else {
            close(connection)
            return
        }
        Task.detached {
            let answer: JSONValue
            do throws(JSONProblem) {
                answer = await handler(try JSONValue(parsing: line))
            } catch {
                answer = .object(["error": .string("the command: \(error)")])
            }
            onThread(closing: connection) {
                _ = UnixSocket.send(answer, to: connection)
                close(connection)
            }
        }
    }

    /// Runs what may block on a thread of its own. Where none can be had, closes the connection instead.
    private static func onThread(closing connection: Int32, _ body: @escaping @Sendable () -> Void) {
        do {
            try startThread(body)
        } catch {
            close(connection)
        }
    }
}
