import Foundation
import PluginHost

/// How a worker comes to serve: it is started, tested and warmed up.
extension Supervisor {
    /// Starts a worker for the call or stream with `ticket`, which leaves the line.
    func startWorker(
        _ key: EncoderIdentity, _ ticket: UInt64, for errand: Errand
    ) async throws(PluginFailure) -> Turn {
        guard let slot = slots[key] else { throw PluginFailure(.unavailable, "the host is stopping") }
        try makeRoom(for: slot.bytesPerWorker, key)
        let isFirst = slot.state == .unloaded
        if isFirst { move(key, .load) }
        slots[key]?.idleTimer?.cancel()
        let number = newNumber()
        let began = monotonicNanoseconds()
        let loading = Task { () async -> Result<any LoadedPlugin, PluginFailure> in
            do throws(PluginFailure) {
                return .success(
                    try await start(slot.plugin, slot.version, key, number, for: errand))
            } catch {
                return .failure(error)
            }
        }
        slots[key]?.loadings[number] = loading
        if errand.isForStream { slots[key]?.streamLoadings.insert(number) }
        leaveLine(key, ticket)
        let result = await withTaskCancellationHandler {
            await loading.value
        } onCancel: {
            loading.cancel()
        }
        do throws(PluginFailure) {
            let loaded = try result.get()
            do throws(PluginFailure) {
                if isStopped { throw PluginFailure(.unavailable, "the host is stopping") }
                let worker = try register(loaded, key, number, for: errand)
                if isFirst { try await prove(key, loaded) }
                slots[key]?.counts.loads += 1
                if slots[key]?.state == .ready { wakeAll(key) }
                return Turn(
                    worker: worker, loaded: loaded,
                    loadMilliseconds: Double(monotonicNanoseconds() - began) / 1e6)
            } catch {
                loaded.unload()
                slots[key]?.workers.removeAll { $0.number == number }
                throw error
            }
        } catch {
            slots[key]?.loadings[number] = nil
            slots[key]?.streamLoadings.remove(number)
            if Task.isCancelled, error.reason == .unavailable || error.reason == .cancelled {
                if isFirst { move(key, .leave) }
                throw PluginFailure(.cancelled, "cancelled while plugin \(slot.plugin.id) was loading")
            }
            slots[key]?.counts.errors += 1
            // The host is stopping, memory is short, or the plugin says that trying again may work.
            if isStopped || error.reason == .unavailable {
                if isFirst { move(key, .leave) }
            } else if slot.generation == slots[key]?.generation {
                fail(key, error)
            }
            throw error
        }
    }

    /// Takes a worker that has just started into the slot, if the memory it took by starting is there.
    func register(
        _ loaded: any LoadedPlugin, _ key: EncoderIdentity, _ number: UInt64, for errand: Errand
    ) throws(PluginFailure) -> UInt64 {
        var worker = EncoderWorker(
            number: number, loaded: loaded, generation: slots[key]?.generation ?? 0,
            isForStreams: errand.isForStream, isAlone: errand.isRetry)
        if loaded.processID != getpid() {
            worker.measured = ProcessMemory.proportional(of: loaded.processID) ?? 0
        }
        slots[key]?.loadings[number] = nil
        slots[key]?.streamLoadings.remove(number)
        slots[key]?.workers.append(worker)
        let largest = max(slots[key]?.largest ?? 0, worker.measured)
        slots[key]?.largest = largest
        try makeRoom(for: 0, key)
        watchMemory()
        return number
    }

    /// Tries the first worker of a version that was never tried.
    func prove(_ key: EncoderIdentity, _ loaded: any LoadedPlugin) async throws(PluginFailure) {
        guard let slot = slots[key] else { return }
        if slot.isProven {
            move(key, .loadedProven)
            return
        }
        let sample = try slot.version.selfTest.map { selfTest throws(PluginFailure) in
            try SelfTestSample(selfTest, of: slot.plugin, slot.version)
        }
        move(key, .loaded)
        do throws(PluginFailure) {
            try await loaded.testItself(timeLimit: slot.plugin.timeLimitSeconds)
        } catch {
            throw error.prefixed("self-test of plugin \(slot.plugin.id) \(slot.version.version)")
        }
        try await sample?.check(loaded, timeLimit: slot.plugin.timeLimitSeconds)
        move(key, .passed)
        try await sample?.check(loaded, timeLimit: slot.plugin.timeLimitSeconds)
        move(key, .warmed)
        slots[key]?.isProven = true
    }

    func start(
        _ plugin: RegisteredPlugin, _ version: RegisteredVersion, _ key: EncoderIdentity, _ number: UInt64,
        for errand: Errand
    ) async throws(PluginFailure) -> any LoadedPlugin {
        try await version.verify()
        do {
            if let gate = version.gate { try checkGate(gate) }
        } catch {
            throw PluginFailure(.refused, "plugin \(plugin.id) \(version.version): \(error)")
        }
        let request = OpenRequest(
            library: version.library, plugin: plugin.id, configuration: plugin.configuration,
            weights: version.weights, reads: plugin.reads, memoryBytes: dataLimit(of: plugin),
            threads: UInt32(threads), decoder: decoder)
        let name = "\(plugin.id) \(version.version)"
        let lines = LimitedLog(log)
        let loaded: any LoadedPlugin
        switch plugin.isolation {
        case .worker:
            loaded = try await WorkerProcess.start(
                executable: workerExecutable, name: name, request: request,
                startLimit: plugin.startLimitSeconds,
                niceness: errand.isForStream ? WorkerProcess.streamNiceness : WorkerProcess.callNiceness,
                log: lines.add
            ) { [weak self] in
                lines.finish(plugin.id)
                Task { await self?.ended(key, number) }
            }
        case .inProcess:
            loaded = try await InProcessPlugin.start(name: name, request: request, log: lines.add)
        }
        do {
            try checkOutputs(plugin.id, loaded.outputs)
        } catch {
            loaded.unload()
            throw PluginFailure(.refused, "loading plugin \(name): \(error)")
        }
        if loaded.facts.version != version.version.description {
            log(
                plugin.id, .warning,
                "the registry says version \(version.version), the library says \(loaded.facts.version)")
        }
        return loaded
    }
}
