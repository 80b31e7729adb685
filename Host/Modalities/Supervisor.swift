import Foundation
import PluginHost

/// Loads plugins when a call needs them, gives each one call at a time, and lets them go when they are idle.
public actor Supervisor {
    /// What one call made, and what it cost.
    public struct Encoded: Sendable {
        public let segments: [EncodedSegment]
        /// What the instance hands out: among it the decoder whose space rows are in.
        public let outputs: OutputFacts
        /// Time it took to load the plugin; 0 where it was loaded.
        public let loadMilliseconds: Double
        /// Time inside the plugin.
        public let encodeMilliseconds: Double
    }

    private let workerExecutable: String
    private let threads: Int
    private let decoder: DecoderFacts?
    private let log: PluginLog
    private var slots: [SlotKey: Slot] = [:]
    private var nextTicket: UInt64 = 0
    private var isStopped = false

    private struct SlotKey: Hashable {
        let plugin: String
        let version: SemanticVersion
    }

    /// One plugin version, and who waits for it.
    private struct Slot {
        let plugin: RegisteredPlugin
        let version: RegisteredVersion
        var state = EncoderState.unloaded
        var loaded: (any LoadedPlugin)?
        /// The loading in progress.
        var loading: Task<Result<any LoadedPlugin, PluginFailure>, Never>?
        /// Tickets of the calls that wait for their turn, in order of arrival.
        var line: [UInt64] = []
        /// Those of them that sleep until they are woken to look again.
        var sleeping: [UInt64: CheckedContinuation<Void, Never>] = [:]
        /// Unloads it; runs while it is idle.
        var idleTimer: Task<Void, Never>?
        var counts = PluginStatus.Counts()
    }

    /// - Parameters:
    ///   - workerExecutable: absolute path of `gatehouse-worker`.
    ///   - threads: running threads that one call of a plugin may use.
    ///   - decoder: the decoder that reads what plugins make; nil where they are run alone.
    ///   - log: takes what plugins log, from any thread.
    public init(workerExecutable: String, threads: Int, decoder: DecoderFacts?, log: @escaping PluginLog) {
        self.workerExecutable = workerExecutable
        self.threads = threads
        self.decoder = decoder
        self.log = log
    }

    /// `gatehouse-worker` beside the running executable.
    public static var workerBesideThisExecutable: String {
        let path = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
        return URL(fileURLWithPath: path).deletingLastPathComponent().appendingPathComponent(
            "gatehouse-worker"
        ).path
    }

    /// Encodes all parts of `input` in one call, after loading the plugin where it is not. Waits its turn. Cancelling
    /// the task gives up the turn, or tells the plugin.
    public func encode(
        _ input: EncodeInput, plugin: RegisteredPlugin, version: RegisteredVersion
    ) async throws(PluginFailure) -> Encoded {
        let key = SlotKey(plugin: plugin.id, version: version.version)
        let (loaded, loadMilliseconds) = try await acquire(key, plugin, version, isCall: true)
        let result: Result<EncodeOutput, PluginFailure>
        do throws(PluginFailure) {
            result = .success(try await loaded.encode(input))
        } catch {
            result = .failure(error)
        }
        slots[key]?.counts.calls += 1
        if case .failure(let failure) = result, failure.reason != .cancelled {
            slots[key]?.counts.errors += 1
        }
        release(key)
        let output = try result.get()
        return Encoded(
            segments: output.segments, outputs: loaded.outputs, loadMilliseconds: loadMilliseconds,
            encodeMilliseconds: Double(output.nanoseconds) / 1e6)
    }

    /// Loads a plugin without a call, so that the first one need not wait.
    public func load(_ plugin: RegisteredPlugin, _ version: RegisteredVersion) async throws(PluginFailure) {
        let key = SlotKey(plugin: plugin.id, version: version.version)
        _ = try await acquire(key, plugin, version, isCall: false)
        release(key)
    }

    /// Every plugin version that was ever asked for.
    public func status() -> [PluginStatus] {
        slots.values.map { slot in
            PluginStatus(
                plugin: slot.plugin.id, version: slot.version.version, state: slot.state,
                processID: slot.loaded?.processID, waiting: slot.line.count, counts: slot.counts)
        }
    }

    /// Lets every plugin go; calls in progress fail, and no further call is taken.
    public func stop() {
        isStopped = true
        for key in slots.keys {
            slots[key]?.loading?.cancel()
            unload(key)
        }
    }

    /// Waits for the turn and makes sure that the plugin is there. Every success is followed by ``release(_:)``.
    private func acquire(
        _ key: SlotKey, _ plugin: RegisteredPlugin, _ version: RegisteredVersion, isCall: Bool
    ) async throws(PluginFailure) -> (loaded: any LoadedPlugin, milliseconds: Double) {
        if isStopped { throw PluginFailure(.unavailable, "the host is stopping") }
        if slots[key] == nil { slots[key] = Slot(plugin: plugin, version: version) }
        guard await turn(key) else {
            throw PluginFailure(.cancelled, "cancelled while waiting for plugin \(plugin.id)")
        }
        if isStopped {
            wakeNext(key)
            throw PluginFailure(.unavailable, "the host is stopping")
        }
        slots[key]?.idleTimer?.cancel()
        if slots[key]?.state == .idle {
            move(key, .call)
            if let loaded = slots[key]?.loaded, loaded.isAlive { return (loaded, 0) }
            slots[key]?.loaded = nil
            move(key, .leave)
        }
        if isCall, plugin.load == .manual {
            wakeNext(key)
            throw PluginFailure(
                .unavailable, "plugin \(plugin.id) is loaded by the operator only, and is not loaded")
        }
        move(key, .load)
        let start = monotonicNanoseconds()
        do throws(PluginFailure) {
            let loaded = try await load(plugin, version, key)
            if isStopped {
                loaded.unload()
                throw PluginFailure(.unavailable, "the host is stopping")
            }
            slots[key]?.loaded = loaded
            slots[key]?.counts.loads += 1
            move(key, .loaded)
            return (loaded, Double(monotonicNanoseconds() - start) / 1e6)
        } catch {
            if error.reason != .cancelled { slots[key]?.counts.errors += 1 }
            move(key, .failed)
            wakeNext(key)
            throw error
        }
    }

    /// Waits in line until no call is in the plugin version; false where the task was cancelled meanwhile. The caller
    /// has left the line when it returns, and moves the state before it waits for anything else.
    private func turn(_ key: SlotKey) async -> Bool {
        let ticket = nextTicket
        nextTicket += 1
        slots[key]?.line.append(ticket)
        while !Task.isCancelled, let slot = slots[key] {
            if slot.line.first == ticket, slot.state == .idle || slot.state == .unloaded {
                slots[key]?.line.removeFirst()
                return true
            }
            await withTaskCancellationHandler {
                await withCheckedContinuation { continuation in
                    if Task.isCancelled {
                        continuation.resume()
                    } else {
                        slots[key]?.sleeping[ticket] = continuation
                    }
                }
            } onCancel: {
                Task { await self.wake(key, ticket) }
            }
        }
        slots[key]?.line.removeAll { $0 == ticket }
        wakeNext(key)
        return false
    }

    private func wake(_ key: SlotKey, _ ticket: UInt64) {
        slots[key]?.sleeping.removeValue(forKey: ticket)?.resume()
    }

    /// Wakes the first in line; where nobody waits, an idle plugin's time starts to run.
    private func wakeNext(_ key: SlotKey) {
        if let first = slots[key]?.line.first {
            wake(key, first)
        } else if slots[key]?.state == .idle {
            startIdleTimer(key)
        }
    }

    /// Gives the turn back.
    private func release(_ key: SlotKey) {
        if slots[key]?.loaded?.isAlive == true, !isStopped {
            move(key, .finish)
        } else {
            slots[key]?.loaded?.unload()
            slots[key]?.loaded = nil
            move(key, .leave)
        }
        wakeNext(key)
    }

    private func startIdleTimer(_ key: SlotKey) {
        slots[key]?.idleTimer?.cancel()
        guard let seconds = slots[key]?.plugin.idleUnloadSeconds else { return }
        slots[key]?.idleTimer = Task { [weak self] in
            try? await Task.sleep(for: .seconds(seconds))
            await self?.unloadIfStillIdle(key)
        }
    }

    /// Called by the timer's task, which a later call cancels.
    private func unloadIfStillIdle(_ key: SlotKey) {
        if slots[key]?.state == .idle, !Task.isCancelled { unload(key) }
    }

    private func unload(_ key: SlotKey) {
        slots[key]?.loaded?.unload()
        if slots[key]?.state == .idle {
            slots[key]?.loaded = nil
            move(key, .leave)
        }
    }

    /// A worker's process is gone. Whoever has a call in it is told by the call.
    private func ended(_ key: SlotKey) {
        if slots[key]?.loaded?.isAlive == false { unload(key) }
    }

    /// Loads in a task of its own, which ``stop()`` can cancel too.
    private func load(
        _ plugin: RegisteredPlugin, _ version: RegisteredVersion, _ key: SlotKey
    ) async throws(PluginFailure) -> any LoadedPlugin {
        let loading = Task { () async -> Result<any LoadedPlugin, PluginFailure> in
            do throws(PluginFailure) {
                return .success(try await start(plugin, version, key))
            } catch {
                return .failure(error)
            }
        }
        slots[key]?.loading = loading
        defer { slots[key]?.loading = nil }
        let result = await withTaskCancellationHandler {
            await loading.value
        } onCancel: {
            loading.cancel()
        }
        if case .failure(let failure) = result, Task.isCancelled, failure.reason == .unavailable {
            throw PluginFailure(.cancelled, "cancelled while plugin \(plugin.id) was loading")
        }
        return try result.get()
    }

    private func start(
        _ plugin: RegisteredPlugin, _ version: RegisteredVersion, _ key: SlotKey
    ) async throws(PluginFailure) -> any LoadedPlugin {
        try await version.verify()
        let request = OpenRequest(
            library: version.library, plugin: plugin.id, configuration: plugin.configuration,
            weights: version.weights, reads: plugin.reads, threads: UInt32(threads), decoder: decoder)
        let name = "\(plugin.id) \(version.version)"
        let loaded: any LoadedPlugin
        switch plugin.isolation {
        case .worker:
            loaded = try await WorkerProcess.start(
                executable: workerExecutable, name: name, request: request, log: log
            ) { [weak self] in
                Task { await self?.ended(key) }
            }
        case .inProcess:
            loaded = try await InProcessPlugin.start(name: name, request: request, log: log)
        }
        if loaded.facts.version != version.version.description {
            log(
                plugin.id, .warning,
                "the registry says version \(version.version), the library says \(loaded.facts.version)")
        }
        return loaded
    }

    private func move(_ key: SlotKey, _ event: EncoderState.Event) {
        guard let state = slots[key]?.state else { return }
        guard let next = state.next(event) else { preconditionFailure("\(event) while \(state)") }
        slots[key]?.state = next
    }
}

/// How a plugin version is doing.
public struct PluginStatus: Sendable {
    /// Counted since the daemon started.
    public struct Counts: Sendable {
        public var loads = 0
        public var calls = 0
        /// Loads and calls that failed; not those that were cancelled.
        public var errors = 0
    }

    public let plugin: String
    public let version: SemanticVersion
    public let state: EncoderState
    /// Where it runs; nil where it is not loaded.
    public let processID: Int32?
    /// Calls that wait for their turn.
    public let waiting: Int
    public let counts: Counts
}

extension RegisteredVersion {
    /// Holds the files to the digests that the registry gives. Gigabytes may have to be read, so a thread of its own
    /// does it.
    func verify() async throws(PluginFailure) {
        if librarySHA256 == nil, weightsSHA256 == nil { return }
        let result: Result<Void, PluginFailure> = await withCheckedContinuation { continuation in
            do throws(PluginFailure) {
                try startThread {
                    do throws(PluginFailure) {
                        continuation.resume(returning: .success(try verifyNow()))
                    } catch {
                        continuation.resume(returning: .failure(error))
                    }
                }
            } catch {
                continuation.resume(returning: .failure(error))
            }
        }
        try result.get()
    }

    private func verifyNow() throws(PluginFailure) {
        try Self.verify(library, librarySHA256, "library")
        if let weights { try Self.verify(weights, weightsSHA256, "weights") }
    }

    private static func verify(_ path: String, _ expected: String?, _ what: String) throws(PluginFailure) {
        guard let expected else { return }
        let found: String
        do {
            found = try SHA256.ofFile(path)
        } catch {
            throw PluginFailure(
                .refused, "\(path): cannot be read to check its SHA-256 (\(error.localizedDescription))")
        }
        if found != expected {
            throw PluginFailure(
                .refused, "\(path): the registry's sha256.\(what) is \(expected), the file's is \(found)")
        }
    }
}
