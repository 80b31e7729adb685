import Foundation
import GatehouseJSON
import Modalities
import PluginHost

/// Stream sockets by a path in the file system.
enum UnixSocket {
    /// How long the other side may keep us waiting where it has nothing to think about.
    static let patience = Duration.seconds(2)

    /// Calls `body` with the address of `path`.
    static func withAddress<Result>(
        _ path: String, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Result
    ) throws(AdminError) -> Result {
        var address = sockaddr_un()
        let room = MemoryLayout.size(ofValue: address.sun_path)
        guard path.utf8.count < room else {
            throw AdminError(
                "\(path): a socket's path has at most \(room - 1) bytes, this one \(path.utf8.count)")
        }
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        return withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                body($0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
    }

    static func make() throws(AdminError) -> Int32 {
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else {
            throw AdminError("making a socket: \(String(cString: strerror(errno)))")
        }
        return descriptor
    }

    private static func limitWaiting(_ descriptor: Int32, to time: Duration = patience) {
        var limit = timeval(tv_sec: Int(time.components.seconds), tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    }

    /// A connection to whoever listens at `path`; nil where nobody does.
    static func connect(_ path: String) throws(AdminError) -> Int32? {
        let descriptor = try make()
        // Connecting waits as long as sending may, where a daemon that hangs has a full queue.
        limitWaiting(descriptor)
        let status = try withAddress(path) { Foundation.connect(descriptor, $0, $1) }
        if status == 0 { return descriptor }
        let failure = errno
        close(descriptor)
        if failure == ENOENT || failure == ECONNREFUSED { return nil }
        if failure == EAGAIN { throw AdminError("\(path): the daemon there takes no connection") }
        throw AdminError("\(path): \(String(cString: strerror(failure)))")
    }

    /// Sends one line of JSON.
    static func send(_ value: JSONValue, to descriptor: Int32) -> Bool {
        let bytes = Array((value.text + "\n").utf8)
        var sent = 0
        while sent < bytes.count {
            let count = bytes.withUnsafeBytes { buffer in
                buffer.baseAddress.map {
                    Foundation.send(descriptor, $0 + sent, bytes.count - sent, Int32(MSG_NOSIGNAL))
                } ?? -1
            }
            if count <= 0 { return false }
            sent += count
        }
        return true
    }

    /// Receives one line of at most `limit` bytes; nil where the other side sends none in `time`.
    static func receiveLine(
        from descriptor: Int32, within time: Duration = patience, limit: Int
    ) -> [UInt8]? {
        limitWaiting(descriptor, to: time)
        let end = ContinuousClock.now + time
        var line: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while line.last != UInt8(ascii: "\n") {
            let count = recv(descriptor, &buffer, buffer.count, 0)
            // The clock is for those who send a byte at a time.
            if count <= 0 || line.count + count > limit || .now > end { return nil }
            line += buffer[..<count]
        }
        return line
    }
}

/// What went wrong with the admin socket.
public struct AdminError: Error, CustomStringConvertible {
    public let description: String

    init(_ description: String) {
        self.description = description
    }
}
