import Server
import Testing

/// Frames of a client against RFC 6455, section 5: its own examples, and what it forbids.
@Suite struct WebSocketReaderTests {
    /// A masked frame; `head` is its first byte.
    private func frame(_ head: UInt8, _ payload: [UInt8], length: [UInt8]? = nil) -> [UInt8] {
        let key: [UInt8] = [0x37, 0xFA, 0x21, 0x3D]
        var size = length ?? [UInt8(min(payload.count, 126))]
        if length == nil, payload.count > 125 {
            size =
                payload.count < 1 << 16
                ? [126, UInt8(payload.count >> 8), UInt8(payload.count & 0xFF)]
                : [127] + (0..<8).reversed().map { UInt8(truncatingIfNeeded: payload.count >> ($0 * 8)) }
        }
        size[0] |= 0x80
        return [head] + size + key + payload.enumerated().map { $1 ^ key[$0 & 3] }
    }

    private func events(_ bytes: [UInt8], mostBytes: Int = 1000, step: Int = .max) throws
        -> [WebSocketReader.Event]
    {
        var reader = WebSocketReader(mostBytes: mostBytes)
        var events: [WebSocketReader.Event] = []
        for start in stride(from: 0, to: bytes.count, by: min(step, bytes.count)) {
            reader.add(Array(bytes[start..<min(bytes.count, start + min(step, bytes.count))]))
            while let event = try reader.next() { events.append(event) }
        }
        return events
    }

    private func code(_ bytes: [UInt8], mostBytes: Int = 1000) -> UInt16? {
        do {
            _ = try events(bytes, mostBytes: mostBytes)
            return nil
        } catch {
            return (error as? WebSocketClose)?.code
        }
    }

    @Test func theExamplesOfTheStandardAreRead() throws {
        // Section 5.7: a masked "Hello".
        let hello: [UInt8] = [0x81, 0x85, 0x37, 0xFA, 0x21, 0x3D, 0x7F, 0x9F, 0x4D, 0x51, 0x58]
        #expect(try events(hello) == [.message(.text("Hello"))])
        #expect(WebSocketFrame.text("Hello") == [0x81, 0x05] + Array("Hello".utf8))
        let parts = frame(0x01, Array("Hel".utf8)) + frame(0x80, Array("lo".utf8))
        #expect(try events(parts) == [.message(.text("Hello"))])
    }

    @Test(arguments: [1, 2, 3, 7, .max]) func anyCutOfTheBytesGivesTheSame(_ step: Int) throws {
        let bytes =
            frame(0x82, [1, 2, 3]) + frame(0x01, Array("a".utf8)) + frame(0x89, [9]) + frame(0x00, [])
            + frame(0x80, Array("é".utf8)) + frame(0x8A, []) + frame(0x82, Array(repeating: 7, count: 300))
            + frame(0x88, [0x03, 0xE8, 0x6F])
        #expect(
            try events(bytes, step: step) == [
                .message(.binary([1, 2, 3])), .ping([9]), .message(.text("aé")), .pong,
                .message(.binary(Array(repeating: 7, count: 300))), .close(1000),
            ])
    }

    @Test func aLongFrameIsRead() throws {
        let payload = [UInt8](repeating: 5, count: 70_000)
        #expect(try events(frame(0x82, payload), mostBytes: 70_000) == [.message(.binary(payload))])
        #expect(WebSocketFrame.text(String(repeating: "x", count: 300)).prefix(4) == [0x81, 126, 1, 44])
        #expect(
            WebSocketFrame.text(String(repeating: "x", count: 70_000)).prefix(10)
                == [0x81, 127, 0, 0, 0, 0, 0, 1, 0x11, 0x70])
    }

    @Test func whatBreaksARuleIsAProtocolError() {
        #expect(code([0x81, 0x05] + Array("Hello".utf8)) == 1002, "not masked")
        #expect(code(frame(0xC1, [])) == 1002, "a reserved bit")
        #expect(code(frame(0x83, [])) == 1002, "an unknown opcode")
        #expect(code(frame(0x8B, [])) == 1002, "an unknown control opcode")
        #expect(code(frame(0x09, [])) == 1002, "a ping in parts")
        #expect(code(frame(0x89, Array(repeating: 0, count: 126))) == 1002, "a ping that is too long")
        #expect(code(frame(0x80, [1])) == 1002, "a continuation of nothing")
        #expect(code(frame(0x01, [1]) + frame(0x81, [1])) == 1002, "a message inside another")
        #expect(code(frame(0x82, [1], length: [126, 0, 1])) == 1002, "a length in two bytes for one")
        #expect(
            code(frame(0x82, [1], length: [127, 0, 0, 0, 0, 0, 0, 0, 1])) == 1002, "and in eight for one")
        #expect(
            code(frame(0x82, [], length: [127, 0x80, 0, 0, 0, 0, 0, 0, 0])) == 1002, "a length below nothing")
        #expect(code(frame(0x88, [3])) == 1002, "half a code")
        for code in [0, 999, 1004, 1005, 1006, 1015, 2999, 5000] as [UInt16] {
            #expect(self.code(frame(0x88, [UInt8(code >> 8), UInt8(code & 0xFF)])) == 1002, "\(code)")
        }
    }

    @Test func textsAreUTF8AndMessagesAreBounded() throws {
        #expect(code(frame(0x81, [0xC3, 0x28])) == 1007)
        #expect(code(frame(0x88, [0x03, 0xE8, 0xFF])) == 1007)
        #expect(code(frame(0x82, Array(repeating: 0, count: 1001))) == 1009)
        // Told by its head alone.
        #expect(code([0x82, 0xFF, 0x7F, 0, 0, 0, 0, 0, 0, 0]) == 1009)
        #expect(
            code(frame(0x02, Array(repeating: 0, count: 900)) + frame(0x80, Array(repeating: 0, count: 101)))
                == 1009)
        #expect(try events(frame(0x02, Array(repeating: 0, count: 1000)) + frame(0x89, [1])) == [.ping([1])])
    }

    @Test func aReasonIsCutAtACharacter() {
        let bytes = WebSocketFrame.close(WebSocketClose(1011, String(repeating: "é", count: 100)))
        #expect(bytes.prefix(4) == [0x88, 124, 0x03, 0xF3])
        #expect(String(validating: bytes.dropFirst(4), as: UTF8.self)?.count == 61)
    }
}
