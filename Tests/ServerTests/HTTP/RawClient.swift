import Foundation
import Glibc
import Server
import Synchronization

/// What a client read: status, fields with lowercase names, and the body with its framing taken off.
struct RawResponse {
    var status: Int
    var headers: [String: String]
    var body: String
    /// The chunked body's last chunk, or the last byte that Content-Length announced, has come.
    var whole: Bool

    /// `error.code` of a body in OpenAI's shape; nil where the shape is another.
    var errorCode: String? {
        guard let envelope = try? JSONSerialization.jsonObject(with: Data(body.utf8)) as? [String: Any],
            let error = envelope["error"] as? [String: Any], error["message"] is String,
            error["type"] is String, error.keys.contains("param"),
            headers["content-type"] == "application/json"
        else { return nil }
        return error["code"] as? String
    }
}

struct RawClientError: Error {
    let what: String
}

/// A TCP client that sends any bytes it is told to. Blocking, two minutes at most for each read, as other tests may
/// hold the pool: used inside `offPool` only.
///
/// Sendable because a test hands it from one step to the next and never uses it in two at once.
final class RawClient: @unchecked Sendable {
    private let socket: Int32
    private var buffer: [UInt8] = []
    private var open = true

    init(_ port: Int, receiveBuffer: Int32? = nil) throws {
        socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        if var size = receiveBuffer {
            setsockopt(socket, SOL_SOCKET, SO_RCVBUF, &size, socklen_t(MemoryLayout<Int32>.size))
        }
        var patience = timeval(tv_sec: 120, tv_usec: 0)
        setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard result == 0 else {
            let cause = String(cString: strerror(errno))
            close()
            throw RawClientError(what: "connect: \(cause)")
        }
    }

    /// Connects and sends.
    convenience init(_ port: Int, sending text: String, receiveBuffer: Int32? = nil) throws {
        try self.init(port, receiveBuffer: receiveBuffer)
        send(text)
    }

    deinit { close() }

    func close() {
        if open { Glibc.close(socket) }
        open = false
    }

    /// Sends everything, or as much as the server takes before it closes.
    func send(_ text: String) { send(Array(text.utf8)) }

    func send(_ bytes: [UInt8]) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes {
                Glibc.send(socket, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { return }
            rest = rest.dropFirst(count)
        }
    }

    /// Reads more into the buffer; false at the end of the connection.
    private func fill() throws -> Bool {
        var piece = [UInt8](repeating: 0, count: 65536)
        let count = recv(socket, &piece, piece.count, 0)
        if count > 0 { buffer += piece[..<count] }
        if count < 0, errno == EAGAIN { throw RawClientError(what: "nothing came for two minutes") }
        return count > 0
    }

    /// Whether the server ends the connection without sending more.
    func endsHere() throws -> Bool {
        try buffer.isEmpty && !fill()
    }

    /// The next bytes up to and including `mark`.
    func read(through mark: String) throws -> String {
        let mark = Array(mark.utf8)
        while true {
            if let range = buffer.firstRange(of: mark) {
                let text = String(decoding: buffer[..<range.upperBound], as: UTF8.self)
                buffer.removeFirst(range.upperBound)
                return text
            }
            guard try fill() else {
                throw RawClientError(
                    what: "the connection ended after \(String(decoding: buffer, as: UTF8.self))")
            }
        }
    }

    /// Everything up to the end of the connection.
    func readToEnd() throws -> [UInt8] { try take(.max) }

    /// Up to `count` bytes; fewer where the connection ends.
    func take(_ count: Int) throws -> [UInt8] {
        while buffer.count < count, try fill() {}
        let taken = Array(buffer.prefix(count))
        buffer.removeFirst(taken.count)
        return taken
    }

    func readHead() throws -> RawResponse {
        let lines = try read(through: "\r\n\r\n").components(separatedBy: "\r\n")
        var headers: [String: String] = [:]
        for line in lines.dropFirst() {
            guard let colon = line.firstIndex(of: ":") else { continue }
            headers[line[..<colon].lowercased()] = line[line.index(after: colon)...].trimmingCharacters(
                in: .whitespaces)
        }
        let status = lines[0].split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
        return RawResponse(status: status, headers: headers, body: "", whole: true)
    }

    func readResponse(head: Bool = false) throws -> RawResponse {
        var response = try readHead()
        if head { return response }
        var body: [UInt8] = []
        if response.headers["transfer-encoding"] == "chunked" {
            response.whole = false
            while let line = try? read(through: "\r\n"), let count = Int(line.dropLast(), radix: 16) {
                body += try take(count)
                _ = try take(2)
                if count == 0 {
                    response.whole = true
                    break
                }
            }
        } else if let length = response.headers["content-length"].flatMap({ Int($0) }) {
            body = try take(length)
            response.whole = body.count == length
        } else {
            body = try take(Int.max)
        }
        response.body = String(decoding: body, as: UTF8.self)
        return response
    }
}

/// Runs blocking code on a thread of its own: on the concurrency pool it would keep handlers from running.
func offPool<T: Sendable>(_ work: @escaping @Sendable () throws -> T) async throws -> T {
    try await withCheckedThrowingContinuation { continuation in
        Thread { continuation.resume(with: Result(catching: work)) }.start()
    }
}

/// Something that happens once, and that a test waits for.
final class Signal: Sendable {
    private let happened = Mutex(false)

    func set() { happened.withLock { $0 = true } }
    var isSet: Bool { happened.withLock { $0 } }

    /// False after two minutes. Goes on waiting when its own task is cancelled.
    func wait() async -> Bool {
        for _ in 0..<12_000 where !isSet {
            await Task.detached { try? await Task.sleep(for: .milliseconds(10)) }.value
        }
        return isSet
    }
}

/// Serves on a free port while `work` runs.
func serving<T>(
    _ limits: HTTPServer.Limits = HTTPServer.Limits(), handler: @escaping HTTPServer.Handler,
    _ work: (Int, HTTPServer) async throws -> T
) async throws -> T {
    let server = HTTPServer(configuration: .init(port: 0, limits: limits), handler: handler)
    try server.start()
    do {
        let result = try await work(server.port, server)
        await server.stop(drain: .seconds(1))
        return result
    } catch {
        await server.stop(drain: .zero)
        throw error
    }
}

/// Answers with what came.
let echo: HTTPServer.Handler = { request in
    let query = request.query.map { "\($0.name)=\($0.value)" }.joined(separator: "&")
    let text = "\(request.method) \(request.path) [\(query)] \(String(decoding: request.body, as: UTF8.self))"
    return .text(text)
}
