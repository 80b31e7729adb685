import Foundation
import GatehouseJSON
import Glibc
import Modalities
import Server
import TestSupport
import Testing

@Suite struct AdminSocketTests {
    private let echo: AdminSocket.Handler = { .object(["heard": $0]) }

    /// Calls `connect` or `bind` with a new socket and the address of `path`; returns the socket.
    private func socket(
        _ path: String, _ call: (Int32, UnsafePointer<sockaddr>, socklen_t) -> Int32
    ) throws -> Int32 {
        let descriptor = Glibc.socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let status = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                call(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        try #require(status == 0)
        return descriptor
    }

    /// A connected client that has sent `text`.
    private func client(_ path: String, sending text: String) throws -> Int32 {
        let descriptor = try socket(path, connect)
        _ = send(descriptor, text, text.utf8.count, Int32(MSG_NOSIGNAL))
        return descriptor
    }

    /// What comes until the other side closes.
    private func rest(of descriptor: Int32) -> String {
        var text: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        while case let count = recv(descriptor, &buffer, buffer.count, 0), count > 0 {
            text += buffer[..<count]
        }
        return String(decoding: text, as: UTF8.self)
    }

    private func request(_ command: JSONValue, _ path: String) async throws -> JSONValue? {
        try await offPool { try AdminSocket.request(command, path: path) }
    }

    @Test func aCommandIsAnswered() async throws {
        try await withTemporaryFolder { folder in
            let path = folder.path + "/deeper/gatehouse.sock"
            let socket = try #require(try AdminSocket(path: path, handler: echo))
            defer { socket.stop() }
            let command: JSONValue = .object(["command": .string("größe\n")])
            #expect(try await request(command, path) == .object(["heard": command]))
        }
    }

    @Test func onlyItsUserMayOpenIt() async throws {
        try await withTemporaryFolder { folder in
            let path = folder.path + "/s"
            let socket = try #require(try AdminSocket(path: path, handler: echo))
            defer { socket.stop() }
            var entry = stat()
            #expect(stat(path, &entry) == 0)
            #expect(entry.st_mode & 0o777 == 0o600)
        }
    }

    @Test func aLiveDaemonKeepsItsSocket() async throws {
        try await withTemporaryFolder { folder in
            let path = folder.path + "/s"
            let first = try #require(try AdminSocket(path: path) { _ in .string("first") })
            defer { first.stop() }
            #expect(try AdminSocket(path: path) { _ in .string("second") } == nil)
            #expect(try await request(.null, path) == .string("first"))
        }
    }

    @Test func aStaleSocketIsReplaced() async throws {
        try await withTemporaryFolder { folder in
            let path = folder.path + "/s"
            close(try socket(path, bind))
            let replacing = try #require(try AdminSocket(path: path, handler: echo))
            defer { replacing.stop() }
            #expect(try await request(.null, path) == .object(["heard": .null]))
        }
    }

    @Test func aFileThatIsNoSocketIsLeftAlone() async throws {
        try await withTemporaryFolder { folder in
            let path = folder.path + "/notes.txt"
            try "precious".write(toFile: path, atomically: true, encoding: .utf8)
            let error = #expect(throws: AdminError.self) { try AdminSocket(path: path, handler: echo) }
            #expect(error?.description.contains(path) == true)
            #expect(try String(contentsOfFile: path, encoding: .utf8) == "precious")
        }
    }

    @Test func aPathThatIsTooLongIsRefusedWithTheLimit() throws {
        let path = "/tmp/" + String(repeating: "x", count: 120)
        let error = #expect(throws: AdminError.self) { try AdminSocket(path: path, handler: echo) }
        #expect(error?.description.contains("at most 107 bytes, this one 125") == true)
    }

    @Test func nobodyListensWhereNobodyListens() async throws {
        #expect(try await request(.null, "/tmp/gatehouse-\(UUID().uuidString)") == nil)
    }

    @Test func stoppingRemovesTheSocketAndEndsListening() async throws {
        try await withTemporaryFolder { folder in
            let path = folder.path + "/s"
            let socket = try #require(try AdminSocket(path: path, handler: echo))
            socket.stop()
            socket.stop()
            #expect(!FileManager.default.fileExists(atPath: path))
            #expect(try await request(.null, path) == nil)
        }
    }

    @Test func silentClientsKeepNobodyWaiting() async throws {
        try await withTemporaryFolder { folder in
            let path = folder.path + "/s"
            let socket = try #require(try AdminSocket(path: path, handler: echo))
            defer { socket.stop() }
            let silent = try (0..<8).map { _ in try client(path, sending: "{") }
            defer { silent.forEach { close($0) } }
            #expect(try await request(.number(1), path) == .object(["heard": .number(1)]))
            // And they are sent away in the end.
            #expect(try await offPool { rest(of: silent[0]) } == "")
        }
    }

    @Test func whatIsNoJSONIsAnsweredWithTheReason() async throws {
        try await withTemporaryFolder { folder in
            let path = folder.path + "/s"
            let socket = try #require(try AdminSocket(path: path, handler: echo))
            defer { socket.stop() }
            let descriptor = try client(path, sending: "{oops}\n")
            defer { close(descriptor) }
            #expect(try await offPool { rest(of: descriptor) }.contains("'o' instead of a key in quotes"))
        }
    }

    @Test func theServiceNamesAnUnknownCommand() async {
        let supervisor = Supervisor(workerExecutable: "/none", threads: 1, decoder: nil) { _, _, _ in }
        let service = AdminService(LiveRegistry(.empty, supervisor: supervisor) { _, _, _ in })
        #expect(
            await service.respond(to: .object(["command": .string("dance")]))
                == .object(["error": .string("unknown command \"dance\"")]))
        #expect(
            await service.respond(to: .object(["command": .string("plugin list")]))
                == .object(["plugins": .array([]), "model_weights": .array([])]))
    }
}
