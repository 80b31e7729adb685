import Digest
import Foundation

/// Copies of libraries and weights, each named by its SHA-256. What is opened from here is what was hashed here: the
/// original may change or go.
///
/// A folder's digest is that of its manifest: a line `DIGEST PATH` for each file, sorted by path, the paths relative.
public struct PluginStore: Sendable {
    /// What the store holds of one file or folder.
    public struct Stored: Sendable, Equatable {
        /// Absolute path of the copy; its last component is the digest.
        public let path: String
        /// 64 lower case hexadecimal digits.
        public let digest: String
        /// Whether it was not there before.
        public let isNew: Bool
    }

    /// Absolute path of the folder that holds the copies.
    public let folder: String

    /// - Parameter data: the folder of what outlives the daemon; the store is `store` in it.
    public init(data: String) {
        folder = URL(fileURLWithPath: data).standardizedFileURL.appendingPathComponent("store").path
    }

    /// Copies a file or folder with its permissions, hashes the copy and gives it its name. What fails leaves nothing
    /// behind. Throws ``StoreError``.
    public func take(_ source: String) throws -> Stored {
        do {
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        } catch {
            throw StoreError(path: folder, problem: "cannot be made: \(error.systemReason)")
        }
        let copy = "\(folder)/.incoming-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: copy) }
        try Self.copy(source, to: copy)
        let digest = try Self.digest(of: copy)
        let place = "\(folder)/\(digest)"
        if FileManager.default.fileExists(atPath: place) {
            if try Self.digest(of: place) == digest {
                return Stored(path: place, digest: digest, isNew: false)
            }
            // Damaged since it was stored: the fresh copy is what the name promises.
            try? FileManager.default.removeItem(atPath: place)
        }
        guard rename(copy, place) == 0 else { throw StoreError(path: place, errno: errno) }
        try Self.synchronise(folder)
        return Stored(path: place, digest: digest, isNew: true)
    }

    /// Removes the copy that holds `path`, where `path` lies in the store. True where there was one.
    @discardableResult
    public func drop(holding path: String) -> Bool {
        guard let place = place(holding: path) else { return false }
        return (try? FileManager.default.removeItem(atPath: place)) != nil
    }

    /// The copy that `path` is or lies in; nil where it is outside the store.
    public func place(holding path: String) -> String? {
        guard path.hasPrefix(folder + "/") else { return nil }
        let name = path.dropFirst(folder.count + 1).prefix { $0 != "/" }
        return name.isEmpty || name.hasPrefix(".") ? nil : "\(folder)/\(name)"
    }

    /// The digest of a file, or of a folder's manifest. Throws ``StoreError``.
    public static func digest(of path: String) throws -> String {
        guard try isFolder(path) else { return try fileDigest(path) }
        var hash = SHA256()
        for name in try files(in: path) {
            hash.update(Array("\(try fileDigest("\(path)/\(name)")) \(name)\n".utf8))
        }
        return hash.finish()
    }

    private static func fileDigest(_ path: String) throws -> String {
        do {
            return try SHA256.ofFile(path)
        } catch {
            throw StoreError(path: path, problem: "cannot be read: \(error.systemReason)")
        }
    }

    private static func copy(_ source: String, to copy: String) throws {
        guard try isFolder(source) else { return try copyFile(source, to: copy) }
        let names = try files(in: source)
        if names.isEmpty { throw StoreError(path: source, problem: "holds no file") }
        for name in names {
            let target = "\(copy)/\(name)"
            try FileManager.default.createDirectory(
                at: URL(fileURLWithPath: target).deletingLastPathComponent(),
                withIntermediateDirectories: true)
            try copyFile("\(source)/\(name)", to: target)
        }
        try synchronise(copy)
    }

    /// Opened without waiting, since what is no regular file might keep the caller for ever.
    private static func copyFile(_ source: String, to copy: String) throws {
        let from = open(source, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
        guard from >= 0 else { throw StoreError(path: source, errno: errno) }
        defer { close(from) }
        var status = stat()
        guard fstat(from, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw StoreError(path: source, problem: "is no regular file")
        }
        let to = open(copy, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard to >= 0 else { throw StoreError(path: copy, errno: errno) }
        defer { close(to) }
        var buffer = [UInt8](repeating: 0, count: 1 << 20)
        while true {
            let count = read(from, &buffer, buffer.count)
            if count == 0 { break }
            if count < 0 { throw StoreError(path: source, errno: errno) }
            var start = 0
            while start < count {
                let written = buffer.withUnsafeBytes {
                    write(to, $0.baseAddress.map { $0 + start }, count - start)
                }
                if written < 0 { throw StoreError(path: copy, errno: errno) }
                start += written
            }
        }
        // Nobody writes to a copy; set-user-id bits do not travel.
        guard fchmod(to, status.st_mode & 0o555) == 0, fsync(to) == 0 else {
            throw StoreError(path: copy, errno: errno)
        }
    }

    private static func isFolder(_ path: String) throws -> Bool {
        var status = stat()
        guard stat(path, &status) == 0 else { throw StoreError(path: path, errno: errno) }
        return status.st_mode & S_IFMT == S_IFDIR
    }

    /// Relative paths of all files under `folder`, sorted by their bytes. Links to files count as files; links to
    /// folders are refused, as they may lead in circles.
    private static func files(in folder: String) throws -> [String] {
        var names: [String] = []
        for name in try FileManager.default.subpathsOfDirectory(atPath: folder) {
            let path = "\(folder)/\(name)"
            guard try isFolder(path) else {
                names.append(name)
                continue
            }
            if (try? FileManager.default.destinationOfSymbolicLink(atPath: path)) != nil {
                throw StoreError(path: path, problem: "is a link to a folder; put the folder itself there")
            }
        }
        if let name = names.first(where: { $0.contains("\n") }) {
            throw StoreError(path: "\(folder)/\(name)", problem: "has a line break in its name")
        }
        return names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }

    /// Makes the names in a folder outlive a power cut.
    static func synchronise(_ folder: String) throws {
        let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw StoreError(path: folder, errno: errno) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw StoreError(path: folder, errno: errno) }
    }
}

/// What is wrong with a file that goes into the store.
public struct StoreError: Error, Sendable, Equatable, CustomStringConvertible {
    public let path: String
    public let problem: String

    init(path: String, problem: String) {
        self.path = path
        self.problem = problem
    }

    init(path: String, errno: Int32) {
        self.init(path: path, problem: String(cString: strerror(errno)))
    }

    public var description: String { "\(path): \(problem)" }
}
