/// Everything that `GET /metrics` shows, in the text format of Prometheus 0.0.4.
public struct Metrics: Sendable {
    private let service: ServiceMetrics
    private let plugins: PluginMetrics
    private let chat: ChatService

    public init(_ chat: ChatService, _ service: ServiceMetrics) {
        self.chat = chat
        self.service = service
        plugins = PluginMetrics(chat.live)
    }

    public func addRoutes(to router: inout HTTPRouter) {
        router.on("GET", "/metrics") { _ in
            var response = HTTPResponse.text(service.text + machine + (await plugins.text))
            response.headers["Content-Type"] = "text/plain; version=0.0.4; charset=utf-8"
            return response
        }
    }

    /// What engine and caches hold now.
    private var machine: String {
        let (load, cache) = (chat.engine.load, chat.cache.load)
        func gauge(_ name: String, _ help: String, _ value: Int) -> String {
            Self.family(name, "gauge", help, [(Labels([:]), Double(value))])
        }
        return gauge("gatehouse_queue_requests", "Answers that wait to be computed.", load.waiting)
            + gauge("gatehouse_batch_sequences", "Answers in the running batch.", load.running)
            + Self.family(
                "gatehouse_kv_pages", "gauge", "Pages of keys and values.",
                [
                    (Labels(["state": "free"]), Double(load.freePages - load.keptPages)),
                    (Labels(["state": "kept"]), Double(load.keptPages)),
                    (Labels(["state": "used"]), Double(load.pages - load.freePages)),
                ])
            + Self.family(
                "gatehouse_engine_steps_total", "counter", "Steps of the engine.",
                [(Labels([:]), Double(load.steps))])
            + Self.family(
                "gatehouse_preemptions_total", "counter", "Answers that gave their pages to others.",
                [(Labels([:]), Double(load.preemptions))])
            + gauge("gatehouse_media_cache_bytes", "What encoders made and the host keeps.", cache.bytes)
            + gauge("gatehouse_media_cache_entries", "Media parts of which it does.", cache.entries)
            + gauge(
                "process_resident_memory_bytes", "Resident memory of the daemon.",
                ServiceMetrics.residentBytes)
    }

    static func family(
        _ name: String, _ type: String, _ help: String, _ samples: [(Labels, Double)]
    ) -> String {
        if samples.isEmpty { return "" }
        return "# HELP \(name) \(help)\n# TYPE \(name) \(type)\n"
            + samples.map { "\(name)\($0.text) \($1)\n" }.joined()
    }

    static func histogram(_ name: String, _ help: String, _ samples: [(Labels, Histogram)]) -> String {
        if samples.isEmpty { return "" }
        return "# HELP \(name) \(help)\n# TYPE \(name) histogram\n"
            + samples.map { labels, histogram in
                histogram.cumulative.map { "\(name)_bucket\(labels.adding("le", $0).text) \($1)\n" }.joined()
                    + "\(name)_sum\(labels.text) \(histogram.sum)\n\(name)_count\(labels.text) \(histogram.count)\n"
            }.joined()
    }
}

/// The labels of a sample, as they are written.
struct Labels: Hashable {
    private let pairs: [String]

    init(_ values: [String: String]) {
        pairs = values.sorted { $0.key < $1.key }.map { Self.pair($0.key, $0.value) }
    }

    private init(pairs: [String]) {
        self.pairs = pairs
    }

    func adding(_ name: String, _ value: String) -> Labels {
        Labels(pairs: pairs + [Self.pair(name, value)])
    }

    var text: String { pairs.isEmpty ? "" : "{\(pairs.joined(separator: ","))}" }

    private static func pair(_ name: String, _ value: String) -> String {
        let escaped = value.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing(
            "\n", with: "\\n")
        return "\(name)=\"\(escaped)\""
    }
}
