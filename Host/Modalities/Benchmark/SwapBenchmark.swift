import PluginHost
import Synchronization

extension PluginBenchmark {
    /// What clients met while versions were swapped under them.
    public struct Swaps: Sendable {
        public let swaps: Int
        public let clients: Int
        /// Requests with an answer.
        public let answered: Int
        /// What the others failed with.
        public let failures: [String]
        /// Requests that a version answered which was not live when they arrived.
        public let misrouted: Int
        public let answers: Timing
        /// From the operator's word until the new version takes every request.
        public let switches: Timing
    }

    /// Swaps the two versions of the plugin `version`, `count` times, under clients who ask without a pause. The plugin
    /// itself says which version answers.
    public func swaps(_ count: Int, clients: Int) async throws -> Swaps {
        let supervisor = makeSupervisor()
        var alone = registry
        alone.plugins = [try plugin("version")]
        let live = LiveRegistry(alone, supervisor: supervisor, log: log)
        await live.start()
        let versions = alone.plugins[0].versions.sorted { $0.version < $1.version }.map(\.version)
        guard versions.count == 2 else {
            throw Unexpected("\(registry.path): plugin version has \(versions.count) versions, expected 2")
        }
        let traffic = Traffic(serving: versions[0].description)
        var switches: [Double] = []
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<clients { group.addTask { try await traffic.ask(live) } }
            for swap in 1...count {
                let (from, to) = (versions[(swap + 1) % 2], versions[swap % 2])
                traffic.mayServe(to.description)
                switches.append(
                    try await Timing.milliseconds { try await live.swap("version", to: to) })
                traffic.servesNoMore(from.description)
                // The next swap goes back to it, and is to start it anew. A request that was routed before the switch may
                // come when it has gone, and load it again for as long as it would be idle.
                while await supervisor.isLoaded(from, of: "version") {
                    try await live.unload("version", from)
                    try await Task.sleep(for: .milliseconds(1))
                }
            }
            traffic.stop()
            try await group.waitForAll()
        }
        await supervisor.stop()
        return traffic.result(swaps: count, clients: clients, switches: Timing(switches))
    }
}

extension Supervisor {
    /// Whether a version of a plugin has a worker.
    fileprivate func isLoaded(_ version: SemanticVersion, of plugin: String) -> Bool {
        slots.contains { $0.key.plugin == plugin && $0.key.version == version && !$0.value.workers.isEmpty }
    }
}

/// What the clients of a benchmark share with whoever swaps under them. Any thread.
private final class Traffic: Sendable {
    private struct State {
        /// Versions that a request which arrives now may meet.
        var live: Set<String>
        var isOver = false
        var times: [Double] = []
        var failures: [String] = []
        var misrouted = 0
    }

    private let state: Mutex<State>

    init(serving version: String) {
        state = Mutex(State(live: [version]))
    }

    func mayServe(_ version: String) { state.withLock { _ = $0.live.insert(version) } }
    func servesNoMore(_ version: String) { state.withLock { _ = $0.live.remove(version) } }
    func stop() { state.withLock { $0.isOver = true } }

    /// One client, until ``stop()``: each request is routed and encoded as the server does it.
    func ask(_ live: LiveRegistry) async throws {
        while !state.withLock({ $0.isOver }) {
            let input = try PluginBenchmark.input()
            var answer = ""
            var arrival: Set<String> = []
            do {
                let time = try await Timing.milliseconds {
                    // It arrives where it is routed, which is between the two looks.
                    let before = state.withLock { $0.live }
                    let current = live.current
                    arrival = before.union(state.withLock { $0.live })
                    let routing = try Router(current).route(
                        mediaType: "text/plain", bytes: 0, options: [:],
                        origin: RequestOrigin(trafficPoint: 0))
                    guard case .plugin(let plugin, let version, _)? = routing.routes.first else {
                        throw PluginBenchmark.Unexpected("the request goes nowhere")
                    }
                    let encoded = try await live.supervisor.encode(
                        input, plugin: plugin, version: version)
                    for case .text(let text) in encoded.segments.map(\.content) { answer += text.text }
                }
                state.withLock { state in
                    state.times.append(time)
                    if !arrival.contains(answer) { state.misrouted += 1 }
                }
            } catch {
                state.withLock { $0.failures.append("\(error)") }
            }
        }
    }

    func result(swaps: Int, clients: Int, switches: Timing) -> PluginBenchmark.Swaps {
        state.withLock { state in
            PluginBenchmark.Swaps(
                swaps: swaps, clients: clients, answered: state.times.count, failures: state.failures,
                misrouted: state.misrouted, answers: Timing(state.times.isEmpty ? [0] : state.times),
                switches: switches)
        }
    }
}
