import Glibc
import PluginHost
import Synchronization

/// Tells when a file has been written or replaced. It watches the file's folder, as editors replace files rather than
/// write into them.
public final class FileWatch: Sendable {
    private let isStopped = Atomic<Bool>(false)
    /// How long the thread sleeps between looks at `isStopped`, in milliseconds.
    private static let patience: Int32 = 500
    /// Changes that follow each other so closely are one, in milliseconds.
    private static let pause: Int32 = 50

    /// - Parameter changed: called on a thread of its own; the next change waits until it returns.
    public init(_ path: String, changed: @escaping @Sendable () -> Void) throws(PluginFailure) {
        let slash = path.lastIndex(of: "/")
        let folder = slash.map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
        let name = slash.map { String(path[path.index(after: $0)...]) } ?? path
        let watch = inotify_init1(Int32(IN_CLOEXEC | IN_NONBLOCK))
        guard watch >= 0 else {
            throw PluginFailure(.system, "watching \(path): \(String(cString: strerror(errno)))")
        }
        guard inotify_add_watch(watch, folder, UInt32(IN_CLOSE_WRITE | IN_MOVED_TO)) >= 0 else {
            let failure = String(cString: strerror(errno))
            close(watch)
            throw PluginFailure(.system, "watching \(folder): \(failure)")
        }
        do throws(PluginFailure) {
            try startThread { [weak self] in
                while self?.isStopped.load(ordering: .relaxed) == false {
                    guard Self.wait(watch, Self.patience), Self.names(watch).contains(name) else { continue }
                    while Self.wait(watch, Self.pause) { _ = Self.names(watch) }
                    changed()
                }
                close(watch)
            }
        } catch {
            close(watch)
            throw error
        }
    }

    deinit {
        stop()
    }

    public func stop() {
        isStopped.store(true, ordering: .relaxed)
    }

    private static func wait(_ descriptor: Int32, _ milliseconds: Int32) -> Bool {
        var request = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        return poll(&request, 1, milliseconds) > 0
    }

    /// The names of the files that changed; see inotify(7) for the layout.
    private static func names(_ descriptor: Int32) -> Set<String> {
        var buffer = [UInt8](repeating: 0, count: 1 << 14)
        let count = read(descriptor, &buffer, buffer.count)
        var names: Set<String> = []
        var offset = 0
        let header = MemoryLayout<inotify_event>.size
        while count > 0, offset + header <= count {
            let length = buffer.withUnsafeBytes {
                $0.loadUnaligned(fromByteOffset: offset + 12, as: UInt32.self)
            }
            let name = buffer[(offset + header)..<min(offset + header + Int(length), count)]
            names.insert(String(decoding: name.prefix { $0 != 0 }, as: UTF8.self))
            offset += header + Int(length)
        }
        return names
    }
}
