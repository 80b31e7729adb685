import PluginHost

extension PluginFacts {
    /// Opens a library in a worker, makes an instance of its plugin `id`, and returns what it says of itself. One that is
    /// not ready within `limit` is ended.
    public static func inspecting(
        library: String, id: String, weights: String?, configuration: String, workerExecutable: String,
        limit: Duration = .seconds(60), log: @escaping PluginLog
    ) async throws(PluginFailure) -> PluginFacts {
        let request = OpenRequest(
            library: library, plugin: id, configuration: configuration, weights: weights)
        let opening = Task { () async -> Result<WorkerProcess, PluginFailure> in
            do throws(PluginFailure) {
                return .success(
                    try await WorkerProcess.start(
                        executable: workerExecutable, name: id, request: request, log: log, ended: {}))
            } catch {
                return .failure(error)
            }
        }
        let timer = Task {
            guard (try? await Task.sleep(for: limit)) != nil else { return false }
            opening.cancel()
            return true
        }
        let result = await withTaskCancellationHandler {
            await opening.value
        } onCancel: {
            opening.cancel()
        }
        timer.cancel()
        if case .failure = result, await timer.value {
            throw PluginFailure(.unavailable, "plugin \(id) was not ready within \(limit)")
        }
        let worker = try result.get()
        worker.unload()
        return worker.facts
    }
}
