import Foundation
import PluginHost

/// What somebody wants of a plugin version.
enum Errand {
    /// That it is loaded.
    case load
    /// A worker, which others may share where the plugin declares batches.
    case call
    /// A worker alone, started after the one of this number, which died over several calls.
    case retry(after: UInt64)
    /// A place for a live stream.
    case stream

    /// Whether a worker suits that has no call in it.
    func suits(_ worker: EncoderWorker) -> Bool {
        guard worker.isForStreams == isForStream else { return false }
        return if case .retry(let number) = self { worker.number > number } else { true }
    }

    var isForStream: Bool { if case .stream = self { true } else { false } }

    var isRetry: Bool { if case .retry = self { true } else { false } }
}

/// A worker that somebody was given.
struct Turn {
    /// The worker's number.
    let worker: UInt64
    let loaded: any LoadedPlugin
    /// Milliseconds that it took to start it; 0 where it was there.
    var loadMilliseconds = 0.0
    /// Whether other calls are in it.
    var isBehindOthers = false
}

/// Who may call a plugin version, and when: one line for each version, in order of arrival.
extension Supervisor {
    /// Waits for the turn and makes sure that a worker is there. Every success is followed by `release`.
    func acquire(
        _ key: EncoderIdentity, for errand: Errand
    ) async throws(PluginFailure) -> Turn {
        let ticket = newNumber()
        slots[key]?.line.append(LineTicket(number: ticket, isForStream: errand.isForStream))
        do throws(PluginFailure) {
            while !Task.isCancelled {
                if errand.isRetry, let wait = backOff(key) {
                    try? await Task.sleep(for: .nanoseconds(wait))
                    continue
                }
                try admit(key, errand)
                if slots[key]?.firstInLine.contains(ticket) == true {
                    if let worker = idleWorker(key, for: errand) {
                        leaveLine(key, ticket)
                        return Turn(worker: worker.number, loaded: worker.loaded)
                    }
                    if errand.isRetry, !mayStart(key, errand) { makePlace(key) }
                    if mayStart(key, errand) { return try await startWorker(key, ticket, for: errand) }
                    if let worker = sharedWorker(key, for: errand) {
                        leaveLine(key, ticket)
                        return Turn(worker: worker.number, loaded: worker.loaded, isBehindOthers: true)
                    }
                    if errand.isForStream { try refuseFurtherStream(key) }
                }
                await sleep(key, ticket)
            }
            let id = slots[key]?.plugin.id ?? ""
            throw PluginFailure(.cancelled, "cancelled while waiting for plugin \(id)")
        } catch {
            leaveLine(key, ticket)
            settle(key)
            throw error
        }
    }

    /// Nanoseconds until a version that failed repeatedly is started again; nil where nothing is to be waited for.
    /// Others are refused meanwhile; who met another's crash was promised a second try.
    func backOff(_ key: EncoderIdentity) -> UInt64? {
        guard !isStopped, let slot = slots[key], slot.state == .backingOff else { return nil }
        let now = monotonicNanoseconds()
        return now < slot.retryAt ? slot.retryAt - now : nil
    }

    /// Throws where a version takes no call, whoever waits.
    func admit(_ key: EncoderIdentity, _ errand: Errand) throws(PluginFailure) {
        if isStopped { throw PluginFailure(.unavailable, "the host is stopping") }
        guard let slot = slots[key] else { return }
        let name = "plugin \(slot.plugin.id) \(slot.version.version)"
        switch slot.state {
        case .outOfService:
            throw PluginFailure(
                .unavailable,
                "\(name) is out of service after \(slot.policy.failures) failures in a row; the last: "
                    + "\(slot.policy.reason); gatehouse plugin load \(slot.plugin.id) tries it again")
        case .backingOff:
            let now = monotonicNanoseconds()
            if now >= slot.retryAt {
                move(key, .retry)
            } else {
                let seconds = (Double(slot.retryAt - now) / 1e7).rounded(.up) / 100
                throw PluginFailure(
                    .unavailable,
                    "\(name) is not started again for \(seconds) s after \(slot.policy.failures) failures in a row; "
                        + "the last: \(slot.policy.reason)")
            }
        default: break
        }
        let isOfRequest =
            switch errand {
            case .call, .stream: true;
            case .load, .retry: false
            }
        if isOfRequest, slot.plugin.load == .manual, slots[key]?.state == .unloaded {
            throw PluginFailure(
                .unavailable, "plugin \(slot.plugin.id) is loaded by the operator only, and is not loaded")
        }
        if errand.isForStream {
            let takesStreams = slot.workers.first.map { $0.loaded.outputs.mostStreams > 0 } ?? true
            if slot.plugin.streamWorkers == 0 || !takesStreams { throw .noStreams(name) }
        }
    }

    /// Throws where all workers for streams are full and none is on its way: a stream lasts, so nobody waits for its end.
    func refuseFurtherStream(_ key: EncoderIdentity) throws(PluginFailure) {
        guard let slot = slots[key], slot.state.takesCalls, slot.streamLoadings.isEmpty else { return }
        let open = slot.workers.reduce(0) { $0 + ($1.isForStreams ? $1.calls : 0) }
        throw PluginFailure(
            .unavailable,
            "plugin \(slot.plugin.id) \(slot.version.version) has its \(open) live streams; more stream_workers in the "
                + "registry would take more")
    }

    /// A worker without a call, taken.
    func idleWorker(_ key: EncoderIdentity, for errand: Errand) -> EncoderWorker? {
        guard slots[key]?.state.takesCalls == true else { return nil }
        while let index = slots[key]?.workers.firstIndex(where: { !$0.isBusy && errand.suits($0) }) {
            if slots[key]?.workers[index].loaded.isAlive == true {
                slots[key]?.workers[index].calls = 1
                slots[key]?.workers[index].isAlone = errand.isRetry
                slots[key]?.idleTimer?.cancel()
                return slots[key]?.workers[index]
            }
            slots[key]?.workers.remove(at: index)
        }
        if slots[key]?.workers.isEmpty == true, slots[key]?.loadings.isEmpty == true { move(key, .leave) }
        return nil
    }

    /// The worker with the fewest calls that takes one more, joined.
    func sharedWorker(_ key: EncoderIdentity, for errand: Errand) -> EncoderWorker? {
        guard !errand.isRetry, let slot = slots[key], slot.state.takesCalls,
            let index = slot.workers.indices.filter({
                slot.workers[$0].isBusy && slot.workers[$0].hasRoom && errand.suits(slot.workers[$0])
            }).min(by: { slot.workers[$0].calls < slot.workers[$1].calls })
        else { return nil }
        slots[key]?.workers[index].calls += 1
        return slots[key]?.workers[index]
    }

    /// Ends an idle worker, where there is one, so that another may start.
    func makePlace(_ key: EncoderIdentity) {
        guard slots[key]?.state.takesCalls == true,
            let index = slots[key]?.workers.firstIndex(where: { !$0.isBusy && !$0.isForStreams })
        else { return }
        slots[key]?.workers.remove(at: index).loaded.unload()
    }

    func mayStart(_ key: EncoderIdentity, _ errand: Errand) -> Bool {
        guard let slot = slots[key] else { return false }
        if slot.state == .unloaded { return true }
        let streamLoadings = slot.streamLoadings.count
        let workers = slot.workers.count { $0.isForStreams == errand.isForStream }
        return slot.state.takesCalls
            && (errand.isForStream
                ? workers + streamLoadings < slot.plugin.streamWorkers
                : workers + slot.loadings.count - streamLoadings < slot.plugin.concurrency)
    }

    func sleep(_ key: EncoderIdentity, _ ticket: UInt64) async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                if Task.isCancelled {
                    continuation.resume()
                } else {
                    slots[key]?.sleeping[ticket] = continuation
                }
            }
        } onCancel: {
            Task { await self.wake(key, ticket) }
        }
    }

    func wake(_ key: EncoderIdentity, _ ticket: UInt64) {
        slots[key]?.sleeping.removeValue(forKey: ticket)?.resume()
    }

    func wakeAll(_ key: EncoderIdentity) {
        for ticket in slots[key]?.line ?? [] { wake(key, ticket.number) }
    }

    /// Whoever is first now looks for a worker.
    func leaveLine(_ key: EncoderIdentity, _ ticket: UInt64) {
        slots[key]?.line.removeAll { $0.number == ticket }
        for first in slots[key]?.firstInLine ?? [] { wake(key, first) }
    }

    /// Gives the turn back; `failure` is what the call did to the version.
    func release(_ key: EncoderIdentity, _ number: UInt64, _ failure: PluginFailure?) {
        slots[key]?.lastUsed = monotonicNanoseconds()
        var isOfThisGeneration = false
        if let index = slots[key]?.workers.firstIndex(where: { $0.number == number }) {
            isOfThisGeneration = slots[key]?.workers[index].generation == slots[key]?.generation
            slots[key]?.workers[index].calls -= 1
            slots[key]?.workers[index].isAlone = false
            if let worker = slots[key]?.workers[index], isStopped || !worker.loaded.isAlive {
                worker.loaded.unload()
                slots[key]?.workers.remove(at: index)
            }
        }
        if let failure, isOfThisGeneration { fail(key, failure) }
        settle(key)
    }
}
