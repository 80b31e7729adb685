import CSystemMicrohttpd

/// One request and its answer, from the end of the header to libmicrohttpd's completion call-back. Belongs to
/// the loop's thread; `channel` is what the handler's task sees of it.
final class HTTPExchange {
    private enum Phase {
        case receiving
        /// The handler runs.
        case waiting
        case answering
        /// HTTP is over, the connection is not.
        case upgraded(UpgradedSocket)
        case refused(until: ContinuousClock.Instant)
        /// The client is gone, or the server ends.
        case abandoned
    }

    /// How long a refused client may go on sending, so that it reads the answer instead of a reset.
    private static let refusalLinger = Duration.seconds(2)

    let number: UInt64
    let connection: HTTPConnection
    private let pointer: OpaquePointer
    private let limits: HTTPServer.Limits
    private let channel: ResponseChannel
    private let mailbox: LoopMailbox
    private let began = ContinuousClock.now
    private let method: String
    private let target: String
    private var phase = Phase.receiving
    private let requestID = HTTPRequest.newID()
    /// Until its handler has it.
    private var request: HTTPRequest?
    private let notes = RequestNotes()
    /// Of the answer that is sent, or was.
    private var status: Int?
    private var bytesSent = 0
    private var suspended = false

    init(
        number: UInt64, pointer: OpaquePointer, connection: HTTPConnection, method: String,
        target: String, limits: HTTPServer.Limits, mailbox: LoopMailbox
    ) {
        self.number = number
        self.pointer = pointer
        self.connection = connection
        self.method = method
        self.target = target
        self.limits = limits
        self.mailbox = mailbox
        channel = ResponseChannel(number: number, mailbox: mailbox, capacity: limits.streamBufferBytes)
    }

    // MARK: The request

    /// Reads the head, or refuses the request; either way its body is to be received next.
    func begin(
        version: String, overload: HTTPError?, doorkeeper: HTTPServer.Doorkeeper
    ) {
        do throws(HTTPError) {
            if let overload { throw overload }
            guard http_connection_header_bytes(pointer) <= limits.headerBytes else {
                throw HTTPError(
                    status: 431, message: "The header is longer than \(limits.headerBytes) bytes.",
                    code: "header_too_large")
            }
            let fields = Self.values(pointer, .HEADER_KIND)
            let head = try RequestHead(headers: HTTPHeaders(fields), version: version)
            if case .known(let length) = head.length, length > UInt64(limits.bodyBytes) { throw bodyTooLarge }
            var query: [HTTPHeaders.Field] = []
            for item in Self.values(pointer, .GET_ARGUMENT_KIND) {
                let name = try RequestHead.percentDecode(item.name)
                query.append((name: name, value: try RequestHead.percentDecode(item.value)))
            }
            let whole = HTTPRequest(
                id: requestID, method: method, path: try RequestHead.percentDecode(target), query: query,
                headers: head.headers, remoteAddress: connection.remoteAddress, notes: notes)
            if let refusal = doorkeeper(whole) { throw refusal }
            request = whole
        } catch {
            refuse(error)
        }
    }

    func receive(_ bytes: UnsafeRawBufferPointer) {
        guard case .receiving = phase, let received = request?.body.count else { return }
        guard bytes.count <= limits.bodyBytes - received else {
            refuse(bodyTooLarge)
            return
        }
        request?.body.append(contentsOf: bytes)
    }

    private var bodyTooLarge: HTTPError {
        HTTPError(
            status: 413,
            message: "The body is longer than the \(limits.bodyBytes) bytes that this server takes.",
            code: "request_too_large")
    }

    private func refuse(_ error: HTTPError) {
        request = nil
        phase = .refused(until: .now + Self.refusalLinger)
        status = error.status
        notes.add(error)
        connection.refuse(error, withBody: method != "HEAD")
    }

    /// Header fields or query items as they were received.
    private static func values(_ pointer: OpaquePointer, _ kind: MHD_ValueKind) -> [HTTPHeaders.Field] {
        var values: [HTTPHeaders.Field] = []
        withUnsafeMutablePointer(to: &values) { values in
            _ = MHD_get_connection_values_n(
                pointer, kind,
                { context, _, name, nameSize, value, valueSize in
                    let name = UnsafeRawBufferPointer(start: name, count: nameSize)
                    let value = UnsafeRawBufferPointer(start: value, count: valueSize)
                    context?.assumingMemoryBound(to: [HTTPHeaders.Field].self).pointee.append(
                        (
                            name: String(decoding: name, as: UTF8.self),
                            value: String(decoding: value, as: UTF8.self)
                        ))
                    return .YES
                }, values)
        }
        return values
    }

    // MARK: The answer

    /// The request is whole, or the connection was resumed. `NO` closes the connection.
    func proceed(handler: @escaping HTTPServer.Handler, closing: Bool) -> MHD_Result {
        switch phase {
        case .receiving:
            guard let whole = request else { return .NO }
            request = nil
            phase = .waiting
            channel.start(whole, handler)
            return proceed(handler: handler, closing: closing)
        case .waiting:
            guard let response = channel.takeResponse() else {
                suspend()
                return .YES
            }
            phase = .answering
            return queue(response, closing: closing)
        case .answering, .upgraded:
            return .YES
        case .refused, .abandoned:
            return .NO
        }
    }

    private func queue(_ answer: HTTPResponse, closing: Bool) -> MHD_Result {
        let answer = Self.checked(answer)
        status = answer.status
        if let error = answer.error { notes.add(error) }
        let response: OpaquePointer?
        switch answer.body {
        case .bytes(let bytes):
            bytesSent = method == "HEAD" ? 0 : bytes.count
            response = bytes.withUnsafeBytes { bytes in
                // Copied, because libmicrohttpd sends it after this call.
                MHD_create_response_from_buffer(
                    bytes.count, UnsafeMutableRawPointer(mutating: bytes.baseAddress), .RESPMEM_MUST_COPY)
            }
        case .stream:
            // The exchange outlives the response: it is let go in the completion call-back, after the last read.
            response = MHD_create_response_from_callback(
                UInt64.max, 16 << 10,
                { context, _, buffer, capacity in
                    guard let context, let buffer else { return http_reader_failed }
                    let exchange = Unmanaged<HTTPExchange>.fromOpaque(context).takeUnretainedValue()
                    return exchange.read(into: UnsafeMutableRawBufferPointer(start: buffer, count: capacity))
                }, Unmanaged.passUnretained(self).toOpaque(), nil)
        case .upgrade:
            // A conversation that begins now would be cut at once.
            if closing { return .NO }
            response = MHD_create_response_for_upgrade(
                { _, _, context, early, size, socket, handle in
                    guard let context, let handle else { return }
                    Unmanaged<HTTPExchange>.fromOpaque(context).takeUnretainedValue().upgraded(
                        socket, handle, UnsafeRawBufferPointer(start: early, count: size))
                }, nil)
        }
        guard let response else { return .NO }
        defer { MHD_destroy_response(response) }
        for field in answer.headers.fields {
            guard MHD_add_response_header(response, field.name, field.value) == .YES else { return .NO }
        }
        guard MHD_add_response_header(response, "x-request-id", requestID) == .YES else { return .NO }
        if closing { _ = MHD_add_response_header(response, "Connection", "close") }
        return MHD_queue_response(pointer, UInt32(answer.status), response)
    }

    /// What libmicrohttpd would refuse becomes a 500 that says so; what is the server's own is left out.
    private static func checked(_ response: HTTPResponse) -> HTTPResponse {
        let own = ["Content-Length", "Transfer-Encoding", "Connection", "x-request-id"]
        var response = response
        for name in own { response.headers[name] = nil }
        let isUpgrade = if case .upgrade = response.body { true } else { false }
        guard isUpgrade ? response.status == 101 : (200...599).contains(response.status) else {
            return HTTPError(status: 500, message: "The server made an answer of status \(response.status).")
                .response
        }
        let valid = response.headers.fields.allSatisfy { field in
            !field.name.isEmpty
                && !field.name.utf8.contains { $0 <= 0x20 || $0 == 0x7f || $0 == UInt8(ascii: ":") }
                && !field.value.isEmpty && !field.value.utf8.contains { $0 < 0x20 || $0 == 0x7f }
        }
        guard valid else {
            return HTTPError(status: 500, message: "The server made an answer with a malformed header.")
                .response
        }
        return response
    }

    /// Called by libmicrohttpd once the head has gone out.
    private func upgraded(_ socket: Int32, _ handle: OpaquePointer, _ early: UnsafeRawBufferPointer) {
        let upgraded = UpgradedSocket(
            socket: socket, handle: handle, incoming: channel.incoming, channel: channel, early: early)
        guard case .answering = phase else { return upgraded.close() }
        phase = .upgraded(upgraded)
        // The handler may have written before there was a socket for it.
        mailbox.post(.wake(number))
    }

    /// The socket that the loop is to watch; nil before an upgrade.
    var upgradedSocket: UpgradedSocket? {
        if case .upgraded(let socket) = phase, socket.isOpen { socket } else { nil }
    }

    private func read(into buffer: UnsafeMutableRawBufferPointer) -> Int {
        if case .abandoned = phase { return http_reader_failed }
        switch channel.read(into: buffer) {
        case .bytes(let count):
            bytesSent += count
            return count
        case .end: return http_reader_end
        case .failed: return http_reader_failed
        case .wait:
            suspend()
            return 0
        }
    }

    // MARK: Suspending and ending

    private func suspend() {
        suspended = true
        MHD_suspend_connection(pointer)
    }

    func resume() {
        guard suspended else { return }
        suspended = false
        MHD_resume_connection(pointer)
    }

    /// What the watch needs to know.
    var activity: SocketWatch.Activity {
        switch phase {
        case .receiving: .receivingBody(since: began)
        case .waiting: .running
        case .answering, .upgraded: channel.isProducing ? .streaming : .sending
        case .refused(let end): .refused(until: end)
        case .abandoned: .sending
        }
    }

    /// The client is gone, or is given up: ends its task and its socket.
    func abandon() {
        if let upgradedSocket {
            channel.abandon()
            upgradedSocket.close()
            return
        }
        phase = .abandoned
        channel.abandon()
        connection.end()
        resume()
    }

    /// Gives up waiting for a body.
    func refuseLateBody() {
        let limit = limits.bodyDeadline.components.seconds
        refuse(
            HTTPError(
                status: 408, message: "The body was not whole after \(limit) s.", code: "body_timeout"))
        connection.end()
    }

    /// libmicrohttpd has let go of the request, whose answer it sent to the end or not.
    func completed(isWhole: Bool) -> HTTPRecord {
        channel.abandon()
        var isWhole = isWhole
        if case .refused = phase { isWhole = true }
        return HTTPRecord(
            id: requestID, method: method, path: (try? RequestHead.percentDecode(target)) ?? target,
            remoteAddress: connection.remoteAddress, status: status ?? 499, bytesSent: bytesSent,
            seconds: (.now - began) / .seconds(1), isWhole: isWhole && status != nil, notes: notes.all)
    }
}
