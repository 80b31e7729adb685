import Foundation
import PluginHost
import Synchronization

/// An open live stream of a plugin. It keeps its version, whatever the registry says meanwhile, until it is closed; letting
/// go of it closes it. One call at a time, from any task.
public final class LiveStream: Sendable {
    public let plugin: String
    public let version: SemanticVersion
    public let request: StreamRequest

    private let number: UInt64
    private let loaded: any LoadedPlugin
    private let timeLimit: Double?
    private let closed: @Sendable (PluginFailure?) -> Void
    private let state = Mutex(State())

    private struct State {
        var text = StreamText()
        /// Why it ended before its time.
        var failure: PluginFailure?
        var isClosed = false
        var whenWorkerEnds: (@Sendable () -> Void)?
    }

    /// Seconds of sound that go to the plugin at once, so that streams beside this one come to their turn.
    private static let blockSeconds = 0.5

    init(
        _ number: UInt64, of plugin: RegisteredPlugin, _ version: RegisteredVersion, _ request: StreamRequest,
        in loaded: any LoadedPlugin, closed: @escaping @Sendable (PluginFailure?) -> Void
    ) {
        self.number = number
        self.plugin = plugin.id
        self.version = version.version
        self.request = request
        self.loaded = loaded
        timeLimit = plugin.timeLimitSeconds
        self.closed = closed
    }

    deinit {
        close()
    }

    /// All that it has understood so far.
    public var text: String { state.withLock { $0.text.text } }

    /// Hands over samples in -1 … 1, channels interleaved, and says what changed. None ask whether the stream still lives.
    ///
    /// - Precondition: the samples of a frame come together.
    public func push(_ samples: [Float]) async throws(PluginFailure) -> [StreamUpdate] {
        let channels = Int(request.channels)
        precondition(samples.count.isMultiple(of: channels), "the samples of a frame come together")
        let block = max(1, Int(Double(request.sampleRate) * Self.blockSeconds)) * channels
        if samples.count <= block { return try await perform(.push(samples)) }
        var updates: [StreamUpdate] = []
        for start in stride(from: 0, to: samples.count, by: block) {
            updates += try await perform(.push(Array(samples[start..<min(start + block, samples.count)])))
        }
        return updates
    }

    /// No more samples come: the last updates, of which the very last is final. The stream is closed then.
    public func finish() async throws(PluginFailure) -> [StreamUpdate] {
        let updates = try await perform(.finish)
        close()
        return updates
    }

    /// Frees it. Returns at once.
    public func close() {
        let (isFirst, failure) = state.withLock { state in
            defer { state.isClosed = true }
            return (!state.isClosed, state.failure)
        }
        guard isFirst else { return }
        loaded.closeStream(number)
        closed(failure)
    }

    /// Calls `body`, from any thread, when the process that the stream lives in has ended; what the next call throws says
    /// why.
    public func whenWorkerEnds(_ body: @escaping @Sendable () -> Void) {
        let isLate = state.withLock { state in
            state.whenWorkerEnds = body
            return !loaded.isAlive
        }
        if isLate { body() }
    }

    func workerEnded() {
        state.withLock { $0.whenWorkerEnds }?()
    }

    private func perform(_ call: StreamCall) async throws(PluginFailure) -> [StreamUpdate] {
        if let failure = state.withLock({ $0.failure }) { throw failure }
        if state.withLock({ $0.isClosed }) { throw PluginFailure(.failed, "the stream has ended") }
        do throws(PluginFailure) {
            let partials = try await loaded.perform(call, on: number, timeLimit: timeLimit)
            return try apply(partials)
        } catch {
            // Its state went with its worker, whoever was the cause.
            let failure = error.reason == .interrupted ? PluginFailure(.crashed, error.message) : error
            state.withLock { $0.failure = $0.failure ?? failure }
            close()
            throw failure
        }
    }

    private func apply(_ partials: [StreamPartial]) throws(PluginFailure) -> [StreamUpdate] {
        try state.withLock { state throws(PluginFailure) in
            var updates: [StreamUpdate] = []
            for partial in partials { updates.append(try state.text.apply(partial)) }
            return updates
        }
    }
}

extension Supervisor {
    /// Opens a live stream, after loading the plugin where it is not. Workers for streams are apart from those for calls; where
    /// they are full, this throws at once.
    public func openStream(
        _ request: StreamRequest, plugin: RegisteredPlugin, version: RegisteredVersion
    ) async throws(PluginFailure) -> LiveStream {
        let key = try openForTraffic(plugin, version)
        let turn = try await acquire(key, for: .stream)
        let number = newNumber()
        do throws(PluginFailure) {
            guard turn.loaded.outputs.mostStreams > 0 else {
                throw .noStreams("plugin \(plugin.id) \(version.version)")
            }
            _ = try await turn.loaded.perform(
                .open(request), on: number, timeLimit: plugin.timeLimitSeconds)
        } catch {
            end(stream: number, key, turn.worker, error)
            throw error
        }
        let stream = LiveStream(number, of: plugin, version, request, in: turn.loaded) {
            [weak self] failure in
            Task { await self?.end(stream: number, key, turn.worker, failure) }
        }
        streams[number] = (turn.worker, { [weak stream] in stream?.workerEnded() })
        return stream
    }

    /// Takes back a stream's place.
    private func end(
        stream number: UInt64, _ key: EncoderIdentity, _ worker: UInt64, _ failure: PluginFailure?
    ) {
        streams[number] = nil
        slots[key]?.counts.calls += 1
        if let failure, failure.reason != .cancelled { slots[key]?.counts.errors += 1 }
        if failure == nil { slots[key]?.policy.succeed() }
        let counted = failure.flatMap { RestartPolicy.counts($0.reason) ? $0 : nil }
        release(key, worker, counted)
        guard let index = slots[key]?.workers.firstIndex(where: { $0.number == worker }),
            let left = slots[key]?.workers[index], !left.isBusy
        else { return }
        slots[key]?.workers[index].lastStream = number
        // One that was started in the hope that its plugin takes streams holds memory for nothing. Any other goes after its
        // idle time, however busy the workers for calls are.
        let seconds = left.loaded.outputs.mostStreams == 0 ? 0 : slots[key]?.plugin.idleUnloadSeconds
        guard let seconds else { return }
        if seconds == 0 {
            unloadIfUnused(key, worker, since: number)
        } else {
            Task { [weak self] in
                try? await Task.sleep(for: .seconds(seconds))
                await self?.unloadIfUnused(key, worker, since: number)
            }
        }
    }

    private func unloadIfUnused(_ key: EncoderIdentity, _ worker: UInt64, since stream: UInt64) {
        guard
            let index = slots[key]?.workers.firstIndex(where: {
                $0.number == worker && !$0.isBusy && $0.lastStream == stream
            })
        else { return }
        slots[key]?.workers.remove(at: index).loaded.unload()
        settle(key)
    }
}
