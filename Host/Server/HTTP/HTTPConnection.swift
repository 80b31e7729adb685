import CSystemMicrohttpd
import Glibc

/// One client's socket, from accept to close. Belongs to the loop's thread.
final class HTTPConnection {
    /// Valid as long as this object is in the loop's table; libmicrohttpd closes it, nobody else.
    let socket: Int32
    let remoteAddress: String
    private let pointer: OpaquePointer
    /// Kept as long as libmicrohttpd may use it; nil on plain HTTP.
    private let certificate: TLSCertificate?
    /// Whether TLS is there; written by the shim.
    private let shookHands: UnsafeMutablePointer<Bool>
    var watch: SocketWatch
    var finishedRequests: UInt64 = 0
    /// The request that has arrived or is being answered; the exchange is kept by libmicrohttpd's context.
    var exchange: HTTPExchange?

    init(_ pointer: OpaquePointer, certificate: TLSCertificate?) {
        self.pointer = pointer
        self.certificate = certificate
        watch = SocketWatch(shakesHands: certificate != nil)
        shookHands = .allocate(capacity: 1)
        shookHands.initialize(to: certificate == nil)
        if let certificate {
            // Where it fails there is no memory, and the client's handshake fails for want of a certificate.
            _ = http_connection_use_certificate(pointer, certificate.pointer, shookHands)
        }
        socket = http_connection_socket(pointer)
        remoteAddress = withUnsafeTemporaryAllocation(of: CChar.self, capacity: 64) { text in
            guard let base = text.baseAddress else { return "" }
            http_connection_address(pointer, base, text.count)
            return String(cString: base)
        }
    }

    deinit {
        shookHands.deallocate()
    }

    /// Writes an error past libmicrohttpd and ends our side. It cannot answer while a body is on its way, nor a
    /// header that does not end; nothing else is in flight on the socket then. Over TLS nothing is said
    /// to a client that has not shaken hands.
    func refuse(_ error: HTTPError, withBody: Bool = true) {
        let body = error.body
        var head =
            "HTTP/1.1 \(error.status) \(String(cString: MHD_get_reason_phrase_for(UInt32(error.status))))\r\n"
        head += "Content-Type: application/json\r\nContent-Length: \(body.count)\r\nConnection: close\r\n"
        for field in error.headers.fields { head += "\(field.name): \(field.value)\r\n" }
        head += "\r\n"
        let bytes = Array(head.utf8) + (withBody ? body : [])
        http_connection_refuse(pointer, bytes, bytes.count)
    }

    /// Ends both directions, so that libmicrohttpd finds the end and closes the socket in its own time.
    func end() {
        shutdown(socket, Int32(SHUT_RDWR))
    }

    /// What the watch needs to know; nil where the kernel does not say.
    var facts: SocketWatch.Facts? {
        var facts = http_socket_facts()
        guard http_socket_read(socket, &facts) else { return nil }
        return SocketWatch.Facts(
            shakesHands: !shookHands.pointee,
            wasAsked: certificate != nil && shookHands.pointee && http_connection_was_asked(pointer),
            peerClosed: facts.peer_closed, dataWaits: facts.data_waits, windowClosed: facts.window_closed,
            bytesReceived: facts.bytes_received, bytesAcknowledged: facts.bytes_acked)
    }
}
