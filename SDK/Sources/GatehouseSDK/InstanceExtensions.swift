/// A plugin that can judge itself. Conform to it beside ``ModalityPlugin``; nothing else is to be declared.
public protocol SelfTestingPlugin: ModalityPlugin {
    /// Encodes something whose result is known and compares. The host asks once before a new version takes requests;
    /// where this throws, it takes none. Leaves nothing behind that a later call could see.
    func selfTest(_ job: Job) throws(PluginError)
}

/// A plugin that encodes several calls faster together than one by one.
public protocol BatchingPlugin: ModalityPlugin {
    /// Calls in one batch, at least 2.
    static var mostCalls: Int { get }

    /// Encodes calls of different requests, 2 to ``mostCalls`` of them, and tells for each in order how it ended: nil for
    /// good, else what `encode` alone would have thrown. Each comes out as `encode` would have made it alone, to the bit.
    func encode(_ calls: [BatchCall]) -> [PluginError?]
}

/// One call of a batch. Its fields are valid during the batch only.
public struct BatchCall {
    public let input: Input
    public let sink: Sink
    public let job: Job
}

/// The C faces of what a plugin conforms to, kept for the life of its instance.
final class InstanceExtensions {
    private var test: UnsafeMutablePointer<GatehouseSelfTest>?
    private var batch: UnsafeMutablePointer<GatehouseBatch>?
    private var streaming: UnsafeMutablePointer<GatehouseStreaming>?

    /// `ctx` is the instance's; it is what the functions are called with.
    init(
        of plugin: any ModalityPlugin, ctx: UnsafeMutableRawPointer?,
        test testFunction:
            @escaping @convention(c) (UnsafeMutableRawPointer?, UnsafePointer<GatehouseJob>?) ->
            GatehouseStatus,
        batch batchFunction:
            @escaping @convention(c) (
                UnsafeMutableRawPointer?, UInt32, UnsafePointer<GatehouseBatchCall>?,
                UnsafeMutablePointer<GatehouseStatus>?
            ) -> Void,
        open openFunction:
            @escaping @convention(c) (
                UnsafeMutableRawPointer?, UnsafePointer<GatehouseJob>?,
                UnsafePointer<GatehouseStreamFormat>?,
                UnsafeMutablePointer<UnsafePointer<GatehouseStream>?>?
            ) -> GatehouseStatus
    ) {
        if plugin is any SelfTestingPlugin {
            let made = UnsafeMutablePointer<GatehouseSelfTest>.allocate(capacity: 1)
            made.initialize(
                to: GatehouseSelfTest(
                    struct_size: UInt32(MemoryLayout<GatehouseSelfTest>.size), reserved: 0, ctx: ctx,
                    run: testFunction))
            test = made
        }
        if let plugin = plugin as? any BatchingPlugin {
            let made = UnsafeMutablePointer<GatehouseBatch>.allocate(capacity: 1)
            made.initialize(
                to: GatehouseBatch(
                    struct_size: UInt32(MemoryLayout<GatehouseBatch>.size),
                    most_calls: UInt32(clamping: type(of: plugin).mostCalls), ctx: ctx, encode: batchFunction)
            )
            batch = made
        }
        if let plugin = plugin as? any StreamingPlugin, plugin.takesStreams {
            let made = UnsafeMutablePointer<GatehouseStreaming>.allocate(capacity: 1)
            made.initialize(
                to: GatehouseStreaming(
                    struct_size: UInt32(MemoryLayout<GatehouseStreaming>.size),
                    most_streams: UInt32(clamping: type(of: plugin).mostStreams), ctx: ctx, open: openFunction
                ))
            streaming = made
        }
    }

    deinit {
        test?.deallocate()
        batch?.deallocate()
        streaming?.deallocate()
    }

    /// The extension of that id, or nil.
    func find(_ id: String) -> UnsafeRawPointer? {
        switch id {
        case GATEHOUSE_SELF_TEST: test.map { UnsafeRawPointer($0) }
        case GATEHOUSE_BATCH: batch.map { UnsafeRawPointer($0) }
        case GATEHOUSE_STREAM: streaming.map { UnsafeRawPointer($0) }
        default: nil
        }
    }
}
