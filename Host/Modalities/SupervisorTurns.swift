import Foundation
import PluginHost

/// Who may call a plugin version, and when: one line for each version, in order of arrival.
extension Supervisor {
    /// Waits for the turn and makes sure that a worker is there. Every success is followed by `release`.
    func acquire(
        _ key: EncoderIdentity, isCall: Bool
    ) async throws(PluginFailure) -> (worker: UInt64, loaded: any LoadedPlugin, milliseconds: Double) {
        let ticket = newNumber()
        slots[key]?.line.append(ticket)
        do throws(PluginFailure) {
            while !Task.isCancelled {
                try admit(key, isCall: isCall)
                if slots[key]?.line.first == ticket {
                    if let worker = idleWorker(key) {
                        leaveLine(key, ticket)
                        return (worker.number, worker.loaded, 0)
                    }
                    if mayStart(key) { return try await startWorker(key, ticket) }
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

    /// Throws where a version takes no call, whoever waits.
    func admit(_ key: EncoderIdentity, isCall: Bool) throws(PluginFailure) {
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
        if isCall, slot.plugin.load == .manual, slots[key]?.state == .unloaded {
            throw PluginFailure(
                .unavailable, "plugin \(slot.plugin.id) is loaded by the operator only, and is not loaded")
        }
    }

    /// A worker without a call, taken.
    func idleWorker(_ key: EncoderIdentity) -> EncoderWorker? {
        guard slots[key]?.state.takesCalls == true else { return nil }
        while let index = slots[key]?.workers.firstIndex(where: { !$0.isBusy }) {
            if slots[key]?.workers[index].loaded.isAlive == true {
                slots[key]?.workers[index].isBusy = true
                slots[key]?.idleTimer?.cancel()
                return slots[key]?.workers[index]
            }
            slots[key]?.workers.remove(at: index)
        }
        if slots[key]?.workers.isEmpty == true, slots[key]?.loadings.isEmpty == true { move(key, .leave) }
        return nil
    }

    func mayStart(_ key: EncoderIdentity) -> Bool {
        guard let slot = slots[key] else { return false }
        if slot.state == .unloaded { return true }
        return slot.state.takesCalls && slot.workers.count + slot.loadings.count < slot.plugin.concurrency
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
        for ticket in slots[key]?.line ?? [] { wake(key, ticket) }
    }

    /// Whoever is first now looks for a worker.
    func leaveLine(_ key: EncoderIdentity, _ ticket: UInt64) {
        slots[key]?.line.removeAll { $0 == ticket }
        if let first = slots[key]?.line.first { wake(key, first) }
    }

    /// Gives the turn back; `failure` is what the call did to the version.
    func release(_ key: EncoderIdentity, _ number: UInt64, _ failure: PluginFailure?) {
        slots[key]?.lastUsed = monotonicNanoseconds()
        var isOfThisGeneration = false
        if let index = slots[key]?.workers.firstIndex(where: { $0.number == number }) {
            isOfThisGeneration = slots[key]?.workers[index].generation == slots[key]?.generation
            slots[key]?.workers[index].isBusy = false
            if let worker = slots[key]?.workers[index], isStopped || !worker.loaded.isAlive {
                worker.loaded.unload()
                slots[key]?.workers.remove(at: index)
            }
        }
        if let failure, isOfThisGeneration { fail(key, failure) }
        settle(key)
    }
}
