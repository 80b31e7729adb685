import PluginHost

extension RegisteredVersion {
    /// Holds the files to the digests that the registry gives. Gigabytes may have to be read, so a thread of its own
    /// does it.
    func verify() async throws(PluginFailure) {
        if librarySHA256 == nil, weightsSHA256 == nil { return }
        let result: Result<Void, PluginFailure> = await withCheckedContinuation { continuation in
            do throws(PluginFailure) {
                try startThread {
                    do throws(PluginFailure) {
                        continuation.resume(returning: .success(try verifyNow()))
                    } catch {
                        continuation.resume(returning: .failure(error))
                    }
                }
            } catch {
                continuation.resume(returning: .failure(error))
            }
        }
        try result.get()
    }

    private func verifyNow() throws(PluginFailure) {
        try Self.verify(library, librarySHA256, "library")
        if let weights { try Self.verify(weights, weightsSHA256, "weights") }
    }

    private static func verify(_ path: String, _ expected: String?, _ what: String) throws(PluginFailure) {
        guard let expected else { return }
        let found: String
        do {
            found = try PluginStore.digest(of: path)
        } catch {
            throw PluginFailure(
                .refused, "\(path): cannot be read to check its SHA-256 (\(error))")
        }
        if found != expected {
            throw PluginFailure(
                .refused, "\(path): the registry's sha256.\(what) is \(expected), the file's is \(found)")
        }
    }
}
