import CGatehouse
import Glibc

/// Why a plugin gave no result. The message is whole by itself: it names the plugin where one is known.
public struct PluginFailure: Error, Sendable, Equatable, CustomStringConvertible {
    /// What kind of failure it is; the number travels between host and worker.
    public enum Reason: UInt32, Sendable {
        /// The request no longer wants it.
        case cancelled = 1
        /// The input is not what its media type says.
        case badInput = 2
        case badConfiguration = 3
        case noWeights = 4
        case unsupported = 5
        /// Trying again later may work.
        case unavailable = 6
        case outOfMemory = 7
        /// The plugin says that it failed.
        case failed = 8
        /// The library could not be opened, or is not for this host.
        case refused = 9
        /// The plugin broke a rule of the ABI.
        case violation = 10
        /// The plugin's process ended.
        case crashed = 11
        /// The system refused the host something: memory, a descriptor, a process.
        case system = 12
        /// It took longer than the registry allows.
        case timedOut = 13
        /// It took more memory than the registry allows.
        case memoryLimit = 14
        /// The plugin's process ended over several calls, of which this one may be innocent.
        case interrupted = 15
    }

    public let reason: Reason
    public let message: String

    public init(_ reason: Reason, _ message: String) {
        self.reason = reason
        self.message = message
    }

    public var description: String { message }

    /// From a status that a plugin returned; nil for OK.
    init?(status: GatehouseStatus, message: String?) {
        guard status != GATEHOUSE_OK else { return nil }
        let reason: Reason =
            switch Int(status) {
            case GATEHOUSE_CANCELLED: .cancelled
            case GATEHOUSE_BAD_INPUT: .badInput
            case GATEHOUSE_BAD_CONFIGURATION: .badConfiguration
            case GATEHOUSE_NO_WEIGHTS: .noWeights
            case GATEHOUSE_UNSUPPORTED: .unsupported
            case GATEHOUSE_UNAVAILABLE: .unavailable
            case GATEHOUSE_OUT_OF_MEMORY: .outOfMemory
            case GATEHOUSE_FAILED: .failed
            default: .violation
            }
        if reason == .violation {
            self.init(.violation, "it returned \(status), which is no status of the ABI")
        } else {
            self.init(
                reason, message ?? (reason == .cancelled ? "cancelled" : "it gave no reason (\(reason))"))
        }
    }

    /// A call of the system failed just now; reads `errno`.
    static func system(_ doing: String) -> PluginFailure {
        PluginFailure(.system, "\(doing): \(String(cString: strerror(errno)))")
    }

    /// What a plugin version without live streams answers.
    public static func noStreams(_ name: String) -> PluginFailure {
        PluginFailure(.unsupported, "\(name) takes no live streams")
    }

    /// The same failure with `prefix` and a colon before its message.
    public func prefixed(_ prefix: String) -> PluginFailure {
        PluginFailure(reason, "\(prefix): \(message)")
    }
}
