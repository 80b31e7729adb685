import Digest
import Foundation
import Synchronization

/// A conversation by WebSocket (RFC 6455), the server's side. One task reads; any may send.
public final class WebSocket: Sendable {
    public struct Limits: Sendable {
        /// Of one message; a longer one ends the conversation with 1009.
        public var messageBytes = 1 << 20
        /// After so long without a byte from the client it is pinged, after twice as long it is gone.
        public var pingAfter = Duration.seconds(20)
        /// How long a client may take to answer the server's close.
        public var closeDeadline = Duration.seconds(2)

        public init() {}
    }

    private struct State {
        var reader: WebSocketReader
        var heard = ContinuousClock.now
        /// Whether the client has said that it ends the conversation.
        var heardClose = false
    }

    private let connection: HTTPUpgraded
    private let limits: Limits
    private let state: Mutex<State>

    private init(_ connection: HTTPUpgraded, _ limits: Limits) {
        self.connection = connection
        self.limits = limits
        state = Mutex(State(reader: WebSocketReader(mostBytes: limits.messageBytes)))
    }

    /// Answers a request to change to WebSocket; anything else is refused by an ordinary answer. `converse` runs until the
    /// client or it ends the conversation: what it returns or throws as ``WebSocketClose`` is how. The subprotocol
    /// `speaking` is agreed on where the client offers it.
    public static func response(
        to request: HTTPRequest, speaking subprotocol: String? = nil, limits: Limits = Limits(),
        _ converse: @escaping @Sendable (WebSocket) async throws -> WebSocketClose
    ) -> HTTPResponse {
        let accept: String
        do throws(HTTPError) {
            accept = try Self.accept(request)
        } catch {
            return error.response
        }
        var headers: HTTPHeaders = ["Upgrade": "websocket", "Sec-WebSocket-Accept": accept]
        if let subprotocol, request.subprotocols.contains(subprotocol) {
            headers.append("Sec-WebSocket-Protocol", subprotocol)
        }
        return HTTPResponse(
            status: 101, headers: headers,
            body: .upgrade { connection in
                await WebSocket(connection, limits).run(converse)
            })
    }

    /// The value that proves to the client that its handshake was understood.
    private static func accept(_ request: HTTPRequest) throws(HTTPError) -> String {
        func has(_ field: String, _ token: String) -> Bool {
            request.headers.all(field).contains { value in
                value.split(separator: ",").contains {
                    $0.trimmingCharacters(in: .whitespaces).lowercased() == token
                }
            }
        }
        guard request.method == "GET", has("Upgrade", "websocket"), has("Connection", "upgrade") else {
            throw HTTPError(
                status: 426, message: "\(request.path) is a WebSocket: expected Upgrade: websocket.",
                code: "websocket_expected", headers: ["Upgrade": "websocket"])
        }
        guard request.headers["Sec-WebSocket-Version"] == "13" else {
            throw HTTPError(
                status: 426, message: "Sec-WebSocket-Version: expected 13.", code: "websocket_version",
                headers: ["Sec-WebSocket-Version": "13"])
        }
        let keys = request.headers.all("Sec-WebSocket-Key")
        guard keys.count == 1, Data(base64Encoded: keys[0])?.count == 16 else {
            throw HTTPError(
                status: 400, message: "Sec-WebSocket-Key: expected 16 bytes in base64.",
                code: "malformed_request")
        }
        let digest = SHA1.digest(Array((keys[0] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").utf8))
        return Data(digest).base64EncodedString()
    }

    // MARK: Messages

    /// The next message. Pings are answered on the way. Throws ``WebSocketClose`` where the client ends the conversation or
    /// breaks a rule, and what ``HTTPUpgraded/read()`` throws.
    public func receive() async throws -> WebSocketMessage {
        while true {
            switch try state.withLock({ state throws(WebSocketClose) in try state.reader.next() }) {
            case .message(let message): return message
            case .ping(let payload): try await connection.write(WebSocketFrame.pong(payload))
            case .pong: break
            case .close(let code):
                state.withLock { $0.heardClose = true }
                throw WebSocketClose(code ?? WebSocketClose.normal, "")
            case nil:
                let bytes = try await connection.read()
                state.withLock { state in
                    state.heard = .now
                    state.reader.add(bytes)
                }
            }
        }
    }

    /// Suspends while the client reads slower than it is sent to.
    public func send(_ text: String) async throws {
        try await connection.write(WebSocketFrame.text(text))
    }

    /// Has ``receive()`` throw `error` once it has handed out what came before. Any thread.
    public func interrupt(_ error: any Error) {
        connection.interrupt(error)
    }

    // MARK: From the beginning to the end

    private func run(_ converse: @escaping @Sendable (WebSocket) async throws -> WebSocketClose) async {
        let close: WebSocketClose? = await withTaskGroup(of: WebSocketClose?.self) { group in
            group.addTask {
                do {
                    return try await converse(self)
                } catch let close as WebSocketClose {
                    return close
                } catch is HTTPServerClosing {
                    return WebSocketClose(WebSocketClose.goingAway, "the server is shutting down")
                } catch {
                    // Nobody is there to be told.
                    return nil
                }
            }
            group.addTask { await self.keepAwake() }
            let first = await group.next() ?? nil
            group.cancelAll()
            return first
        }
        guard let close else { return }
        await end(close)
    }

    /// Pings a client that is silent; returns when it does not answer.
    private func keepAwake() async -> WebSocketClose? {
        while true {
            let silence = ContinuousClock.now - state.withLock { $0.heard }
            if silence >= limits.pingAfter * 2 {
                return WebSocketClose(WebSocketClose.goingAway, "no answer to a ping")
            }
            do {
                if silence >= limits.pingAfter { try await connection.write(WebSocketFrame.ping()) }
                try await Task.sleep(
                    for: silence < limits.pingAfter ? limits.pingAfter - silence : limits.pingAfter)
            } catch {
                return nil
            }
        }
    }

    /// Says how it ends, and waits for the client to say so too: a connection that is closed over bytes that nobody read
    /// takes with it what the client has not read.
    private func end(_ close: WebSocketClose) async {
        try? await connection.write(WebSocketFrame.close(close))
        if state.withLock({ $0.heardClose }) { return }
        let isUnderstood = ![
            WebSocketClose.protocolError, WebSocketClose.badText, WebSocketClose.tooLarge,
        ].contains(close.code)
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                do {
                    while isUnderstood { _ = try await self.receive() }
                    while true { _ = try await self.connection.read() }
                } catch {}
            }
            group.addTask { try? await Task.sleep(for: self.limits.closeDeadline) }
            await group.next()
            group.cancelAll()
        }
    }
}
