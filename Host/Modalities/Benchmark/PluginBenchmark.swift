import Foundation
import PluginHost

/// Measures what plugins cost the host: their calls, their starts, their coming and going. The plugins are those of
/// `Benchmarks/Plugins`, which do next to nothing, so that what is measured is the host's.
public struct PluginBenchmark: Sendable {
    let registry: Registry
    let workerExecutable: String
    let log: PluginLog

    /// - Parameter registry: the file `Benchmarks/Plugins/registry.json`, whose plugins are known by their ids here.
    public init(registry: Registry, workerExecutable: String, log: @escaping PluginLog) {
        self.registry = registry
        self.workerExecutable = workerExecutable
        self.log = log
    }

    // MARK: Calls

    /// The same calls over two ways.
    public struct Calls: Sendable {
        public let worker: Timing
        public let inProcess: Timing
    }

    /// Times `count` calls that give a megabyte of rows, through a worker and in the host, in turn. The time ends when
    /// every value was read.
    public func calls(_ count: Int) async throws -> Calls {
        let supervisor = makeSupervisor()
        let worker = try plugin("megabyte")
        var inProcess = worker
        inProcess.isolation = .inProcess
        var times: (worker: [Double], inProcess: [Double]) = ([], [])
        // The first calls load the plugins and are not counted.
        for turn in 0...count {
            let overSocket = try await timeRows(supervisor, worker)
            let direct = try await timeRows(supervisor, inProcess)
            if turn > 0 {
                times.worker.append(overSocket)
                times.inProcess.append(direct)
            }
        }
        await supervisor.stop()
        return Calls(worker: Timing(times.worker), inProcess: Timing(times.inProcess))
    }

    private func timeRows(_ supervisor: Supervisor, _ plugin: RegisteredPlugin) async throws -> Double {
        let input = try Self.input()
        return try await Timing.milliseconds {
            let encoded = try await supervisor.encode(input, plugin: plugin, version: plugin.defaultVersion)
            for case .rows(let rows) in encoded.segments.map(\.content) {
                let sum = rows.withValues { $0.reduce(0, +) }
                guard sum.isFinite else { throw Unexpected("the rows sum up to \(sum)") }
            }
        }
    }

    // MARK: Starts

    /// Times `count` calls that find the plugin `id` unloaded, from the call to its answer.
    public func starts(of id: String, _ count: Int) async throws -> Timing {
        let supervisor = makeSupervisor()
        let plugin = try plugin(id)
        var times: [Double] = []
        // The first one finds the files on disk.
        for turn in 0...count {
            let input = try Self.input()
            let time = try await Timing.milliseconds {
                _ = try await supervisor.encode(input, plugin: plugin, version: plugin.defaultVersion)
            }
            if turn > 0 { times.append(time) }
            try await unload(plugin, supervisor)
        }
        await supervisor.stop()
        return Timing(times)
    }

    // MARK: Loads and unloads

    /// What this process holds before and after `count` loads and unloads of an empty plugin, each with a call.
    public func cycles(
        _ count: Int, _ isolation: RegisteredPlugin.Isolation
    ) async throws -> (before: ProcessResources, after: ProcessResources) {
        let supervisor = makeSupervisor()
        var plugin = try plugin("empty-c")
        plugin.isolation = isolation
        // Thread pools and allocators reach their size first.
        try await cycle(max(count / 10, 50), plugin, supervisor)
        let before = try await settled()
        try await cycle(count, plugin, supervisor)
        let after = try await settled()
        await supervisor.stop()
        return (before, after)
    }

    private func cycle(
        _ count: Int, _ plugin: RegisteredPlugin, _ supervisor: Supervisor
    ) async throws {
        for _ in 0..<count {
            _ = try await supervisor.encode(
                try Self.input(), plugin: plugin, version: plugin.defaultVersion)
            try await unload(plugin, supervisor)
        }
    }

    /// Once threads that are about to end have ended.
    private func settled() async throws -> ProcessResources {
        var last = try ProcessResources.now()
        for _ in 0..<50 {
            try await Task.sleep(for: .milliseconds(200))
            let now = try ProcessResources.now()
            if now == last { break }
            last = now
        }
        return last
    }

    // MARK: What all share

    /// Lets an idle plugin go, and waits until its process has.
    private func unload(_ plugin: RegisteredPlugin, _ supervisor: Supervisor) async throws {
        let identity = EncoderIdentity(plugin, plugin.defaultVersion)
        let processes = await supervisor.status().first { $0.identity == identity }?.processIDs ?? []
        await supervisor.drain(identity, hold: false)
        for process in processes where process != getpid() {
            while kill(process, 0) == 0 { try await Task.sleep(for: .milliseconds(1)) }
        }
    }

    func makeSupervisor() -> Supervisor {
        Supervisor(workerExecutable: workerExecutable, threads: 1, decoder: nil, log: log)
    }

    func plugin(_ id: String) throws -> RegisteredPlugin {
        guard let plugin = registry.plugins.first(where: { $0.id == id }) else {
            throw Unexpected("\(registry.path): no plugin \(id); expected the registry of Benchmarks/Plugins")
        }
        return plugin
    }

    static func input() throws -> EncodeInput {
        try EncodeInput([MediaPart(mediaType: "text/plain", bytes: [])])
    }

    struct Unexpected: Error, CustomStringConvertible {
        let description: String
        init(_ description: String) { self.description = description }
    }
}
