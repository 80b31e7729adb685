import Foundation
import Synchronization

/// The keys of a running server, read again when their file changes. Any thread.
public final class KeyRing: Sendable {
    private struct Contents {
        var keys: [APIKey]
        var stamp: FileStamp?
        /// What was wrong with the file when it was read last; told once.
        var told: FileStamp?
    }

    private let path: String
    private let warn: @Sendable (String) -> Void
    private let contents: Mutex<Contents>

    /// - Parameter warn: Told when the file has changed to something that is no file of keys; the last good keys stay.
    /// - Throws: ``KeyFileError``, also where the file holds no key.
    public init(path: String, warn: @escaping @Sendable (String) -> Void) throws(KeyFileError) {
        self.path = path
        self.warn = warn
        let stamp = FileStamp(path)
        contents = Mutex(Contents(keys: try Self.keys(path), stamp: stamp))
    }

    /// The key that a client sent; nil where there is none like it.
    public func key(_ sent: String) -> APIKey? {
        let digest = APIKey.digest(of: sent)
        var found: APIKey?
        // All of them, so that the time does not tell which one it is.
        for key in current() where key.matches(digest) { found = key }
        return found
    }

    /// The keys of now.
    func current() -> [APIKey] {
        contents.withLock { contents in
            let stamp = FileStamp(path)
            guard stamp != contents.stamp else { return contents.keys }
            do throws(KeyFileError) {
                contents.keys = try Self.keys(path)
                contents.stamp = stamp
            } catch {
                if contents.told != stamp || stamp == nil && contents.told != nil {
                    warn("the keys stay as they are: \(error)")
                }
                contents.told = stamp
                contents.stamp = stamp
            }
            return contents.keys
        }
    }

    private static func keys(_ path: String) throws(KeyFileError) -> [APIKey] {
        let keys = try KeyFile(path: path).keys
        if keys.isEmpty {
            throw KeyFileError(
                "\(path): holds no key; gatehouse key new LABEL --api-key-file \(path) makes one")
        }
        return keys
    }
}
