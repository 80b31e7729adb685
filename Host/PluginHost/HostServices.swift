import CGatehouse
import Synchronization

/// How much a plugin's log line matters.
public enum PluginLogLevel: Int32, Sendable {
    case debug = 0
    case info = 1
    case warning = 2
    case error = 3
}

/// The functions behind `GatehouseHost`, for one library or one instance. Any thread.
final class HostServices: Sendable {
    typealias Log = @Sendable (PluginLogLevel, String) -> Void

    private let messages: HostMessages
    private let number: UInt
    /// Written before anyone has it; the plugin sees it as constant.
    private let block: HostBlocks.Block
    private static let name = CStringBox("gatehouse")

    /// Valid while `self` lives.
    var pointer: UnsafePointer<GatehouseHost> { UnsafePointer(block.pointer) }

    init(log: @escaping Log) {
        messages = HostMessages(log)
        (number, block) = HostBlocks.lend(to: messages)
        block.pointer.initialize(
            to: GatehouseHost(
                struct_size: UInt32(MemoryLayout<GatehouseHost>.size), abi_major: UInt32(GATEHOUSE_ABI_MAJOR),
                abi_minor: UInt32(GATEHOUSE_ABI_MINOR), reserved: 0,
                ctx: UnsafeMutableRawPointer(bitPattern: number), name: Self.name.pointer,
                log: { ctx, level, text, size in
                    let line = String(bytes: text, count: size).replacing("\n", with: " ")
                    HostBlocks.messages(of: ctx)?.log(PluginLogLevel(rawValue: level) ?? .info, line)
                },
                set_error: { ctx, text, size in
                    let message = String(bytes: text, count: size)
                    HostBlocks.messages(of: ctx)?.error.withLock { $0 = message }
                },
                extension: { _, _ in nil }))
    }

    deinit {
        HostBlocks.takeBack(number, block)
    }

    /// The last message since this was asked last.
    func takeError() -> String? {
        messages.error.withLock { error in
            defer { error = nil }
            return error
        }
    }
}

/// What a library or an instance tells the host.
private final class HostMessages: Sendable {
    let log: HostServices.Log
    let error = Mutex<String?>(nil)

    init(_ log: @escaping HostServices.Log) {
        self.log = log
    }
}

/// The structs that plugins hold, and whom each belongs to. A struct is used again, never freed, and names its owner by a
/// number: a plugin that calls the host after its time, from a thread that it forgot, is not heard and breaks nothing.
private enum HostBlocks {
    // Safe to share: one owner at a time, from `lend` to `takeBack`.
    struct Block: @unchecked Sendable {
        let pointer: UnsafeMutablePointer<GatehouseHost>
    }

    private struct State {
        var free: [Block] = []
        var owners: [UInt: HostMessages] = [:]
        var nextNumber: UInt = 1
    }

    private static let state = Mutex(State())

    static func lend(to owner: HostMessages) -> (UInt, Block) {
        state.withLock { state in
            let number = state.nextNumber
            state.nextNumber += 1
            state.owners[number] = owner
            return (number, state.free.popLast() ?? Block(pointer: .allocate(capacity: 1)))
        }
    }

    static func takeBack(_ number: UInt, _ block: Block) {
        state.withLock { state in
            state.owners[number] = nil
            state.free.append(block)
        }
    }

    static func messages(of ctx: UnsafeMutableRawPointer?) -> HostMessages? {
        state.withLock { $0.owners[UInt(bitPattern: ctx)] }
    }
}

/// One call's cancellation, deadline and progress: the functions behind `GatehouseJob`. Any thread.
public final class JobControl: Sendable {
    /// Unique in the process.
    public let id: UInt64
    /// On CLOCK_MONOTONIC; 0 for none.
    public let deadline: UInt64
    private let isCancelled = Atomic<Bool>(false)
    private let report: @Sendable (Double) -> Void
    /// Handed every segment of text as it ends, on the plugin's threads; nil where nobody reads along.
    let tellText: (@Sendable (String) -> Void)?

    /// `progress` is called from the plugin's threads with 0 … 1, and so is `text` with segments as they end.
    public init(
        id: UInt64, deadline: UInt64 = 0, progress: @escaping @Sendable (Double) -> Void = { _ in },
        text: (@Sendable (String) -> Void)? = nil
    ) {
        self.id = id
        self.deadline = deadline
        report = progress
        tellText = text
    }

    /// Tells the plugin that the result is no longer wanted.
    public func cancel() {
        isCancelled.store(true, ordering: .relaxed)
    }

    /// Calls `body` with the C face of this job, which is valid during the call only.
    func withPointer<Result>(_ body: (UnsafePointer<GatehouseJob>) throws -> Result) rethrows -> Result {
        var job = GatehouseJob(
            struct_size: UInt32(MemoryLayout<GatehouseJob>.size), reserved: 0,
            ctx: Unmanaged.passUnretained(self).toOpaque(), id: id, deadline_ns: deadline,
            cancelled: { ctx in
                guard let job = JobControl.from(ctx) else { return 0 }
                if job.isCancelled.load(ordering: .relaxed) { return 1 }
                return job.deadline > 0 && monotonicNanoseconds() >= job.deadline ? 1 : 0
            },
            progress: { ctx, fraction in JobControl.from(ctx)?.report(fraction) })
        return try withExtendedLifetime(self) { try body(&job) }
    }

    private static func from(_ ctx: UnsafeMutableRawPointer?) -> JobControl? {
        ctx.map { Unmanaged<JobControl>.fromOpaque($0).takeUnretainedValue() }
    }
}
