import CSystemPosix
import Glibc
import Synchronization

/// One end of the socket between host and worker: whole messages, each with at most one piece of shared memory.
///
/// Sending is for any thread. Receiving is for one thread.
public final class WorkerChannel: Sendable {
    /// A message may be this long; tensors travel beside it.
    static let mostBytes = 64 << 20

    private let socket: Int32
    private let sending = Mutex(())

    /// Takes over `socket`.
    public init(socket: Int32) {
        self.socket = socket
    }

    deinit {
        close(socket)
    }

    /// Makes both ends; the second is for the worker and stays open until closed.
    public static func pair() throws(PluginFailure) -> (host: WorkerChannel, worker: Int32) {
        var sockets: (Int32, Int32) = (-1, -1)
        let status = withUnsafeMutablePointer(to: &sockets) {
            $0.withMemoryRebound(to: Int32.self, capacity: 2) { gh_socketpair($0) }
        }
        guard status == 0 else { throw .system("making a socket pair") }
        return (WorkerChannel(socket: sockets.0), sockets.1)
    }

    /// Ends the conversation: the other side's next receive, and this side's, find the end.
    public func shutDown() {
        shutdown(socket, Int32(SHUT_RDWR))
    }

    public func send(_ message: HostMessage, memory: SharedMemory? = nil) throws(PluginFailure) {
        var writer = WireWriter()
        message.write(to: &writer)
        try send(writer.bytes, memory?.descriptor)
    }

    public func send(_ reply: WorkerReply, memory: SharedMemory? = nil) throws(PluginFailure) {
        var writer = WireWriter()
        reply.write(to: &writer)
        if case .confined(let calls, _) = reply {
            try send(writer.bytes, calls?.descriptor)
        } else {
            try send(writer.bytes, memory?.descriptor)
        }
    }

    /// The next message of the host and what came with it; nil at the end.
    public func receiveFromHost() throws(PluginFailure) -> (HostMessage, SharedMemory?)? {
        guard let (bytes, descriptor) = try receive() else { return nil }
        let memory = try descriptor?.adopt()
        var reader = WireReader(bytes)
        return (try HostMessage(from: &reader), memory)
    }

    /// The next reply of the worker; nil at the end.
    public func receiveFromWorker() throws(PluginFailure) -> WorkerReply? {
        guard let (bytes, descriptor) = try receive() else { return nil }
        var reader = WireReader(bytes)
        return try WorkerReply(from: &reader, descriptor: descriptor)
    }

    private func send(_ message: [UInt8], _ descriptor: Int32?) throws(PluginFailure) {
        var writer = WireWriter()
        writer.write(UInt64(message.count))
        let framed = writer.bytes + message
        let failed = sending.withLock { _ in
            framed.withUnsafeBytes { bytes in
                var sent = 0
                while let start = bytes.baseAddress, sent < bytes.count {
                    let count = gh_send(
                        socket, start + sent, bytes.count - sent, sent == 0 ? descriptor ?? -1 : -1)
                    if count < 0 { return true }
                    sent += count
                }
                return false
            }
        }
        if failed { throw .system("writing to the other end of a worker's socket") }
    }

    private func receive() throws(PluginFailure) -> ([UInt8], ReceivedDescriptor?)? {
        var received: ReceivedDescriptor?
        guard let header = try receive(MemoryLayout<UInt64>.size, &received) else { return nil }
        var reader = WireReader(header)
        let size = try reader.read(UInt64.self)
        guard size > 0, size <= UInt64(Self.mostBytes) else {
            throw PluginFailure(.violation, "a message of \(size) bytes came over a worker's socket")
        }
        guard let message = try receive(Int(size), &received) else { return nil }
        return (message, received)
    }

    /// Exactly `size` bytes; nil at the end.
    private func receive(
        _ size: Int, _ attached: inout ReceivedDescriptor?
    ) throws(PluginFailure) -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: size)
        var received = 0
        while received < size {
            var descriptor: Int32 = -1
            let count = bytes.withUnsafeMutableBytes { buffer in
                buffer.baseAddress.map { gh_receive(socket, $0 + received, size - received, &descriptor) }
                    ?? 0
            }
            if descriptor >= 0 { attached = ReceivedDescriptor(descriptor) }
            if count <= 0 { return nil }
            received += count
        }
        return bytes
    }
}

/// A descriptor that came with a message; closed if nobody takes it.
final class ReceivedDescriptor {
    private var descriptor: Int32

    init(_ descriptor: Int32) {
        self.descriptor = descriptor
    }

    deinit {
        if descriptor >= 0 { close(descriptor) }
    }

    /// Hands it over.
    func take() -> Int32 {
        defer { descriptor = -1 }
        return descriptor
    }

    /// What it must be with every message but one.
    func adopt() throws(PluginFailure) -> SharedMemory { try SharedMemory(adopting: take()) }
}
