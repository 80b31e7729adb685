import Modalities

/// The figures of plugins and registry, in the text format of Prometheus 0.0.4.
public struct PluginMetrics: Sendable {
    private let registry: LiveRegistry

    public init(_ registry: LiveRegistry) {
        self.registry = registry
    }

    public var text: String {
        get async {
            let status = await registry.supervisor.status()
            let counts = await registry.counts
            return plugins(status) + changes(counts)
        }
    }

    /// A version that was replaced by itself, with another configuration say, has two entries: they are one here.
    private func plugins(_ status: [PluginStatus]) -> String {
        let groups = Dictionary(grouping: status) {
            Labels(["plugin": $0.plugin, "version": "\($0.version)"])
        }
        .sorted { $0.key.text < $1.key.text }
        func family(
            _ name: String, _ type: String, _ help: String, _ value: (PluginStatus) -> Double?
        ) -> String {
            let samples = groups.compactMap { labels, entries -> (Labels, Double)? in
                let values = entries.compactMap(value)
                return values.isEmpty ? nil : (labels, values.reduce(0, +))
            }
            return Metrics.family(name, type, help, samples)
        }
        let states = groups.flatMap { labels, entries in
            VersionState.allCases.map { state in
                (labels.adding("state", state.rawValue), entries.contains { $0.state == state } ? 1.0 : 0)
            }
        }
        let latencies = groups.flatMap { labels, entries -> [(Labels, Double)] in
            guard let entry = entries.max(by: { $0.counts.calls < $1.counts.calls }), let p50 = entry.p50,
                let p95 = entry.p95
            else { return [] }
            return [
                (labels.adding("quantile", "0.5"), p50 / 1000),
                (labels.adding("quantile", "0.95"), p95 / 1000),
            ]
        }
        return Metrics.family(
            "gatehouse_plugin_state", "gauge", "1 for the state that a version is in.", states)
            + family("gatehouse_plugin_workers", "gauge", "Workers that are loaded.") {
                Double($0.processIDs.count)
            }
            + family("gatehouse_plugin_memory_bytes", "gauge", "What counts against the memory budget.") {
                Double($0.memory)
            }
            + family("gatehouse_plugin_running_calls", "gauge", "Calls in workers.") { Double($0.running) }
            + family("gatehouse_plugin_streams", "gauge", "Live streams that are open.") {
                Double($0.streams)
            }
            + family("gatehouse_plugin_waiting_calls", "gauge", "Calls that wait for a worker.") {
                Double($0.waiting)
            }
            + family("gatehouse_plugin_loads_total", "counter", "Workers that became ready.") {
                Double($0.counts.loads)
            }
            + family("gatehouse_plugin_calls_total", "counter", "Calls that were made.") {
                Double($0.counts.calls)
            }
            + family("gatehouse_plugin_errors_total", "counter", "Loads and calls that failed.") {
                Double($0.counts.errors)
            }
            + Metrics.family(
                "gatehouse_plugin_latency_seconds", "gauge", "Quantiles over the last calls.", latencies)
    }

    private func changes(_ counts: LiveRegistry.Counts) -> String {
        func samples(_ values: [String: Int], _ labels: (Labels) -> Labels = { $0 }) -> [(Labels, Double)] {
            values.sorted { $0.key < $1.key }.map { (labels(Labels(["plugin": $0.key])), Double($0.value)) }
        }
        let rollbacks = counts.lastRollback.sorted { $0.key < $1.key }.map { plugin, rollback in
            (
                Labels([
                    "plugin": plugin, "from": "\(rollback.from)", "to": "\(rollback.to)",
                    "reason": rollback.reason,
                ]), 1.0
            )
        }
        return Metrics.family(
            "gatehouse_registry_changes_total", "counter", "Changes of the registry file.",
            [
                (Labels(["result": "accepted"]), Double(counts.acceptedChanges)),
                (Labels(["result": "rejected"]), Double(counts.rejectedChanges)),
            ])
            + Metrics.family(
                "gatehouse_plugin_swaps_total", "counter", "Changes of the versions that serve.",
                samples(counts.swaps) { $0.adding("result", "done") }
                    + samples(counts.failedSwaps) { $0.adding("result", "failed") })
            + Metrics.family(
                "gatehouse_plugin_rollbacks_total", "counter", "Versions that were taken out for another.",
                samples(counts.rollbacks))
            + Metrics.family(
                "gatehouse_plugin_last_rollback", "gauge", "The last rollback of a plugin, and why.",
                rollbacks)
    }
}
