import PluginHost

/// A loaded plugin, wherever it runs.
protocol LoadedPlugin: AnyObject, Sendable {
    var facts: PluginFacts { get }
    var outputs: OutputFacts { get }
    /// Calls that it takes at once.
    var mostCalls: Int { get }
    /// The process it runs in.
    var processID: Int32 { get }
    /// False once it can take no more calls.
    var isAlive: Bool { get }

    /// Encodes all parts of `input` in one call, in `timeLimit` seconds where there is a limit. A cancelled task and
    /// the end of the time are told to the plugin. A call behind others has their time too.
    func encode(_ input: EncodeInput, timeLimit: Double?, isBehindOthers: Bool) async throws(PluginFailure)
        -> EncodeOutput

    /// Does `call` on a live stream, whose number is its opener's choice and no other's. One call of a stream at a time; the
    /// end of `timeLimit` seconds and a cancelled task are told to the plugin.
    func perform(_ call: StreamCall, on stream: UInt64, timeLimit: Double?) async throws(PluginFailure)
        -> [StreamPartial]

    /// Frees a live stream. Returns at once.
    func closeStream(_ number: UInt64)

    /// Has the plugin judge itself, where it has a self-test.
    func testItself(timeLimit: Double?) async throws(PluginFailure)

    /// Ends it at once for what it did; calls in progress fail with `failure`.
    func end(for failure: PluginFailure)

    /// Lets the plugin go. Returns at once; a call in progress fails.
    func unload()
}

/// Where a plugin's log lines go, with the plugin they are from.
public typealias PluginLog = @Sendable (_ plugin: String, PluginLogLevel, String) -> Void
