import Foundation
import PluginHost

/// Loads plugins when a call needs them, gives each worker one call at a time, and lets workers go when they are idle,
/// in another's way, or broken.
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

    private let workerExecutable: String
    private let threads: Int
    private let decoder: DecoderFacts?
    private let log: PluginLog
    private var budget = MemoryBudget(total: nil)
    private var slots: [EncoderIdentity: EncoderSlot] = [:]
    private var nextNumber: UInt64 = 0
    private var isStopped = false
    private var takenOut: TakenOut = { _, _ in }
    private var memoryWatch: Task<Void, Never>?

    /// How often the workers' memory is measured.
    private static let memoryPeriod = Duration.milliseconds(200)

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
        let key = open(plugin, version)
        if slots[key]?.isHeld == true {
            throw PluginFailure(
                .unavailable,
                "plugin \(plugin.id) \(version.version) was taken from the traffic by the operator; gatehouse plugin load "
                    + "\(plugin.id) \(version.version) brings it back")
        }
        let (worker, loaded, loadMilliseconds) = try await acquire(key, isCall: true)
        let began = monotonicNanoseconds()
        let result = await Self.encode(input, with: loaded, timeLimit: plugin.timeLimitSeconds)
        let milliseconds = Double(monotonicNanoseconds() - began) / 1e6
        slots[key]?.counts.calls += 1
        var failure: PluginFailure?
        switch result {
        case .success:
            slots[key]?.latencies.add(milliseconds)
            slots[key]?.policy.succeed()
        case .failure(let error):
            if error.reason != .cancelled { slots[key]?.counts.errors += 1 }
            if RestartPolicy.counts(error.reason) { failure = error }
        }
        release(key, worker, failure)
        let output = try result.get()
        return Encoded(
            segments: output.segments, outputs: loaded.outputs, loadMilliseconds: loadMilliseconds,
            encodeMilliseconds: Double(output.nanoseconds) / 1e6)
    }

    private static func encode(
        _ input: EncodeInput, with loaded: any LoadedPlugin, timeLimit: Double?
    ) async -> Result<EncodeOutput, PluginFailure> {
        do throws(PluginFailure) {
            return .success(try await loaded.encode(input, timeLimit: timeLimit))
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
        let (worker, _, _) = try await acquire(key, isCall: false)
        release(key, worker, nil)
    }

    /// The slot of a version, with the settings that hold now.
    private func open(_ plugin: RegisteredPlugin, _ version: RegisteredVersion) -> EncoderIdentity {
        let key = EncoderIdentity(plugin, version)
        if slots[key] == nil {
            slots[key] = EncoderSlot(plugin: plugin, version: version)
        } else {
            slots[key]?.plugin = plugin
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
                running: slot.workers.count(where: \.isBusy), waiting: slot.line.count,
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

    private func forgetIfGone(_ key: EncoderIdentity) {
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

    // MARK: Turns

    /// Waits for the turn and makes sure that a worker is there. Every success is followed by `release`.
    private func acquire(
        _ key: EncoderIdentity, isCall: Bool
    ) async throws(PluginFailure) -> (worker: UInt64, loaded: any LoadedPlugin, milliseconds: Double) {
        let ticket = newNumber()
        slots[key]?.line.append(ticket)
        do throws(PluginFailure) {
            while !Task.isCancelled {
                try admit(key, isCall: isCall)
                if slots[key]?.line.first == ticket {
                    if let worker = idleWorker(key) {
                        leaveLine(key, ticket)
                        return (worker.number, worker.loaded, 0)
                    }
                    if mayStart(key) { return try await startWorker(key, ticket) }
                }
                await sleep(key, ticket)
            }
            let id = slots[key]?.plugin.id ?? ""
            throw PluginFailure(.cancelled, "cancelled while waiting for plugin \(id)")
        } catch {
            leaveLine(key, ticket)
            settle(key)
            throw error
        }
    }

    /// Throws where a version takes no call, whoever waits.
    private func admit(_ key: EncoderIdentity, isCall: Bool) throws(PluginFailure) {
        if isStopped { throw PluginFailure(.unavailable, "the host is stopping") }
        guard let slot = slots[key] else { return }
        let name = "plugin \(slot.plugin.id) \(slot.version.version)"
        switch slot.state {
        case .outOfService:
            throw PluginFailure(
                .unavailable,
                "\(name) is out of service after \(slot.policy.failures) failures in a row; the last: "
                    + "\(slot.policy.reason); gatehouse plugin load \(slot.plugin.id) tries it again")
        case .backingOff:
            let now = monotonicNanoseconds()
            if now >= slot.retryAt {
                move(key, .retry)
            } else {
                let seconds = (Double(slot.retryAt - now) / 1e7).rounded(.up) / 100
                throw PluginFailure(
                    .unavailable,
                    "\(name) is not started again for \(seconds) s after \(slot.policy.failures) failures in a row; "
                        + "the last: \(slot.policy.reason)")
            }
        default: break
        }
        if isCall, slot.plugin.load == .manual, slots[key]?.state == .unloaded {
            throw PluginFailure(
                .unavailable, "plugin \(slot.plugin.id) is loaded by the operator only, and is not loaded")
        }
    }

    /// A worker without a call, taken.
    private func idleWorker(_ key: EncoderIdentity) -> EncoderWorker? {
        guard slots[key]?.state.takesCalls == true else { return nil }
        while let index = slots[key]?.workers.firstIndex(where: { !$0.isBusy }) {
            if slots[key]?.workers[index].loaded.isAlive == true {
                slots[key]?.workers[index].isBusy = true
                slots[key]?.idleTimer?.cancel()
                return slots[key]?.workers[index]
            }
            slots[key]?.workers.remove(at: index)
        }
        if slots[key]?.workers.isEmpty == true, slots[key]?.loadings.isEmpty == true { move(key, .leave) }
        return nil
    }

    private func mayStart(_ key: EncoderIdentity) -> Bool {
        guard let slot = slots[key] else { return false }
        if slot.state == .unloaded { return true }
        return slot.state.takesCalls && slot.workers.count + slot.loadings.count < slot.plugin.concurrency
    }

    private func sleep(_ key: EncoderIdentity, _ ticket: UInt64) async {
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

    private func wake(_ key: EncoderIdentity, _ ticket: UInt64) {
        slots[key]?.sleeping.removeValue(forKey: ticket)?.resume()
    }

    private func wakeAll(_ key: EncoderIdentity) {
        for ticket in slots[key]?.line ?? [] { wake(key, ticket) }
    }

    /// Whoever is first now looks for a worker.
    private func leaveLine(_ key: EncoderIdentity, _ ticket: UInt64) {
        slots[key]?.line.removeAll { $0 == ticket }
        if let first = slots[key]?.line.first { wake(key, first) }
    }

    /// Gives the turn back; `failure` is what the call did to the version.
    private func release(_ key: EncoderIdentity, _ number: UInt64, _ failure: PluginFailure?) {
        slots[key]?.lastUsed = monotonicNanoseconds()
        var isOfThisGeneration = false
        if let index = slots[key]?.workers.firstIndex(where: { $0.number == number }) {
            isOfThisGeneration = slots[key]?.workers[index].generation == slots[key]?.generation
            slots[key]?.workers[index].isBusy = false
            if let worker = slots[key]?.workers[index], isStopped || !worker.loaded.isAlive {
                worker.loaded.unload()
                slots[key]?.workers.remove(at: index)
            }
        }
        if let failure, isOfThisGeneration { fail(key, failure) }
        settle(key)
    }

    // MARK: Loading

    /// Starts a worker for the call with `ticket`, which leaves the line.
    private func startWorker(
        _ key: EncoderIdentity, _ ticket: UInt64
    ) async throws(PluginFailure) -> (worker: UInt64, loaded: any LoadedPlugin, milliseconds: Double) {
        guard let slot = slots[key] else { throw PluginFailure(.unavailable, "the host is stopping") }
        try makeRoom(for: slot.bytesPerWorker, key)
        let isFirst = slot.state == .unloaded
        if isFirst { move(key, .load) }
        slots[key]?.idleTimer?.cancel()
        let began = monotonicNanoseconds()
        let loading = Task { () async -> Result<any LoadedPlugin, PluginFailure> in
            do throws(PluginFailure) {
                return .success(try await start(slot.plugin, slot.version, key, ticket))
            } catch {
                return .failure(error)
            }
        }
        slots[key]?.loadings[ticket] = loading
        leaveLine(key, ticket)
        let result = await withTaskCancellationHandler {
            await loading.value
        } onCancel: {
            loading.cancel()
        }
        do throws(PluginFailure) {
            let loaded = try result.get()
            do throws(PluginFailure) {
                if isStopped { throw PluginFailure(.unavailable, "the host is stopping") }
                let worker = try register(loaded, key, ticket)
                if isFirst { try await prove(key, loaded) }
                slots[key]?.counts.loads += 1
                if slots[key]?.state == .ready { wakeAll(key) }
                return (worker, loaded, Double(monotonicNanoseconds() - began) / 1e6)
            } catch {
                loaded.unload()
                slots[key]?.workers.removeAll { $0.number == ticket }
                throw error
            }
        } catch {
            slots[key]?.loadings[ticket] = nil
            if Task.isCancelled, error.reason == .unavailable || error.reason == .cancelled {
                if isFirst { move(key, .leave) }
                throw PluginFailure(.cancelled, "cancelled while plugin \(slot.plugin.id) was loading")
            }
            slots[key]?.counts.errors += 1
            // The host is stopping, memory is short, or the plugin says that trying again may work.
            if isStopped || error.reason == .unavailable {
                if isFirst { move(key, .leave) }
            } else if slot.generation == slots[key]?.generation {
                fail(key, error)
            }
            throw error
        }
    }

    /// Takes a worker that has just started into the slot, if the memory it took by starting is there.
    private func register(
        _ loaded: any LoadedPlugin, _ key: EncoderIdentity, _ number: UInt64
    ) throws(PluginFailure) -> UInt64 {
        var worker = EncoderWorker(
            number: number, loaded: loaded, generation: slots[key]?.generation ?? 0)
        if loaded.processID != getpid() {
            worker.measured = ProcessMemory.proportional(of: loaded.processID) ?? 0
        }
        slots[key]?.loadings[number] = nil
        slots[key]?.workers.append(worker)
        let largest = max(slots[key]?.largest ?? 0, worker.measured)
        slots[key]?.largest = largest
        try makeRoom(for: 0, key)
        watchMemory()
        return number
    }

    /// Tries the first worker of a version that was never tried.
    private func prove(_ key: EncoderIdentity, _ loaded: any LoadedPlugin) async throws(PluginFailure) {
        guard let slot = slots[key] else { return }
        if slot.isProven {
            move(key, .loadedProven)
            return
        }
        let sample = try slot.version.selfTest.map { selfTest throws(PluginFailure) in
            try SelfTestSample(selfTest, of: slot.plugin, slot.version)
        }
        move(key, .loaded)
        try await sample?.check(loaded, timeLimit: slot.plugin.timeLimitSeconds)
        move(key, .passed)
        try await sample?.check(loaded, timeLimit: slot.plugin.timeLimitSeconds)
        move(key, .warmed)
        slots[key]?.isProven = true
    }

    private func start(
        _ plugin: RegisteredPlugin, _ version: RegisteredVersion, _ key: EncoderIdentity, _ number: UInt64
    ) async throws(PluginFailure) -> any LoadedPlugin {
        try await version.verify()
        let request = OpenRequest(
            library: version.library, plugin: plugin.id, configuration: plugin.configuration,
            weights: version.weights, reads: plugin.reads, threads: UInt32(threads), decoder: decoder)
        let name = "\(plugin.id) \(version.version)"
        let lines = LimitedLog(log)
        let loaded: any LoadedPlugin
        switch plugin.isolation {
        case .worker:
            loaded = try await WorkerProcess.start(
                executable: workerExecutable, name: name, request: request,
                startLimit: plugin.startLimitSeconds,
                log: lines.add
            ) { [weak self] in
                lines.finish(plugin.id)
                Task { await self?.ended(key, number) }
            }
        case .inProcess:
            loaded = try await InProcessPlugin.start(name: name, request: request, log: lines.add)
        }
        if loaded.facts.version != version.version.description {
            log(
                plugin.id, .warning,
                "the registry says version \(version.version), the library says \(loaded.facts.version)")
        }
        return loaded
    }

    // MARK: Ends

    /// A worker's process is gone. Whoever has a call in it is told by the call.
    private func ended(_ key: EncoderIdentity, _ number: UInt64) {
        guard let slot = slots[key],
            let worker = slot.workers.first(where: { $0.number == number && !$0.isBusy })
        else { return }
        slots[key]?.workers.removeAll { $0.number == number }
        let name = "plugin \(slot.plugin.id) \(slot.version.version)"
        fail(
            key,
            PluginFailure(
                .crashed, "\(name): its worker (process \(worker.loaded.processID)) ended while idle"))
        settle(key)
    }

    /// Counts a failure against a version, and does what the policy says.
    private func fail(_ key: EncoderIdentity, _ failure: PluginFailure) {
        guard let slot = slots[key], slot.state.next(.takeOut) != nil else { return }
        let isEmpty = slot.workers.isEmpty && slot.loadings.isEmpty
        switch slots[key]?.policy.fail(failure.message, limit: slot.plugin.failureLimit) {
        case .takeOut:
            move(key, .takeOut)
            log(
                slot.plugin.id, .error,
                "version \(slot.version.version) is out of service after \(slot.plugin.failureLimit) failures in a row; "
                    + "the last: \(failure.message)")
            takenOut(key, failure.message)
            wakeAll(key)
        case .backOff(let seconds) where isEmpty:
            slots[key]?.retryAt = monotonicNanoseconds() + UInt64(seconds * 1e9)
            move(key, .backOff)
            wakeAll(key)
        case .restart where isEmpty:
            move(key, .failed)
        // The workers that are left go on.
        case .backOff, .restart, nil: break
        }
    }

    /// Does what is due when something has come to its end in a slot: whoever is first looks for a worker, what is
    /// drained or taken out goes, what is idle will.
    private func settle(_ key: EncoderIdentity) {
        guard let slot = slots[key] else { return }
        if let first = slot.line.first { wake(key, first) }
        if slot.state == .outOfService || slot.state == .unloaded {
            for worker in slot.workers where !worker.isBusy { worker.loaded.unload() }
            slots[key]?.workers.removeAll { !$0.isBusy }
        } else if slot.state == .ready, slot.isHeld {
            move(key, .drain)
            settle(key)
        } else if slot.state.takesCalls, slot.isIdle {
            if slot.workers.isEmpty || slot.state == .draining || isStopped {
                unload(key)
            } else {
                startIdleTimer(key)
            }
        }
    }

    private func startIdleTimer(_ key: EncoderIdentity) {
        slots[key]?.idleTimer?.cancel()
        guard let seconds = slots[key]?.plugin.idleUnloadSeconds else { return }
        slots[key]?.idleTimer = Task { [weak self] in
            guard (try? await Task.sleep(for: .seconds(seconds))) != nil else { return }
            await self?.unloadIfStillIdle(key)
        }
    }

    /// Called by the timer's task, which a later call cancels.
    private func unloadIfStillIdle(_ key: EncoderIdentity) {
        if slots[key]?.isIdle == true, slots[key]?.state == .ready, !Task.isCancelled { unload(key) }
    }

    /// Lets every worker of an idle version go.
    private func unload(_ key: EncoderIdentity) {
        for worker in slots[key]?.workers ?? [] { worker.loaded.unload() }
        slots[key]?.workers = []
        slots[key]?.idleTimer?.cancel()
        move(key, .leave)
        forgetIfGone(key)
    }

    // MARK: Memory

    /// Lets idle versions go until `bytes` more fit the budget.
    private func makeRoom(for bytes: Int, _ key: EncoderIdentity) throws(PluginFailure) {
        let holdings = slots.map { other, slot in
            MemoryBudget.Holding(
                id: other, bytes: slot.bytes, isIdle: other != key && slot.isIdle && slot.state == .ready,
                lastUsed: slot.lastUsed)
        }
        do {
            for evicted in try budget.evictions(for: bytes, among: holdings) { unload(evicted) }
        } catch {
            let need = max(bytes, slots[key]?.bytes ?? 0)
            throw PluginFailure(
                .unavailable,
                "plugin \(key.plugin) \(key.version) needs \(Self.megabytes(need)) MiB; of the memory budget of "
                    + "\(Self.megabytes(budget.total ?? 0)) MiB, \(Self.megabytes(error.inUse)) MiB are in use"
            )
        }
    }

    private static func megabytes(_ bytes: Int) -> Int { (bytes + (1 << 20) - 1) >> 20 }

    /// Measures the workers from time to time, while there are any.
    private func watchMemory() {
        guard memoryWatch == nil else { return }
        memoryWatch = Task.detached { [weak self] in
            while (try? await Task.sleep(for: Self.memoryPeriod)) != nil,
                let workers = await self?.toMeasure()
            {
                for (key, number, process) in workers {
                    // Not on the actor: the kernel walks the page tables of a large process for milliseconds.
                    guard let bytes = ProcessMemory.proportional(of: process) else { continue }
                    await self?.note(bytes, key, number)
                }
            }
        }
    }

    /// nil where there is no worker left, which ends the watch.
    private func toMeasure() -> [(EncoderIdentity, UInt64, Int32)]? {
        let workers = slots.flatMap { key, slot in
            slot.workers.map { (key, $0.number, $0.loaded.processID) }
        }
        if workers.isEmpty { memoryWatch = nil }
        return workers.isEmpty ? nil : workers.filter { $0.2 != getpid() }
    }

    /// Ends a worker that is past its limit.
    private func note(_ bytes: Int, _ key: EncoderIdentity, _ number: UInt64) {
        guard let index = slots[key]?.workers.firstIndex(where: { $0.number == number }),
            let slot = slots[key]
        else { return }
        slots[key]?.workers[index].measured = bytes
        slots[key]?.largest = max(slot.largest, bytes)
        guard let limit = slot.plugin.memoryLimitMegabytes, bytes > limit << 20 else { return }
        slot.workers[index].loaded.end(
            for: PluginFailure(
                .memoryLimit,
                "its worker took \(Self.megabytes(bytes)) MiB, more than memory_limit_mb (\(limit)), and was ended"
            ))
    }

    private func newNumber() -> UInt64 {
        defer { nextNumber += 1 }
        return nextNumber
    }

    private func move(_ key: EncoderIdentity, _ event: VersionState.Event) {
        guard let state = slots[key]?.state else { return }
        guard let next = state.next(event) else { preconditionFailure("\(event) while \(state)") }
        slots[key]?.state = next
    }
}
