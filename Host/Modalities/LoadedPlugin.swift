import PluginHost

/// A loaded plugin, wherever it runs. It takes one call at a time.
protocol LoadedPlugin: AnyObject, Sendable {
    var facts: PluginFacts { get }
    var outputs: OutputFacts { get }
    /// The process it runs in.
    var processID: Int32 { get }
    /// False once it can take no more calls.
    var isAlive: Bool { get }

    /// Encodes all parts of `input` in one call. A cancelled task is told to the plugin.
    func encode(_ input: EncodeInput) async throws(PluginFailure) -> EncodeOutput

    /// Lets the plugin go. Returns at once; a call in progress fails.
    func unload()
}

/// Where a plugin's log lines go, with the plugin they are from.
public typealias PluginLog = @Sendable (_ plugin: String, PluginLogLevel, String) -> Void
