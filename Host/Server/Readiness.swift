import Foundation
import GatehouseJSON
import Modalities
import Synchronization

/// Whether new requests are to be sent here, for a balancer that asks at `GET /ready`: 200 where they are, else 503 with the
/// reason. `GET /health`, which says that the process lives, goes on to say 200.
///
/// Not ready is a daemon that is about to stop, and one that lacks what its registry wants there always: a plugin loaded
/// `eager` that is out of service. Any thread.
public final class Readiness: Sendable {
    /// What is answered until the end: without these nobody sees how far it has come.
    public static let pathsToTheEnd: Set<String> = ["/health", "/ready", "/metrics"]

    private let live: LiveRegistry
    private let isLeaving = Atomic<Bool>(false)

    public init(_ live: LiveRegistry) {
        self.live = live
    }

    /// From now on it is not ready, for it is about to stop.
    public func leave() {
        isLeaving.store(true, ordering: .relaxed)
    }

    public func addRoutes(to router: inout HTTPRouter) {
        router.on("GET", "/ready") { [self] _ in
            if isLeaving.load(ordering: .relaxed) {
                return Self.response("draining", "the server is shutting down")
            }
            guard let missing = await missingPlugin else {
                return .json(Array(#"{"status":"ready"}"#.utf8))
            }
            return Self.response("degraded", "plugin \(missing) is out of service")
        }
    }

    /// Id and version of a plugin that should be there always and is given up.
    private var missingPlugin: String? {
        get async {
            let out = await live.supervisor.status().filter { $0.state == .outOfService }
            if out.isEmpty { return nil }
            let missing = live.current.plugins.first { plugin in
                plugin.load == .eager
                    && out.contains { $0.identity == EncoderIdentity(plugin, plugin.defaultVersion) }
            }
            return missing.map { "\($0.id) \($0.defaultVersion.version)" }
        }
    }

    private static func response(_ status: String, _ reason: String) -> HTTPResponse {
        .json(
            Array(JSONValue.object(["status": .string(status), "reason": .string(reason)]).text.utf8),
            status: 503)
    }
}
