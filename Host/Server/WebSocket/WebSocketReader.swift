/// One message of a client.
public enum WebSocketMessage: Sendable, Equatable {
    case text(String)
    case binary([UInt8])
}

/// Why a conversation ends: a code of RFC 6455, section 7.4.1, and a sentence.
public struct WebSocketClose: Error, Sendable, Equatable {
    public var code: UInt16
    public var reason: String

    public init(_ code: UInt16, _ reason: String) {
        self.code = code
        self.reason = reason
    }

    public static let normal: UInt16 = 1000
    public static let goingAway: UInt16 = 1001
    public static let protocolError: UInt16 = 1002
    public static let badText: UInt16 = 1007
    /// The client asked for what cannot be.
    public static let refused: UInt16 = 1008
    public static let tooLarge: UInt16 = 1009
    public static let serverError: UInt16 = 1011
    public static let tryAgainLater: UInt16 = 1013
}

/// Takes a client's bytes apart into messages and control frames (RFC 6455, section 5). Whatever breaks a rule ends the
/// conversation. A value.
package struct WebSocketReader {
    package enum Event: Equatable {
        case message(WebSocketMessage)
        case ping([UInt8])
        case pong
        /// The client ends it; nil where it gave no code.
        case close(UInt16?)
    }

    private enum Opcode: UInt8 {
        case continuation = 0
        case text = 1
        case binary = 2
        case close = 8
        case ping = 9
        case pong = 10

        var isControl: Bool { rawValue >= 8 }
    }

    private struct Frame {
        var isLast: Bool
        var opcode: Opcode
        var payload: ArraySlice<UInt8>
        /// Bytes with its head.
        var size: Int
    }

    /// Bytes that a message may have, all its frames together.
    private let mostBytes: Int
    private var buffer: [UInt8] = []
    /// Bytes of `buffer` that are done with.
    private var taken = 0
    /// The message whose frames are coming.
    private var open: (opcode: Opcode, payload: [UInt8])?

    package init(mostBytes: Int) {
        self.mostBytes = mostBytes
    }

    package mutating func add(_ bytes: [UInt8]) {
        buffer.removeFirst(taken)
        taken = 0
        buffer += bytes
    }

    /// The next event that the bytes so far hold whole; nil where more are needed.
    package mutating func next() throws(WebSocketClose) -> Event? {
        while let frame = try nextFrame() {
            taken += frame.size
            if frame.opcode.isControl { return try control(frame) }
            if let event = try data(frame) { return event }
        }
        return nil
    }

    private func nextFrame() throws(WebSocketClose) -> Frame? {
        let bytes = buffer[taken...]
        guard bytes.count >= 2 else { return nil }
        let (first, second) = (bytes[taken], bytes[taken + 1])
        guard first & 0x70 == 0 else {
            throw Self.broken("reserved bits are set, and no extension was agreed")
        }
        guard let opcode = Opcode(rawValue: first & 0x0F) else {
            throw Self.broken("opcode \(first & 0x0F) is not known")
        }
        guard second & 0x80 != 0 else { throw Self.broken("a frame of a client is not masked") }
        let isLast = first & 0x80 != 0
        let short = Int(second & 0x7F)
        if opcode.isControl, !isLast || short > 125 {
            throw Self.broken("a control frame is longer than 125 bytes or goes on in a second")
        }
        let extra = short < 126 ? 0 : short == 126 ? 2 : 8
        guard bytes.count >= 2 + extra else { return nil }
        let length = bytes[(taken + 2)..<(taken + 2 + extra)].reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        let size = extra == 0 ? UInt64(short) : length
        guard extra == 0 || size >= (extra == 2 ? 126 : 1 << 16), size >> 63 == 0 else {
            throw Self.broken("a length is not in its shortest form")
        }
        guard size <= UInt64(mostBytes - (opcode.isControl ? 0 : open?.payload.count ?? 0)) else {
            throw WebSocketClose(WebSocketClose.tooLarge, "a message is longer than \(mostBytes) bytes")
        }
        let head = 2 + extra + 4
        guard bytes.count >= head + Int(size) else { return nil }
        let mask = bytes[(taken + 2 + extra)..<(taken + head)]
        var payload = Array(bytes[(taken + head)..<(taken + head + Int(size))])
        let key = Array(mask)
        payload.withUnsafeMutableBufferPointer { payload in
            for index in payload.indices { payload[index] ^= key[index & 3] }
        }
        return Frame(isLast: isLast, opcode: opcode, payload: payload[...], size: head + Int(size))
    }

    private mutating func data(_ frame: Frame) throws(WebSocketClose) -> Event? {
        if frame.opcode == .continuation {
            guard open != nil else { throw Self.broken("a message goes on that has not begun") }
            open?.payload += frame.payload
        } else {
            guard open == nil else { throw Self.broken("a message begins inside another") }
            open = (frame.opcode, Array(frame.payload))
        }
        guard frame.isLast, let whole = open else { return nil }
        open = nil
        if whole.opcode == .binary { return .message(.binary(whole.payload)) }
        guard let text = String(validating: whole.payload, as: UTF8.self) else {
            throw WebSocketClose(WebSocketClose.badText, "a text message is not UTF-8")
        }
        return .message(.text(text))
    }

    private func control(_ frame: Frame) throws(WebSocketClose) -> Event {
        switch frame.opcode {
        case .ping: return .ping(Array(frame.payload))
        case .pong: return .pong
        default:
            if frame.payload.isEmpty { return .close(nil) }
            guard frame.payload.count >= 2 else { throw Self.broken("a close frame has half a code") }
            let code = frame.payload.prefix(2).reduce(UInt16(0)) { $0 << 8 | UInt16($1) }
            guard [1000...1003, 1007...1014, 3000...4999].contains(where: { $0.contains(code) }) else {
                throw Self.broken("\(code) is no code to close with")
            }
            guard String(validating: frame.payload.dropFirst(2), as: UTF8.self) != nil else {
                throw WebSocketClose(WebSocketClose.badText, "the reason of a close frame is not UTF-8")
            }
            return .close(code)
        }
    }

    private static func broken(_ what: String) -> WebSocketClose {
        WebSocketClose(WebSocketClose.protocolError, what)
    }
}

/// Frames of a server, which are never masked and never in parts.
package enum WebSocketFrame {
    package static func text(_ text: String) -> [UInt8] { frame(0x81, Array(text.utf8)) }
    package static func ping() -> [UInt8] { frame(0x89, []) }
    package static func pong(_ payload: [UInt8]) -> [UInt8] { frame(0x8A, payload) }

    package static func close(_ close: WebSocketClose) -> [UInt8] {
        // A control frame holds 125 bytes; what is cut ends at a character.
        var reason = close.reason
        while reason.utf8.count > 123 { reason.removeLast() }
        return frame(0x88, [UInt8(close.code >> 8), UInt8(close.code & 0xFF)] + Array(reason.utf8))
    }

    private static func frame(_ head: UInt8, _ payload: [UInt8]) -> [UInt8] {
        var bytes = [head]
        switch payload.count {
        case ..<126: bytes.append(UInt8(payload.count))
        case ..<(1 << 16): bytes += [126, UInt8(payload.count >> 8), UInt8(payload.count & 0xFF)]
        default:
            bytes.append(127)
            for shift in stride(from: 56, through: 0, by: -8) {
                bytes.append(UInt8(truncatingIfNeeded: payload.count >> shift))
            }
        }
        return bytes + payload
    }
}
