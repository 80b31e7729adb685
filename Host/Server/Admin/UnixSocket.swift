import Foundation
import Modalities
import PluginHost

/// Stream sockets by a path in the file system.
enum UnixSocket {
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

    /// A connection to whoever listens at `path`; nil where nobody does.
    static func connect(_ path: String) throws(AdminError) -> Int32? {
        let descriptor = try make()
        let status = try withAddress(path) { Foundation.connect(descriptor, $0, $1) }
        if status == 0 { return descriptor }
        let failure = errno
        close(descriptor)
        if failure == ENOENT || failure == ECONNREFUSED { return nil }
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

    /// Receives one line of JSON, of at most `limit` bytes; nil where the other side sends none.
    static func receive(from descriptor: Int32, limit: Int = 16 << 20) -> JSONValue? {
        var line: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while line.last != UInt8(ascii: "\n"), line.count < limit {
            let count = recv(descriptor, &buffer, buffer.count, 0)
            if count <= 0 { return nil }
            line += buffer[..<count]
        }
        return try? JSONValue(parsing: Data(line))
    }
}

/// What went wrong with the admin socket.
public struct AdminError: Error, CustomStringConvertible {
    public let description: String

    init(_ description: String) {
        self.description = description
    }
}
