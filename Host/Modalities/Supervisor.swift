import Foundation
import PluginHost

/// Loads plugins when a call needs them, gives each worker one call at a time, or as many as its plugin takes in a batch,
/// and lets workers go when they are idle, in another's way, or broken.
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

    /// Told, from any thread, that a version was taken out of service, and why.
    public typealias TakenOut = @Sendable (EncoderIdentity, _ reason: String) -> Void

    /// Throws what is wrong with a file of gates.
    public typealias GateCheck = @Sendable (_ path: String) throws -> Void

    /// Throws where what a plugin's instance hands out is of no use to the decoder.
    public typealias OutputCheck = @Sendable (_ plugin: String, OutputFacts) throws -> Void

    let workerExecutable: String
    let threads: Int
    let decoder: DecoderFacts?
    let checkGate: GateCheck
    let checkOutputs: OutputCheck
    let log: PluginLog
    var budget = MemoryBudget(total: nil)
    var slots: [EncoderIdentity: EncoderSlot] = [:]
    var nextNumber: UInt64 = 0
    /// Told when the worker of this number ends: the live streams that it holds, by a number of their own.
    var streams: [UInt64: (worker: UInt64, ended: @Sendable () -> Void)] = [:]
    var isStopped = false
    var takenOut: TakenOut = { _, _ in }
    var memoryWatch: Task<Void, Never>?

    /// How often the workers' memory is measured.
    static let memoryPeriod = Duration.milliseconds(200)

    /// - Parameters:
    ///   - workerExecutable: absolute path of `gatehouse-worker`.
    ///   - threads: running threads that one call of a plugin may use.
    ///   - decoder: the decoder that reads what plugins make; nil where they are run alone.
    ///   - checkGate: called before a version's worker starts, so that none with a broken gate comes to serve.
    ///   - checkOutputs: called once a worker is there, so that none is asked for what the decoder cannot read.
    ///   - log: takes what plugins log, from any thread.
    public init(
        workerExecutable: String, threads: Int, decoder: DecoderFacts?,
        checkGate: @escaping GateCheck = { _ in }, checkOutputs: @escaping OutputCheck = { _, _ in },
        log: @escaping PluginLog
    ) {
        self.workerExecutable = workerExecutable
        self.threads = threads
        self.decoder = decoder
        self.checkGate = checkGate
        self.checkOutputs = checkOutputs
        self.log = log
    }

    /// `gatehouse-worker` beside the running executable.
    public static var workerBesideThisExecutable: String {
        let path = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
        return URL(fileURLWithPath: path).deletingLastPathComponent().appendingPathComponent(
            "gatehouse-worker"
        ).path
    }

    /// Sets what all plugins together may take, and who is told of versions that are taken out.
    public func configure(memoryBudgetMegabytes: Int?, takenOut: TakenOut? = nil) {
        budget = MemoryBudget(total: memoryBudgetMegabytes.map { $0 << 20 })
        if let takenOut { self.takenOut = takenOut }
    }

    // MARK: Calls

    /// Encodes all parts of `input` in one call, after loading the plugin where it is not. Waits its turn. Cancelling
    /// the task gives up the turn, or tells the plugin.
    public func encode(
        _ input: EncodeInput, plugin: RegisteredPlugin, version: RegisteredVersion
    ) async throws(PluginFailure) -> Encoded {
        let key = try openForTraffic(plugin, version)
        var number: UInt64 = 0
        do throws(PluginFailure) {
            return try await encode(input, key, plugin, .call, worker: &number)
        } catch {
            guard error.reason == .interrupted else { throw error }
            log(plugin.id, .warning, "\(error.message); it had several calls, and each is made again, alone")
            return try await encode(input, key, plugin, .retry(after: number), worker: &number)
        }
    }

    /// Makes one attempt at a call; `worker` becomes the number of the one that had it.
    private func encode(
        _ input: EncodeInput, _ key: EncoderIdentity, _ plugin: RegisteredPlugin, _ errand: Errand,
        worker number: inout UInt64
    ) async throws(PluginFailure) -> Encoded {
        let turn = try await acquire(key, for: errand)
        number = turn.worker
        let began = monotonicNanoseconds()
        let result = await Self.encode(input, turn, timeLimit: plugin.timeLimitSeconds)
        let milliseconds = Double(monotonicNanoseconds() - began) / 1e6
        var failure: PluginFailure?
        switch result {
        case .failure(let error) where error.reason == .interrupted:
            // Neither this call's fault nor its end.
            release(key, turn.worker, nil)
            throw error
        case .success:
            slots[key]?.latencies.add(milliseconds)
            slots[key]?.policy.succeed()
        case .failure(let error):
            if error.reason != .cancelled { slots[key]?.counts.errors += 1 }
            if RestartPolicy.counts(error.reason) { failure = error }
        }
        slots[key]?.counts.calls += 1
        release(key, turn.worker, failure)
        let output = try result.get()
        return Encoded(
            segments: output.segments, outputs: turn.loaded.outputs, loadMilliseconds: turn.loadMilliseconds,
            encodeMilliseconds: Double(output.nanoseconds) / 1e6)
    }

    static func encode(
        _ input: EncodeInput, _ turn: Turn, timeLimit: Double?
    ) async -> Result<EncodeOutput, PluginFailure> {
        do throws(PluginFailure) {
            return .success(
                try await turn.loaded.encode(
                    input, timeLimit: timeLimit, isBehindOthers: turn.isBehindOthers))
        } catch {
            return .failure(error)
        }
    }

    /// Loads a plugin without a call, so that the first one need not wait: self-tested and warm when this returns. A
    /// version that was taken out gets another chance.
    public func load(_ plugin: RegisteredPlugin, _ version: RegisteredVersion) async throws(PluginFailure) {
        let key = open(plugin, version)
        reinstate(key)
        if let slot = slots[key], slot.state == .ready, slot.workers.contains(where: \.loaded.isAlive) {
            return
        }
        let turn = try await acquire(key, for: .load)
        release(key, turn.worker, nil)
    }

    /// The slot of a version, with the settings that hold now.
    func open(_ plugin: RegisteredPlugin, _ version: RegisteredVersion) -> EncoderIdentity {
        let key = EncoderIdentity(plugin, version)
        if slots[key] == nil {
            slots[key] = EncoderSlot(plugin: plugin, version: version)
        } else {
            slots[key]?.plugin = plugin
        }
        return key
    }

    /// The same for a request, which a version that is held does not take.
    func openForTraffic(
        _ plugin: RegisteredPlugin, _ version: RegisteredVersion
    ) throws(PluginFailure) -> EncoderIdentity {
        let key = open(plugin, version)
        if slots[key]?.isHeld == true {
            throw PluginFailure(
                .unavailable,
                "plugin \(plugin.id) \(version.version) was taken from the traffic by the operator; gatehouse plugin load "
                    + "\(plugin.id) \(version.version) brings it back")
        }
        return key
    }

    // MARK: The operator

    /// Every plugin version that was ever asked for.
    public func status() -> [PluginStatus] {
        slots.map { key, slot in
            PluginStatus(
                identity: key, plugin: slot.plugin.id, version: slot.version.version, state: slot.state,
                isHeld: slot.isHeld, processIDs: slot.workers.map(\.loaded.processID),
                running: slot.workers.reduce(0) { $0 + ($1.isForStreams ? 0 : $1.calls) },
                streams: slot.workers.reduce(0) { $0 + ($1.isForStreams ? $1.calls : 0) },
                waiting: slot.line.count,
                memory: slot.bytes, lastFailure: slot.policy.reason.isEmpty ? nil : slot.policy.reason,
                counts: slot.counts, p50: slot.latencies.quantile(0.5), p95: slot.latencies.quantile(0.95))
        }
    }

    /// Whether a plugin has a worker, of whichever version.
    func isLoaded(plugin: String) -> Bool {
        slots.contains { $0.key.plugin == plugin && !$0.value.workers.isEmpty }
    }

    /// Whether a version failed too often.
    func isOutOfService(_ key: EncoderIdentity) -> Bool { slots[key]?.state == .outOfService }

    /// Lets a version finish the calls that it has and then go. Where it is held, it takes no others until
    /// ``load(_:_:)``; otherwise a later call loads it again. Returns at once.
    public func drain(_ key: EncoderIdentity, hold: Bool) {
        guard slots[key] != nil else { return }
        slots[key]?.isHeld = hold
        if slots[key]?.state == .ready { move(key, .drain) }
        settle(key)
    }

    /// Drains a version that no registry has any more, and then forgets it.
    public func retire(_ key: EncoderIdentity) {
        slots[key]?.isRetired = true
        drain(key, hold: false)
        forgetIfGone(key)
    }

    func forgetIfGone(_ key: EncoderIdentity) {
        guard let slot = slots[key], slot.isRetired, slot.isIdle, slot.workers.isEmpty else { return }
        slots[key] = nil
    }

    /// Gives a version that failed or is held another chance.
    public func reinstate(_ key: EncoderIdentity) {
        slots[key]?.isHeld = false
        slots[key]?.isRetired = false
        slots[key]?.policy.succeed()
        if let state = slots[key]?.state, state.next(.reinstate) != nil {
            slots[key]?.generation += 1
            move(key, .reinstate)
        }
    }

    /// Keeps a version out of the traffic before it was ever asked for, or while it runs.
    public func hold(_ plugin: RegisteredPlugin, _ version: RegisteredVersion) {
        drain(open(plugin, version), hold: true)
    }

    /// Lets every plugin go; calls in progress fail, and no further call is taken.
    public func stop() {
        isStopped = true
        memoryWatch?.cancel()
        for key in slots.keys {
            for loading in slots[key]?.loadings.values.map({ $0 }) ?? [] { loading.cancel() }
            for worker in slots[key]?.workers ?? [] { worker.loaded.unload() }
            slots[key]?.workers.removeAll { !$0.isBusy }
            slots[key]?.idleTimer?.cancel()
            wakeAll(key)
            settle(key)
        }
    }

    func newNumber() -> UInt64 {
        defer { nextNumber += 1 }
        return nextNumber
    }

    func move(_ key: EncoderIdentity, _ event: VersionState.Event) {
        guard let state = slots[key]?.state else { return }
        guard let next = state.next(event) else { preconditionFailure("\(event) while \(state)") }
        slots[key]?.state = next
    }
}
