import Foundation
import PluginHost

/// How workers go: by their own end, by failure, or after their idle time.
extension Supervisor {
    /// A worker's process is gone. Whoever has a call in it is told by the call, a stream by itself.
    func ended(_ key: EncoderIdentity, _ number: UInt64) {
        for stream in streams.values where stream.worker == number { stream.ended() }
        guard let slot = slots[key],
            let worker = slot.workers.first(where: { $0.number == number && !$0.isBusy })
        else { return }
        slots[key]?.workers.removeAll { $0.number == number }
        let name = "plugin \(slot.plugin.id) \(slot.version.version)"
        fail(
            key,
            PluginFailure(
                .crashed, "\(name): its worker (process \(worker.loaded.processID)) ended while idle"))
        settle(key)
    }

    /// Counts a failure against a version, and does what the policy says.
    func fail(_ key: EncoderIdentity, _ failure: PluginFailure) {
        guard let slot = slots[key], slot.state.next(.takeOut) != nil else { return }
        let isEmpty = slot.workers.isEmpty && slot.loadings.isEmpty
        switch slots[key]?.policy.fail(failure.message, limit: slot.plugin.failureLimit) {
        case .takeOut:
            move(key, .takeOut)
            log(
                slot.plugin.id, .error,
                "version \(slot.version.version) is out of service after \(slot.plugin.failureLimit) failures in a row; "
                    + "the last: \(failure.message)")
            takenOut(key, failure.message)
            wakeAll(key)
        case .backOff(let seconds) where isEmpty:
            slots[key]?.retryAt = monotonicNanoseconds() + UInt64(seconds * 1e9)
            move(key, .backOff)
            wakeAll(key)
        case .restart where isEmpty:
            move(key, .failed)
        // The workers that are left go on.
        case .backOff, .restart, nil: break
        }
    }

    /// Does what is due when something has come to its end in a slot: whoever is first looks for a worker, what is
    /// drained or taken out goes, what is idle will.
    func settle(_ key: EncoderIdentity) {
        guard let slot = slots[key] else { return }
        for first in slot.firstInLine { wake(key, first) }
        if slot.state == .outOfService || slot.state == .unloaded {
            for worker in slot.workers where !worker.isBusy { worker.loaded.unload() }
            slots[key]?.workers.removeAll { !$0.isBusy }
        } else if slot.state == .ready, slot.isHeld {
            move(key, .drain)
            settle(key)
        } else if slot.state.takesCalls, slot.isIdle {
            if slot.workers.isEmpty || slot.state == .draining || isStopped {
                unload(key)
            } else {
                startIdleTimer(key)
            }
        }
    }

    func startIdleTimer(_ key: EncoderIdentity) {
        slots[key]?.idleTimer?.cancel()
        guard let seconds = slots[key]?.plugin.idleUnloadSeconds else { return }
        let number = newNumber()
        slots[key]?.idleTimerNumber = number
        slots[key]?.idleTimer = Alarm(after: seconds) { [weak self] in
            Task { await self?.unloadIfStillIdle(key, number) }
        }
    }

    /// Called by the timer of that number; one that a call came between is not the last any more.
    func unloadIfStillIdle(_ key: EncoderIdentity, _ timer: UInt64) {
        if slots[key]?.isIdle == true, slots[key]?.state == .ready, slots[key]?.idleTimerNumber == timer {
            unload(key)
        }
    }

    /// Lets every worker of an idle version go.
    func unload(_ key: EncoderIdentity) {
        for worker in slots[key]?.workers ?? [] { worker.loaded.unload() }
        slots[key]?.workers = []
        slots[key]?.idleTimer?.cancel()
        move(key, .leave)
        forgetIfGone(key)
    }
}
