import CSystemMicrohttpd
import Glibc

/// The one thread on which every call into libmicrohttpd is made.
///
/// It sleeps on the daemon's epoll descriptor and the mailbox's eventfd, lets the daemon work after each wake,
/// and looks at every socket four times a second.
///
/// Sendable because `open` happens before its thread starts and everything after on that thread.
final class HTTPLoop: @unchecked Sendable {
    /// How far the server is from its end.
    private enum Course {
        case serving
        /// Exchanges up to number `last` are finished, and no others taken.
        case draining(last: UInt64, until: ContinuousClock.Instant)
        /// The port is closed. Connections have until then to end by themselves.
        case closing(until: ContinuousClock.Instant)
    }

    private static let watchInterval = Duration.milliseconds(250)
    /// What connections get to leave before the daemon is stopped under them.
    private static let lastGrace = Duration.seconds(1)

    private let limits: HTTPServer.Limits
    private let pathsToTheEnd: Set<String>
    private let identity: TLSIdentity?
    private let doorkeeper: HTTPServer.Doorkeeper
    private let handler: HTTPServer.Handler
    private let observer: HTTPServer.Observer
    private let mailbox: LoopMailbox
    private var daemon: OpaquePointer?
    private var connections: [Int32: HTTPConnection] = [:]
    private var exchanges: [UInt64: HTTPExchange] = [:]
    private var exchangesSeen: UInt64 = 0
    private var course = Course.serving
    /// A daemon at its limit of connections listens again in the run after the one in which some ended.
    private var needsAnotherRun = false

    init(
        _ configuration: HTTPServer.Configuration, doorkeeper: @escaping HTTPServer.Doorkeeper,
        handler: @escaping HTTPServer.Handler, observer: @escaping HTTPServer.Observer,
        mailbox: LoopMailbox
    ) {
        limits = configuration.limits
        pathsToTheEnd = configuration.pathsToTheEnd
        identity = configuration.identity
        self.doorkeeper = doorkeeper
        self.handler = handler
        self.observer = observer
        self.mailbox = mailbox
    }

    /// Starts the daemon on a listening socket, which it then owns.
    func open(listener: Int32) throws(HTTPServerError) {
        var options = http_daemon_options(
            listen_socket: listener,
            // Above our own limit, so that there are connections to answer 503 on.
            connection_limit: UInt32(limits.connections + limits.connections / 8 + 64),
            // Half for the header, so that our own 431 comes before libmicrohttpd's, which is HTML.
            connection_memory: limits.headerBytes * 2 + (8 << 10), uses_tls: identity != nil)
        var callbacks = http_daemon_callbacks(
            context: Unmanaged.passUnretained(self).toOpaque(), handle: handleRequest,
            completed: requestCompleted, connection: connectionChanged)
        daemon = http_daemon_start(&options, &callbacks)
        guard daemon != nil else {
            close(listener)
            throw HTTPServerError(resource: "its epoll descriptors", errno: errno)
        }
    }

    /// Serves until a `.drain` message has been carried out.
    func run() {
        guard let daemon else { return }
        let own = [
            pollfd(fd: http_daemon_epoll(daemon), events: Int16(POLLIN), revents: 0),
            pollfd(fd: mailbox.descriptor, events: Int16(POLLIN), revents: 0),
        ]
        var nextWatch = ContinuousClock.now + Self.watchInterval
        while !finished {
            let upgraded = exchanges.values.compactMap(\.upgradedSocket)
            var descriptors = own + upgraded.map { pollfd(fd: $0.socket, events: $0.events, revents: 0) }
            poll(&descriptors, UInt(descriptors.count), wait(until: nextWatch, daemon))
            for (socket, descriptor) in zip(upgraded, descriptors.dropFirst(own.count))
            where descriptor.revents != 0 {
                socket.move()
            }
            for message in mailbox.take() {
                switch message {
                case .wake(let number):
                    exchanges[number]?.resume()
                    exchanges[number]?.upgradedSocket?.move()
                case .drain(let end): drain(until: end)
                }
            }
            needsAnotherRun = false
            MHD_run(daemon)
            let now = ContinuousClock.now
            if now >= nextWatch {
                nextWatch = now + Self.watchInterval
                watchSockets(now)
            }
            closeWhenDrained(now, daemon)
        }
        MHD_stop_daemon(daemon)
        mailbox.end()
    }

    /// Milliseconds to sleep; forever where there is no socket to look at.
    private func wait(until watch: ContinuousClock.Instant, _ daemon: OpaquePointer) -> Int32 {
        if needsAnotherRun { return 0 }
        var wait: Int64 = -1
        if !connections.isEmpty || isStopping {
            let left = (watch - .now).components
            wait = max(0, left.seconds * 1000 + left.attoseconds / 1_000_000_000_000_000 + 1)
        }
        var daemonWait: UInt64 = 0
        if MHD_get_timeout(daemon, &daemonWait) == .YES {
            wait = wait < 0 ? Int64(clamping: daemonWait) : min(wait, Int64(clamping: daemonWait))
        }
        return Int32(clamping: wait)
    }

    // MARK: Watching

    private func watchSockets(_ now: ContinuousClock.Instant) {
        for connection in connections.values {
            guard let facts = connection.facts else { continue }
            let verdict = connection.watch.judge(
                facts, connection.exchange?.activity ?? .idle, requests: connection.finishedRequests,
                limits: limits, now: now)
            switch verdict {
            case nil: break
            case .clientGone, .readerStalled:
                if let exchange = connection.exchange { exchange.abandon() } else { connection.end() }
            case .headerLate:
                let limit = limits.headerDeadline.components.seconds
                connection.refuse(
                    HTTPError(
                        status: 408, message: "The header was not whole after \(limit) s.",
                        code: "header_timeout"))
                connection.end()
            case .bodyLate: connection.exchange?.refuseLateBody()
            case .refusalOver, .idleTooLong: connection.end()
            }
        }
    }

    // MARK: Ending

    private func drain(until end: ContinuousClock.Instant) {
        switch course {
        case .serving:
            course = .draining(last: exchangesSeen, until: end)
            for exchange in exchanges.values { exchange.upgradedSocket?.announceClosing() }
        case .draining(let last, let until): course = .draining(last: last, until: min(until, end))
        case .closing: break
        }
    }

    /// Closes the port once what ran when the drain began has come to its end, or its time is over.
    private func closeWhenDrained(_ now: ContinuousClock.Instant, _ daemon: OpaquePointer) {
        guard case .draining(let last, let until) = course else { return }
        let isLate = now >= until
        guard isLate || !exchanges.keys.contains(where: { $0 <= last }) else { return }
        course = .closing(until: now + Self.lastGrace)
        let listener = MHD_quiesce_daemon(daemon)
        if listener >= 0 { close(listener) }
        if isLate {
            for exchange in exchanges.values { exchange.abandon() }
        }
        for connection in connections.values where isLate || connection.exchange == nil { connection.end() }
    }

    private var isStopping: Bool {
        if case .serving = course { false } else { true }
    }

    private var finished: Bool {
        guard case .closing(let until) = course else { return false }
        return connections.isEmpty || .now >= until
    }

    // MARK: Called by libmicrohttpd

    fileprivate func opened(_ pointer: OpaquePointer) -> HTTPConnection {
        let connection = HTTPConnection(pointer, certificate: identity?.current())
        connections[connection.socket] = connection
        return connection
    }

    fileprivate func closed(_ connection: HTTPConnection) {
        connections[connection.socket] = nil
        needsAnotherRun = true
    }

    fileprivate func begin(
        _ pointer: OpaquePointer, _ connection: HTTPConnection, method: String, target: String,
        version: String
    ) -> HTTPExchange {
        exchangesSeen += 1
        let exchange = HTTPExchange(
            number: exchangesSeen, pointer: pointer, connection: connection, method: method, target: target,
            limits: limits, mailbox: mailbox)
        exchanges[exchange.number] = exchange
        connection.exchange = exchange
        exchange.begin(version: version, overload: overload, doorkeeper: refusal)
        return exchange
    }

    /// Why a request is refused by its head; nil where it is taken.
    private func refusal(of head: HTTPRequest) -> HTTPError? {
        if isStopping, !pathsToTheEnd.contains(head.path) {
            return HTTPError(
                status: 503, message: "The server is shutting down; try again in a moment.",
                code: "server_shutting_down", headers: ["Retry-After": "5"])
        }
        return doorkeeper(head)
    }

    /// Why no request is taken now, whatever it asks.
    private var overload: HTTPError? {
        guard connections.count > limits.connections else { return nil }
        return HTTPError(
            status: 503,
            message: "The server has its \(limits.connections) connections; try again later.",
            code: "too_many_connections", headers: ["Retry-After": "5"])
    }

    fileprivate func proceed(_ exchange: HTTPExchange) -> MHD_Result {
        exchange.proceed(handler: handler, closing: isStopping)
    }

    fileprivate func completed(_ exchange: HTTPExchange, isWhole: Bool) {
        observer(exchange.completed(isWhole: isWhole))
        exchanges[exchange.number] = nil
        exchange.connection.exchange = nil
        exchange.connection.finishedRequests += 1
    }
}

private func loop(_ context: UnsafeMutableRawPointer?) -> HTTPLoop? {
    context.map { Unmanaged<HTTPLoop>.fromOpaque($0).takeUnretainedValue() }
}

/// `MHD_AccessHandlerCallback`: once when the header is whole, once per piece of the body, once at its end, and
/// once after each resumption until an answer is queued.
private func handleRequest(
    _ context: UnsafeMutableRawPointer?, _ pointer: OpaquePointer?, _ url: UnsafePointer<CChar>?,
    _ method: UnsafePointer<CChar>?, _ version: UnsafePointer<CChar>?, _ data: UnsafePointer<CChar>?,
    _ size: UnsafeMutablePointer<Int>?,
    _ requestContext: UnsafeMutablePointer<UnsafeMutableRawPointer?>?
) -> MHD_Result {
    guard let loop = loop(context), let pointer, let url, let method, let version, let size,
        let requestContext
    else {
        return .NO
    }
    guard let opaque = requestContext.pointee else {
        guard let socketContext = http_connection_context(pointer) else { return .NO }
        let exchange = loop.begin(
            pointer, Unmanaged<HTTPConnection>.fromOpaque(socketContext).takeUnretainedValue(),
            method: String(cString: method), target: String(cString: url),
            version: String(cString: version))
        // Released in requestCompleted, which libmicrohttpd calls once for every request it announced.
        requestContext.pointee = Unmanaged.passRetained(exchange).toOpaque()
        return .YES
    }
    let exchange = Unmanaged<HTTPExchange>.fromOpaque(opaque).takeUnretainedValue()
    guard size.pointee == 0 else {
        exchange.receive(UnsafeRawBufferPointer(start: data, count: size.pointee))
        size.pointee = 0
        return .YES
    }
    return loop.proceed(exchange)
}

/// `MHD_RequestCompletedCallback`.
private func requestCompleted(
    _ context: UnsafeMutableRawPointer?, _ pointer: OpaquePointer?,
    _ requestContext: UnsafeMutablePointer<UnsafeMutableRawPointer?>?, _ code: MHD_RequestTerminationCode
) {
    guard let loop = loop(context), let opaque = requestContext?.pointee else { return }
    requestContext?.pointee = nil
    loop.completed(
        Unmanaged<HTTPExchange>.fromOpaque(opaque).takeRetainedValue(),
        isWhole: code == .REQUEST_TERMINATED_COMPLETED_OK)
}

/// `MHD_NotifyConnectionCallback`.
private func connectionChanged(
    _ context: UnsafeMutableRawPointer?, _ pointer: OpaquePointer?,
    _ socketContext: UnsafeMutablePointer<UnsafeMutableRawPointer?>?, _ code: MHD_ConnectionNotificationCode
) {
    guard let loop = loop(context), let pointer, let socketContext else { return }
    if code == .CONNECTION_NOTIFY_STARTED {
        socketContext.pointee = Unmanaged.passRetained(loop.opened(pointer)).toOpaque()
    } else if let opaque = socketContext.pointee {
        socketContext.pointee = nil
        loop.closed(Unmanaged<HTTPConnection>.fromOpaque(opaque).takeRetainedValue())
    }
}
