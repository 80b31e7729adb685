import Engine
import Foundation
import PluginHost
import Synchronization

/// What requests came to, since the daemon started. Any thread.
public final class ServiceMetrics: Sendable {
    private struct Counts {
        /// By path and status.
        var requests: [Labels: Int] = [:]
        var durations: [String: Histogram] = [:]
        var promptTokens = 0
        var cachedTokens = 0
        var answerTokens = 0
        var first = Histogram(Histogram.latency)
        var between = Histogram(Histogram.latency)
        /// By plugin.
        var weights: [String: Histogram] = [:]
    }

    private let counts = Mutex(Counts())

    public init() {}

    /// Answers a request by `respond`, and counts it under its path where the server has that.
    ///
    /// - Parameter known: Whether the path is one of the server's: those of strangers are counted together.
    public func counting(
        _ request: HTTPRequest, known: Bool, _ respond: (HTTPRequest) async -> HTTPResponse
    ) async -> HTTPResponse {
        let started = ContinuousClock.now
        let response = await respond(request)
        let path = known ? request.path : "other"
        let seconds = (ContinuousClock.now - started) / .seconds(1)
        counts.withLock { counts in
            counts.requests[Labels(["path": path, "status": "\(response.status)"]), default: 0] += 1
            counts.durations[path, default: Histogram(Histogram.latency)].add(seconds)
        }
        return response
    }

    func add(_ reports: [ModalityReport]) {
        counts.withLock { counts in
            for report in reports {
                guard let plugin = report.plugin else { continue }
                counts.weights[plugin, default: Histogram(Histogram.weight)].add(Double(report.weight))
            }
        }
    }

    /// Seconds from the request to the first of its text.
    func addFirst(_ seconds: Double) { counts.withLock { $0.first.add(seconds) } }

    /// Seconds from one piece of text to the next.
    func addNext(_ seconds: Double) { counts.withLock { $0.between.add(seconds) } }

    func add(_ usage: Usage) {
        counts.withLock { counts in
            counts.promptTokens += usage.promptTokens
            counts.cachedTokens += usage.cachedTokens
            counts.answerTokens += usage.completionTokens
        }
    }

    static var residentBytes: Int { ProcessMemory.resident(getpid()) ?? 0 }

    var text: String {
        let counts = counts.withLock { $0 }
        return Metrics.family(
            "gatehouse_requests_total", "counter", "Requests that were answered.",
            counts.requests.sorted { $0.key.text < $1.key.text }.map { ($0, Double($1)) })
            + Metrics.histogram(
                "gatehouse_request_seconds",
                "Time to the head of the answer; for a stream to its first event.",
                counts.durations.sorted { $0.key < $1.key }.map { (Labels(["path": $0]), $1) })
            + Metrics.family(
                "gatehouse_tokens_total", "counter", "Tokens of finished requests.",
                [
                    (Labels(["kind": "prompt"]), Double(counts.promptTokens)),
                    (Labels(["kind": "cached"]), Double(counts.cachedTokens)),
                    (Labels(["kind": "answer"]), Double(counts.answerTokens)),
                ])
            + Metrics.histogram(
                "gatehouse_first_token_seconds", "From a request to the first text of its answer.",
                [(Labels([:]), counts.first)])
            + Metrics.histogram(
                "gatehouse_next_token_seconds", "From one piece of an answer to the next.",
                [(Labels([:]), counts.between)])
            + Metrics.histogram(
                "gatehouse_plugin_weight", "Weights of the media parts that a plugin took.",
                counts.weights.sorted { $0.key < $1.key }.map { (Labels(["plugin": $0]), $1) })
    }
}
