import CSystemPosix
import Foundation
import PluginHost
import Synchronization
import Testing

/// A worker that the test talks to itself, and what its sandbox refused.
final class SandboxedWorker {
    private let channel: WorkerChannel
    let process: Int32
    private let refused = RefusedNames()
    private(set) var lacks: [String] = []
    private var nextJob: UInt64 = 1

    /// Starts a worker and opens what `request` says. Throws what the worker says against it.
    init(_ request: OpenRequest, environment: [String] = []) throws {
        let (channel, socket) = try WorkerChannel.pair()
        self.channel = channel
        var arguments = [strdup("gatehouse-worker"), nil]
        var variables = environment.map { strdup($0) } + [nil]
        defer { (arguments + variables).forEach { free($0) } }
        process = gh_spawn(try Fixtures.worker(), &arguments, &variables, socket)
        close(socket)
        try #require(process > 0)
        try channel.send(.open(request))
        while let reply = try channel.receiveFromWorker() {
            switch reply {
            case .confined(let calls, let lacks):
                self.lacks = lacks
                let refused = refused
                if let calls { try startThread { calls.refuse { refused.add($0) } } }
            case .opened: return
            case .failed(_, let failure): throw failure
            default: break
            }
        }
        throw Fixtures.Failure(description: "the worker hung up")
    }

    deinit {
        channel.shutDown()
        waitpid(process, nil, 0)
    }

    /// Whether refused calls are told; where not, tests of their names say so.
    var tellsOfRefusals: Bool { !lacks.contains { $0.contains("does not tell") } }
    var hasLandlock: Bool { !lacks.contains { $0.contains("no Landlock") } }

    /// What the plugin answers to `text`.
    func text(_ text: String) throws -> String {
        let input = try EncodeInput([MediaPart(mediaType: "text/plain", bytes: Array(text.utf8))])
        return try encode(input).text
    }

    func encode(_ input: EncodeInput) throws -> [EncodedSegment] {
        try channel.send(
            .encode(job: nextJob, deadline: 0, parts: input.parts, tellsText: false), memory: input.memory)
        nextJob += 1
        while let reply = try channel.receiveFromWorker() {
            switch reply {
            case .encoded(_, _, let segments): return segments
            case .failed(_, let failure): throw failure
            default: break
            }
        }
        throw Fixtures.Failure(description: "the worker hung up")
    }

    /// The number that the plugin of sandbox.c answers to an attempt.
    func attempt(_ attempt: String) throws -> Int {
        try #require(Int(try text(attempt)))
    }

    /// Calls that were refused since this was asked last.
    func takeRefused() -> [String] { refused.take() }
}

private final class RefusedNames: Sendable {
    private let names = Mutex<[String]>([])

    func add(_ name: String) { names.withLock { $0.append(name) } }

    func take() -> [String] {
        names.withLock { names in
            defer { names = [] }
            return names
        }
    }
}
