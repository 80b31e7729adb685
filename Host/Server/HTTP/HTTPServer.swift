import CSystemMicrohttpd
import Foundation
import Synchronization

/// An HTTP/1.1 server over libmicrohttpd. It knows requests and responses, and nothing of what they are about.
///
/// One thread owns every socket; each request's handler runs in a task of its own, and that task is cancelled
/// within a second of its client going away, whether the client waits for an answer or reads a stream. A client
/// that closes only its sending half counts as gone. A started server runs until `stop`, whoever holds it.
public final class HTTPServer: Sendable {
    public typealias Handler = @Sendable (HTTPRequest) async -> HTTPResponse
    /// Looks at a request whose body has not been received; what it returns is the answer, and the body is not taken.
    /// Called on the thread that owns the sockets, so it returns at once.
    public typealias Doorkeeper = @Sendable (HTTPRequest) -> HTTPError?

    /// Told of each request when it is over, on the thread that owns the sockets, so it returns soon.
    public typealias Observer = @Sendable (HTTPRecord) -> Void

    public struct Configuration: Sendable {
        /// A name or a numeric address.
        public var host: String
        /// 0 takes any free port; `HTTPServer.port` tells which.
        public var port: Int
        public var limits: Limits
        /// What is answered by its handler also while the server is stopping, which refuses everything else by 503.
        public var pathsToTheEnd: Set<String>
        /// Where there is one, TLS is spoken and nothing else.
        public var identity: TLSIdentity?

        public init(
            host: String = "127.0.0.1", port: Int = 8000, limits: Limits = Limits(),
            pathsToTheEnd: Set<String> = [], identity: TLSIdentity? = nil
        ) {
            self.host = host
            self.port = port
            self.limits = limits
            self.pathsToTheEnd = pathsToTheEnd
            self.identity = identity
        }
    }

    public struct Limits: Sendable {
        /// A longer body is 413.
        public var bodyBytes = 64 << 20
        /// Request line and header fields; more is 431.
        public var headerBytes = 16 << 10
        /// A request on a connection beyond these is 503.
        public var connections = 1024
        /// From the first byte of a header to its end; later is 408.
        public var headerDeadline = Duration.seconds(10)
        /// From the end of the header to the end of the body; later is 408.
        public var bodyDeadline = Duration.seconds(120)
        /// A connection without a running request is closed after this much silence.
        public var idleTimeout = Duration.seconds(75)
        /// A client that reads nothing of a stream for this long, while there is something for it, is given up, so that
        /// nothing more is made for it.
        public var stallDeadline = Duration.seconds(1)
        /// A client that acknowledges nothing for this long, while there is something for it, is gone: its link is broken, or
        /// it does not read an answer that is made.
        public var sendDeadline = Duration.seconds(30)
        /// Of a socket; the kernel doubles it. Small, so that a slow reader is felt here and not in the kernel.
        public var sendBufferBytes = 32 << 10
        /// How far a stream may run ahead of its reader before its writer is suspended.
        public var streamBufferBytes = 64 << 10

        public init() {}
    }

    private enum Lifecycle {
        case new
        case running(LoopMailbox, port: Int)
        case stopped(LoopMailbox?)
    }

    private let configuration: Configuration
    private let doorkeeper: Doorkeeper
    private let handler: Handler
    private let observer: Observer
    private let lifecycle = Mutex(Lifecycle.new)

    public init(
        configuration: Configuration, doorkeeper: @escaping Doorkeeper = { _ in nil },
        observer: @escaping Observer = { _ in }, handler: @escaping Handler
    ) {
        self.configuration = configuration
        self.doorkeeper = doorkeeper
        self.handler = handler
        self.observer = observer
    }

    /// The port that is listened on; before `start` and after `stop` the configured one.
    public var port: Int {
        lifecycle.withLock { lifecycle in
            if case .running(_, let port) = lifecycle { port } else { configuration.port }
        }
    }

    /// Opens the port. A server starts once.
    public func start() throws(HTTPServerError) {
        try lifecycle.withLock { lifecycle throws(HTTPServerError) in
            guard case .new = lifecycle else {
                throw HTTPServerError(.alreadyStarted, "the server was started before; make a new one")
            }
            lifecycle = try open()
        }
    }

    private func open() throws(HTTPServerError) -> Lifecycle {
        try configuration.check()
        let mailbox = try LoopMailbox()
        let limits = configuration.limits
        let listener = http_listen(
            configuration.host, UInt16(configuration.port), Int32(clamping: limits.sendBufferBytes))
        guard listener.socket >= 0 else {
            throw HTTPServerError(listener, host: configuration.host, port: configuration.port)
        }
        let loop = HTTPLoop(
            configuration, doorkeeper: doorkeeper, handler: handler, observer: observer, mailbox: mailbox)
        try loop.open(listener: listener.socket)
        let thread = Thread { loop.run() }
        thread.name = "http"
        thread.start()
        return .running(mailbox, port: Int(listener.port))
    }

    /// Lets running requests finish for as long as `drain`, and meanwhile answers 503 to those that still come, over open
    /// connections and new ones. Then cancels what is left and closes the port. On return no connection is open; a
    /// handler that ignores its cancellation may still run.
    public func stop(drain: Duration) async {
        let mailbox: LoopMailbox? = lifecycle.withLock { lifecycle in
            let mailbox: LoopMailbox? =
                switch lifecycle {
                case .new: nil
                case .running(let mailbox, _): mailbox
                case .stopped(let mailbox): mailbox
                }
            lifecycle = .stopped(mailbox)
            return mailbox
        }
        guard let mailbox else { return }
        mailbox.post(.drain(until: .now + drain))
        await mailbox.waitForEnd()
    }
}

extension HTTPServer.Configuration {
    fileprivate func check() throws(HTTPServerError) {
        let sizes: [(name: String, value: Int, range: ClosedRange<Int>)] = [
            ("port", port, 0...65535),
            ("limits.bodyBytes", limits.bodyBytes, 0...Int.max),
            ("limits.headerBytes", limits.headerBytes, 1024...(1 << 20)),
            ("limits.connections", limits.connections, 1...1_000_000),
            ("limits.sendBufferBytes", limits.sendBufferBytes, 1...(1 << 30)),
            ("limits.streamBufferBytes", limits.streamBufferBytes, 1...(1 << 30)),
        ]
        for size in sizes where !size.range.contains(size.value) {
            let range = "\(size.range.lowerBound) to \(size.range.upperBound)"
            throw HTTPServerError(.invalidConfiguration, "\(size.name) is \(size.value); expected \(range)")
        }
        guard !host.isEmpty, !host.utf8.contains(0) else {
            throw HTTPServerError(.invalidConfiguration, "the host is empty; expected a name or an address")
        }
    }
}
