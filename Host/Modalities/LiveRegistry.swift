import PluginHost
import Synchronization

/// The registry that requests are routed by, while files, versions and the operator's mind change.
///
/// A new version is loaded, self-tested and warmed before the first request goes to it, and what it replaces ends when
/// it has finished what it had. Where that fails, nothing changes for the plugin.
public actor LiveRegistry {
    /// What happened since the daemon started.
    public struct Counts: Sendable {
        public var acceptedChanges = 0
        public var rejectedChanges = 0
        /// By plugin.
        public var swaps: [String: Int] = [:]
        public var failedSwaps: [String: Int] = [:]
        public var rollbacks: [String: Int] = [:]
        /// The last of each plugin.
        public var lastRollback: [String: Rollback] = [:]
    }

    /// A version was taken out of service, and another serves in its place.
    public struct Rollback: Sendable {
        public let from: SemanticVersion
        public let to: SemanticVersion
        public let reason: String
    }

    public nonisolated let supervisor: Supervisor
    private nonisolated let snapshot: Mutex<Registry>
    private let log: PluginLog
    private var traffic: [String: PluginTraffic] = [:]
    private var changing: Task<Void, Never>?
    public private(set) var counts = Counts()

    /// Serves `registry` from the start, as it is.
    public init(_ registry: Registry, supervisor: Supervisor, log: @escaping PluginLog) {
        snapshot = Mutex(registry)
        self.supervisor = supervisor
        self.log = log
        for plugin in registry.plugins { traffic[plugin.id] = PluginTraffic(plugin) }
    }

    /// What requests that arrive now are routed by. Any thread, at once.
    public nonisolated var current: Registry { snapshot.withLock { $0 } }

    /// Begins to watch over the versions; before it, none is rolled back.
    public func start() async {
        await supervisor.configure(memoryBudgetMegabytes: current.memoryBudgetMegabytes) {
            [weak self] identity, reason in
            Task { await self?.takenOut(identity, reason) }
        }
    }

    // MARK: Changes of the file

    /// Reads the registry's file again. An invalid one changes nothing; it is logged and counted.
    public func reload() async {
        let (path, encoder) = (current.path, current.modelEncoder)
        do {
            await apply(try Registry(contentsOf: path).serving(encoder))
        } catch {
            counts.rejectedChanges += 1
            log("registry", .error, "not taken over, the last good one stays: \(error)")
        }
    }

    /// Goes over to `registry`, one change after the other.
    public func apply(_ registry: Registry) async {
        let before = changing
        let change = Task {
            await before?.value
            await takeOver(registry)
        }
        changing = change
        await change.value
    }

    private func takeOver(_ registry: Registry) async {
        await supervisor.configure(memoryBudgetMegabytes: registry.memoryBudgetMegabytes)
        var next: [String: PluginTraffic] = [:]
        for plugin in registry.plugins { next[plugin.id] = await traffic(of: plugin) }
        let before = live
        var served = registry
        for index in served.plugins.indices {
            let id = served.plugins[index].id
            // What became unavailable while others were prepared stays so.
            next[id]?.unavailable.formUnion(
                traffic[id]?.unavailable.filter { !reinstated.contains($0) } ?? [])
            if let effective = next[id]?.effective { served.plugins[index] = effective }
        }
        reinstated = []
        traffic = next
        snapshot.withLock { $0 = served }
        counts.acceptedChanges += 1
        let kept = traffic.values.reduce(into: Set<EncoderIdentity>()) { kept, traffic in
            for plugin in [traffic.served, traffic.previous].compactMap({ $0 }) {
                for version in plugin.versions { kept.insert(EncoderIdentity(plugin, version)) }
            }
        }
        for status in await supervisor.status() where !kept.contains(status.identity) {
            await supervisor.retire(status.identity)
        }
        for identity in before.subtracting(live).intersection(kept) {
            await supervisor.drain(identity, hold: false)
        }
        log("registry", .info, "\(registry.path) taken over")
    }

    /// Versions that the change in progress gives another chance.
    private var reinstated: Set<EncoderIdentity> = []

    /// What `plugin` will be served as: itself once its new versions are found good, else as before.
    private func traffic(of plugin: RegisteredPlugin) async -> PluginTraffic {
        guard let old = traffic[plugin.id] else {
            if plugin.load == .eager { await prepare(plugin, plugin.live) }
            return PluginTraffic(plugin)
        }
        let out = old.unavailable
        for identity in out where await supervisor.isOutOfService(identity) {
            await supervisor.reinstate(identity)
            reinstated.insert(identity)
        }
        let fresh = plugin.live.subtracting(old.live)
        let isWanted = await supervisor.isLoaded(plugin: plugin.id) || plugin.load != .manual
        if isWanted, !fresh.isEmpty, let failure = await prepare(plugin, fresh) {
            counts.failedSwaps[plugin.id, default: 0] += 1
            log(
                plugin.id, .error, "the change is not taken over, the version before it serves on: \(failure)"
            )
            return old
        }
        if !fresh.isEmpty { counts.swaps[plugin.id, default: 0] += 1 }
        var new = PluginTraffic(plugin, previous: fresh.isEmpty ? old.previous : old.effective)
        new.unavailable = out.subtracting(reinstated)
        if old.isPinned {
            new.chosen = old.chosen
            new.isPinned = true
        }
        return new
    }

    /// Loads, tests and warms versions; what went wrong, or nil.
    @discardableResult
    private func prepare(_ plugin: RegisteredPlugin, _ identities: Set<EncoderIdentity>) async
        -> PluginFailure?
    {
        for version in plugin.versions where identities.contains(EncoderIdentity(plugin, version)) {
            do throws(PluginFailure) {
                try await supervisor.load(plugin, version)
            } catch {
                return error
            }
        }
        return nil
    }

    // MARK: Rolling back

    private func takenOut(_ identity: EncoderIdentity, _ reason: String) {
        guard let before = traffic[identity.plugin], before.live.contains(identity) else { return }
        traffic[identity.plugin]?.unavailable.insert(identity)
        publish(identity.plugin)
        guard let to = traffic[identity.plugin]?.effective.defaultVersion.version,
            traffic[identity.plugin]?.live.contains(identity) == false
        else { return }
        counts.rollbacks[identity.plugin, default: 0] += 1
        counts.lastRollback[identity.plugin] = Rollback(from: identity.version, to: to, reason: reason)
        log(identity.plugin, .error, "rolled back from version \(identity.version) to \(to): \(reason)")
    }

    // MARK: The operator

    /// Loads a version, or the one that serves by default; one that failed or is held gets another chance.
    public func load(_ id: String, _ wanted: SemanticVersion?) async throws {
        let (plugin, version) = try find(id, wanted)
        try await supervisor.load(plugin, version)
        traffic[id]?.unavailable.remove(EncoderIdentity(plugin, version))
        publish(id)
    }

    /// Lets a version, or all of a plugin, go when its calls are done; a later request loads it again.
    public func unload(_ id: String, _ wanted: SemanticVersion?) async throws {
        for identity in try identities(id, wanted) { await supervisor.drain(identity, hold: false) }
    }

    /// Takes a version, or all of a plugin, from the traffic until it is loaded again; calls that it has are finished.
    public func drain(_ id: String, _ wanted: SemanticVersion?) async throws {
        let (plugin, _) = try find(id, wanted)
        let identities = try identities(id, wanted)
        traffic[id]?.unavailable.formUnion(identities)
        publish(id)
        for version in plugin.versions where identities.contains(EncoderIdentity(plugin, version)) {
            await supervisor.hold(plugin, version)
        }
    }

    /// Hands every request of a plugin to one version, once it is found good; until the registry changes.
    public func swap(_ id: String, to wanted: SemanticVersion) async throws {
        let (plugin, version) = try find(id, wanted)
        do throws(PluginFailure) {
            try await supervisor.load(plugin, version)
        } catch {
            counts.failedSwaps[id, default: 0] += 1
            throw error
        }
        counts.swaps[id, default: 0] += 1
        await choose(id, wanted, isPinned: false)
    }

    /// Hands every request of a plugin to one version, whatever the registry says later; nil ends this.
    public func pin(_ id: String, to wanted: SemanticVersion?) async throws {
        let (plugin, version) = try find(id, wanted)
        if wanted != nil { try await supervisor.load(plugin, version) }
        await choose(id, wanted, isPinned: wanted != nil)
    }

    private func choose(_ id: String, _ version: SemanticVersion?, isPinned: Bool) async {
        let before = live
        traffic[id]?.unavailable.remove(version: version)
        traffic[id]?.chosen = version
        traffic[id]?.isPinned = isPinned
        publish(id)
        for identity in before.subtracting(live) { await supervisor.drain(identity, hold: false) }
    }

    private var live: Set<EncoderIdentity> {
        traffic.values.reduce(into: []) { $0.formUnion($1.live) }
    }

    private func publish(_ id: String) {
        guard let plugin = traffic[id]?.effective else { return }
        snapshot.withLock { registry in
            guard let index = registry.plugins.firstIndex(where: { $0.id == id }) else { return }
            registry.plugins[index] = plugin
        }
    }

    private func find(
        _ id: String, _ wanted: SemanticVersion?
    ) throws(NotRegistered) -> (RegisteredPlugin, RegisteredVersion) {
        guard let plugin = traffic[id]?.served else {
            throw NotRegistered(what: "plugin \(id)", known: traffic.keys.sorted())
        }
        guard let wanted else { return (plugin, plugin.defaultVersion) }
        guard let version = plugin.versions.first(where: { $0.version == wanted }) else {
            throw NotRegistered(
                what: "version \(wanted) of plugin \(id)", known: plugin.versions.map(\.version.description))
        }
        return (plugin, version)
    }

    private func identities(
        _ id: String, _ wanted: SemanticVersion?
    ) throws(NotRegistered) -> Set<EncoderIdentity> {
        let (plugin, version) = try find(id, wanted)
        let versions = wanted == nil ? plugin.versions : [version]
        return Set(versions.map { EncoderIdentity(plugin, $0) })
    }
}

/// The operator named something that the registry does not have.
public struct NotRegistered: Error, Sendable, CustomStringConvertible {
    let what: String
    let known: [String]

    public var description: String {
        "no \(what); the registry has \(known.isEmpty ? "none" : known.joined(separator: ", "))"
    }
}

extension Set<EncoderIdentity> {
    fileprivate mutating func remove(version: SemanticVersion?) {
        self = filter { $0.version != version }
    }
}
