/// Why a call failed, or that it was cancelled. The message is one sentence for the person whose request it was.
public struct PluginError: Error, Sendable {
    /// A `GatehouseStatus` other than OK.
    public let status: GatehouseStatus
    /// Empty where the status says it all, or where the host knows already.
    public let message: String

    init(status: GatehouseStatus, message: String = "") {
        self.status = status
        self.message = message
    }

    init(_ status: Int, _ message: String = "") {
        self.init(status: GatehouseStatus(status), message: message)
    }

    /// The job is no longer wanted. Not a failure.
    public static let cancelled = PluginError(GATEHOUSE_CANCELLED)

    /// The input is not what its media type says, or is beyond the declared limits.
    public static func badInput(_ message: String) -> PluginError {
        PluginError(GATEHOUSE_BAD_INPUT, message)
    }

    /// Name the key, what was expected and what was found.
    public static func badConfiguration(_ message: String) -> PluginError {
        PluginError(GATEHOUSE_BAD_CONFIGURATION, message)
    }

    /// Weights are missing or damaged; name the file.
    public static func noWeights(_ message: String) -> PluginError {
        PluginError(GATEHOUSE_NO_WEIGHTS, message)
    }

    /// This plugin never does that.
    public static func unsupported(_ message: String) -> PluginError {
        PluginError(GATEHOUSE_UNSUPPORTED, message)
    }

    /// Trying again later may work.
    public static func unavailable(_ message: String) -> PluginError {
        PluginError(GATEHOUSE_UNAVAILABLE, message)
    }

    /// There is not the memory for it.
    public static func outOfMemory(_ message: String) -> PluginError {
        PluginError(GATEHOUSE_OUT_OF_MEMORY, message)
    }

    /// Anything else.
    public static func failed(_ message: String) -> PluginError {
        PluginError(GATEHOUSE_FAILED, message)
    }
}
