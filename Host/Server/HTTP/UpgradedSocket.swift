import CSystemMicrohttpd
import Glibc

/// The socket of an upgraded connection, moved by hand: libmicrohttpd has let go of it until it is given back. Belongs to
/// the loop's thread.
final class UpgradedSocket {
    let socket: Int32
    private let handle: OpaquePointer
    private let incoming: IncomingBytes
    private let channel: ResponseChannel
    /// Taken from the channel and not sent yet.
    private var outgoing: ArraySlice<UInt8> = []
    private(set) var isOpen = true
    private var buffer = [UInt8](repeating: 0, count: 16 << 10)

    /// `early` came behind the request, before the socket was handed over.
    init(
        socket: Int32, handle: OpaquePointer, incoming: IncomingBytes, channel: ResponseChannel,
        early: UnsafeRawBufferPointer
    ) {
        self.socket = socket
        self.handle = handle
        self.incoming = incoming
        self.channel = channel
        if !early.isEmpty { incoming.add(Array(early)[...]) }
    }

    /// What the loop is to wait for.
    var events: Int16 {
        (incoming.hasRoom() ? Int16(POLLIN) : 0) | (outgoing.isEmpty ? 0 : Int16(POLLOUT))
    }

    /// Moves what can be moved.
    func move() {
        if isOpen { receive() }
        if isOpen { send() }
    }

    private func receive() {
        while incoming.hasRoom() {
            let count = recv(socket, &buffer, buffer.count, Int32(MSG_DONTWAIT))
            if count > 0 {
                incoming.add(buffer[..<count])
            } else if count < 0, errno == EINTR {
                continue
            } else {
                if count == 0 || errno != EAGAIN { incoming.end(HTTPClientGone()) }
                return
            }
        }
    }

    private func send() {
        while true {
            while outgoing.isEmpty {
                let read = buffer.withUnsafeMutableBytes { channel.read(into: $0) }
                switch read {
                case .bytes(let count): outgoing = buffer[..<count]
                case .wait: return
                case .end, .failed: return close()
                }
            }
            let count = outgoing.withUnsafeBytes {
                Glibc.send(socket, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT))
            }
            if count >= 0 {
                outgoing = outgoing.dropFirst(count)
            } else if errno != EINTR {
                if errno != EAGAIN { close() }
                return
            }
        }
    }

    /// Gives the socket back, which closes it.
    func close() {
        guard isOpen else { return }
        isOpen = false
        incoming.end(HTTPClientGone())
        shutdown(socket, Int32(SHUT_RDWR))
        http_upgrade_close(handle)
    }

    /// The server wants to stop; what came before is still read.
    func announceClosing() {
        incoming.end(HTTPServerClosing())
    }
}
