import PluginHost

/// What determines an encoder: two registry entries that agree in it can share workers.
public struct EncoderIdentity: Hashable, Sendable {
    public let plugin: String
    public let version: SemanticVersion
    /// Everything else that its outputs and their weight depend on, from files to configuration.
    private let opened: [String?]

    /// All of it, a word each.
    public var words: [String] { [plugin, version.description] + opened.map { $0 ?? "" } }

    public init(_ plugin: RegisteredPlugin, _ version: RegisteredVersion) {
        self.plugin = plugin.id
        self.version = version.version
        opened = [
            version.library, version.weights, version.gate, version.librarySHA256, version.weightsSHA256,
            plugin.configuration,
            plugin.isolation.rawValue, plugin.reads.joined(separator: "\u{0}"),
        ]
    }
}

/// One worker.
struct EncoderWorker {
    let number: UInt64
    let loaded: any LoadedPlugin
    /// The slot's when it was started: what an older one does is not held against the version any more.
    let generation: Int
    /// Whether it holds live streams, and takes no calls: neither then waits for the other.
    let isForStreams: Bool
    /// Calls in it: one, unless its plugin declares batches; or the live streams that it holds.
    var calls = 1
    /// Whether the call in it shares it with no other.
    var isAlone = false
    /// Changes with every end of a stream in it.
    var lastStream: UInt64 = 0
    /// Proportional set size when it was measured last, in bytes.
    var measured = 0

    var isBusy: Bool { calls > 0 }
    /// Whether one more call or stream may join those in it.
    var hasRoom: Bool {
        !isAlone && loaded.isAlive && calls < (isForStreams ? loaded.outputs.mostStreams : loaded.mostCalls)
    }
}

/// Somebody's place in the line for a worker. Whoever wants a stream waits for none who want a call, nor the other way.
struct LineTicket {
    let number: UInt64
    let isForStream: Bool
}

/// One plugin version, its workers, and who waits for them.
struct EncoderSlot {
    var plugin: RegisteredPlugin
    let version: RegisteredVersion
    var state = VersionState.unloaded
    var workers: [EncoderWorker] = []
    /// Loadings in progress.
    var loadings: [UInt64: Task<Result<any LoadedPlugin, PluginFailure>, Never>] = [:]
    /// Those of them that are of workers for streams.
    var streamLoadings: Set<UInt64> = []
    /// Who waits for a turn, in order of arrival.
    var line: [LineTicket] = []
    /// Those of them that sleep until they are woken to look again.
    var sleeping: [UInt64: CheckedContinuation<Void, Never>] = [:]
    /// Unloads it; runs while it is idle.
    var idleTimer: Alarm?
    /// Which of its timers that is.
    var idleTimerNumber: UInt64 = 0
    var policy = RestartPolicy()
    /// Counts the chances that the version was given after it had failed.
    var generation = 0
    /// When the wait after repeated failure is over, in monotonic nanoseconds.
    var retryAt: UInt64 = 0
    /// Whether it passed its self-test once.
    var isProven = false
    /// Whether the operator has taken it from the traffic.
    var isHeld = false
    /// Whether no registry has it any more, so that it is forgotten once it has gone.
    var isRetired = false
    /// Monotonic nanoseconds of the last call's end.
    var lastUsed: UInt64 = 0
    /// The largest worker seen so far, in bytes.
    var largest = 0
    var counts = PluginStatus.Counts()
    var latencies = LatencyWindow()

    /// Whoever is the first to want a call, and the first to want a stream.
    var firstInLine: [UInt64] {
        [false, true].compactMap { kind in line.first { $0.isForStream == kind }?.number }
    }

    var isIdle: Bool { line.isEmpty && loadings.isEmpty && !workers.contains(where: \.isBusy) }

    /// Bytes that one worker is taken to need: the larger of declared and measured.
    var bytesPerWorker: Int { max((plugin.memoryLimitMegabytes ?? 0) << 20, largest) }

    var bytes: Int {
        let declared = (plugin.memoryLimitMegabytes ?? 0) << 20
        return workers.reduce(loadings.count * bytesPerWorker) { $0 + max(declared, $1.measured) }
    }
}
