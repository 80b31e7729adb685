import Foundation
import PluginHost
import Synchronization

/// A plugin in the host itself, for the operator who trusts it. One thread makes every call into it.
final class InProcessPlugin: LoadedPlugin {
    let facts: PluginFacts
    let outputs: OutputFacts
    var processID: Int32 { getpid() }
    var isAlive: Bool { !calls.withLock { $0.isEnded } }
    /// One call after the other: what a crash takes along here is the host.
    var mostCalls: Int { 1 }

    private let name: String
    private let work: BlockingQueue<Work>
    private let calls = Mutex(Calls())

    /// Calls that were handed to the thread and have not come back.
    private struct Calls {
        var nextJob: UInt64 = 1
        var running: [UInt64: JobControl] = [:]
        /// Set with the lock held that also guards the order of `work`: nothing follows `.end`.
        var isEnded = false
    }

    private enum Work: Sendable {
        /// Run on the thread that owns the instance.
        case call(@Sendable (PluginInstance) -> Void)
        case end
    }

    /// Opens the library on a thread of its own and waits until the plugin is ready.
    static func start(
        name: String, request: OpenRequest, log: @escaping PluginLog
    ) async throws(PluginFailure) -> InProcessPlugin {
        typealias Opened = Result<(PluginFacts, OutputFacts), PluginFailure>
        let work = BlockingQueue<Work>()
        let opened: Opened = await withCheckedContinuation { continuation in
            do throws(PluginFailure) {
                try startThread {
                    let instance: PluginInstance
                    do throws(PluginFailure) {
                        let log: @Sendable (PluginLogLevel, String) -> Void = { log(request.plugin, $0, $1) }
                        let library = try PluginLibrary(path: request.library, log: log)
                        instance = try PluginInstance(library, request, job: JobControl(id: 0), log: log)
                    } catch {
                        continuation.resume(returning: .failure(error))
                        return
                    }
                    continuation.resume(returning: .success((instance.facts, instance.outputs)))
                    run(instance, work)
                }
            } catch {
                continuation.resume(returning: .failure(error))
            }
        }
        do throws(PluginFailure) {
            let (facts, outputs) = try opened.get()
            return InProcessPlugin(name: name, facts: facts, outputs: outputs, work: work)
        } catch {
            throw error.prefixed("loading plugin \(name)")
        }
    }

    private init(name: String, facts: PluginFacts, outputs: OutputFacts, work: BlockingQueue<Work>) {
        self.name = name
        self.facts = facts
        self.outputs = outputs
        self.work = work
    }

    deinit {
        unload()
    }

    /// Code in the host cannot be stopped from outside: a plugin that does not look at its deadline keeps its call.
    func encode(
        _ input: EncodeInput, timeLimit: Double?, isBehindOthers: Bool
    ) async throws(PluginFailure) -> EncodeOutput {
        try await perform(timeLimit: timeLimit, progress: input.progress, text: input.text) {
            instance, job throws(PluginFailure) in
            try instance.encode(input, job: job)
        }
    }

    func perform(
        _ call: StreamCall, on stream: UInt64, timeLimit: Double?
    ) async throws(PluginFailure) -> [StreamPartial] {
        try await perform(timeLimit: timeLimit) { instance, job throws(PluginFailure) in
            try instance.perform(call, on: stream, job: job)
        }
    }

    func closeStream(_ number: UInt64) {
        calls.withLock { calls in
            if !calls.isEnded { work.add(.call { $0.close(stream: number) }) }
        }
    }

    func testItself(timeLimit: Double?) async throws(PluginFailure) {
        try await perform(timeLimit: timeLimit) { instance, job throws(PluginFailure) in
            try instance.testItself(job: job)
        }
    }

    /// Makes one call on the plugin's thread and waits for it.
    private func perform<Output: Sendable>(
        timeLimit: Double?, progress: (@Sendable (Double) -> Void)? = nil,
        text: (@Sendable (String) -> Void)? = nil,
        _ body: @escaping @Sendable (PluginInstance, JobControl) throws(PluginFailure) -> Output
    ) async throws(PluginFailure) -> Output {
        let deadline = timeLimit.map { monotonicNanoseconds() + UInt64($0 * 1e9) } ?? 0
        let job = calls.withLock { calls in
            defer { calls.nextJob += 1 }
            return JobControl(
                id: calls.nextJob, deadline: deadline, progress: progress ?? { _ in }, text: text)
        }
        let result: Result<Output, PluginFailure> = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isEnded = calls.withLock { calls in
                    if calls.isEnded { return true }
                    calls.running[job.id] = job
                    work.add(
                        .call { instance in
                            do throws(PluginFailure) {
                                continuation.resume(returning: .success(try body(instance, job)))
                            } catch {
                                continuation.resume(returning: .failure(error))
                            }
                        })
                    return false
                }
                if isEnded {
                    continuation.resume(returning: .failure(PluginFailure(.unavailable, "it was unloaded")))
                }
            }
        } onCancel: {
            job.cancel()
        }
        calls.withLock { $0.running[job.id] = nil }
        do throws(PluginFailure) {
            return try result.get()
        } catch {
            if error.reason == .cancelled, let timeLimit, !Task.isCancelled,
                monotonicNanoseconds() >= deadline
            {
                throw PluginFailure.overdue(timeLimit).prefixed("plugin \(name)")
            }
            throw error.prefixed("plugin \(name)")
        }
    }

    func end(for failure: PluginFailure) {
        unload()
    }

    func unload() {
        calls.withLock { calls in
            if calls.isEnded { return }
            calls.isEnded = true
            for job in calls.running.values { job.cancel() }
            work.add(.end)
        }
    }

    /// Until `.end`; then the instance is destroyed, on the thread that used it.
    private static func run(_ instance: PluginInstance, _ work: BlockingQueue<Work>) {
        while case .call(let call) = work.next() { call(instance) }
    }
}
