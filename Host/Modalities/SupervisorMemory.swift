import Foundation
import PluginHost

/// One memory budget over all plugins, and the limit of each worker.
extension Supervisor {
    /// Lets idle versions go until `bytes` more fit the budget.
    func makeRoom(for bytes: Int, _ key: EncoderIdentity) throws(PluginFailure) {
        let holdings = slots.map { other, slot in
            MemoryBudget.Holding(
                id: other, bytes: slot.bytes, isIdle: other != key && slot.isIdle && slot.state == .ready,
                lastUsed: slot.lastUsed)
        }
        do {
            for evicted in try budget.evictions(for: bytes, among: holdings) { unload(evicted) }
        } catch {
            let need = max(bytes, slots[key]?.bytes ?? 0)
            throw PluginFailure(
                .unavailable,
                "plugin \(key.plugin) \(key.version) needs \(Self.megabytes(need)) MiB; of the memory budget of "
                    + "\(Self.megabytes(budget.total ?? 0)) MiB, \(Self.megabytes(error.inUse)) MiB are in use"
            )
        }
    }

    /// Bytes of private memory that a worker can have at all; 0 for no limit. What a worker holds is measured from time
    /// to time, and it is told the limit that it passed; twice as much is the fence for one that is faster than that, and
    /// leaves libraries room to reserve what they never touch.
    func dataLimit(of plugin: RegisteredPlugin) -> UInt64 {
        UInt64(plugin.memoryLimitMegabytes ?? 0) << 21
    }

    static func megabytes(_ bytes: Int) -> Int { (bytes + (1 << 20) - 1) >> 20 }

    /// Measures the workers from time to time, while there are any.
    func watchMemory() {
        guard memoryWatch == nil else { return }
        memoryWatch = Task.detached { [weak self] in
            while (try? await Task.sleep(for: Self.memoryPeriod)) != nil,
                let workers = await self?.toMeasure()
            {
                for (key, number, process) in workers {
                    // Not on the actor: the kernel walks the page tables of a large process for milliseconds.
                    guard let bytes = ProcessMemory.proportional(of: process) else { continue }
                    await self?.note(bytes, key, number)
                }
            }
        }
    }

    /// nil where there is no worker left, which ends the watch.
    func toMeasure() -> [(EncoderIdentity, UInt64, Int32)]? {
        let workers = slots.flatMap { key, slot in
            slot.workers.map { (key, $0.number, $0.loaded.processID) }
        }
        if workers.isEmpty { memoryWatch = nil }
        return workers.isEmpty ? nil : workers.filter { $0.2 != getpid() }
    }

    /// Ends a worker that is past its limit.
    func note(_ bytes: Int, _ key: EncoderIdentity, _ number: UInt64) {
        guard let index = slots[key]?.workers.firstIndex(where: { $0.number == number }),
            let slot = slots[key]
        else { return }
        slots[key]?.workers[index].measured = bytes
        slots[key]?.largest = max(slot.largest, bytes)
        guard let limit = slot.plugin.memoryLimitMegabytes, bytes > limit << 20 else { return }
        slot.workers[index].loaded.end(
            for: PluginFailure(
                .memoryLimit,
                "its worker took \(Self.megabytes(bytes)) MiB, more than memory_limit_mb (\(limit)), and was ended"
            ))
    }
}
