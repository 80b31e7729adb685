import CSystemSandbox
import Glibc
import PluginHost

/// The files that a plugin may use, and how it gets at them after the change of user.
///
/// An unprivileged user cannot walk through /root, where a root's checkout and store usually are. So the library's
/// folder, the library, the weights and the cache are opened before the change, and where their paths lead nowhere
/// afterwards they are called `/proc/self/fd/N`, which starts at the opened file. `$ORIGIN` and `..` work from there, and only what
/// the user may read can be read. No capability is kept for it.
struct SandboxFiles {
    /// Read by the loader, the C library, the Swift runtime and the libraries of parallel loops; and what packages share
    /// with everybody, such as models of a system library.
    private static let readAlways = [
        "/lib", "/lib32", "/lib64", "/usr/lib", "/usr/lib32", "/usr/lib64", "/usr/local/lib",
        "/etc/ld.so.cache", "/etc/localtime", "/usr/share", "/proc/self", "/proc/cpuinfo",
        "/proc/meminfo", "/proc/sys/vm/overcommit_memory", "/sys/devices/system/cpu",
        "/sys/devices/system/node", "/dev/random", "/dev/urandom", "/dev/zero",
    ]

    /// `reads` of the registry that are not there, a sentence each.
    private(set) var missing: [String] = []

    private let request: OpenRequest
    private let libraryFolder: String
    /// Held open for as long as the process runs; -1 for what is not there, which opening it will say.
    private let folder: Int32
    private let library: Int32
    private let weights: Int32
    private let cache: Int32
    /// Paths as the plugin has them, and as the operator has them.
    private var aliases: [(alias: String, path: String)] = []

    init(_ request: OpenRequest) {
        self.request = request
        let slash = request.library.lastIndex(of: "/") ?? request.library.startIndex
        libraryFolder = slash == request.library.startIndex ? "/" : String(request.library[..<slash])
        folder = gh_open_path(libraryFolder)
        library = gh_open_path(request.library)
        weights = request.weights.map { gh_open_path($0) } ?? -1
        cache = request.cache.map { gh_open_path($0) } ?? -1
        for path in request.reads where access(path, F_OK) != 0 {
            missing.append(
                "\(path), which the registry lists under reads: \(String(cString: strerror(errno)))")
        }
    }

    /// Makes the cache folder the worker user's.
    func giveCache(to user: WorkerUser?) {
        guard let user, cache >= 0 else { return }
        // Where it fails, writing to it will say so.
        _ = gh_give_folder(cache, user.user, user.group)
    }

    /// Landlock's rules: a descriptor.
    mutating func rules(version: Int32) throws(PluginFailure) -> Int32 {
        let rules = gh_landlock_create(version)
        guard rules >= 0 else { throw failure("making Landlock's rules") }
        func allow(_ descriptor: Int32, _ access: Int, _ path: String) throws(PluginFailure) {
            guard gh_landlock_allow(rules, version, descriptor, Int32(access)) == 0 else {
                throw failure("allowing \(path)")
            }
        }
        func allow(
            opened descriptor: Int32, _ access: Int, _ path: String
        ) throws(PluginFailure) -> Bool {
            guard descriptor >= 0 else { return false }
            defer { close(descriptor) }
            try allow(descriptor, access, path)
            return true
        }
        for path in Self.readAlways + Self.loadedLibraryFolders() + request.reads + [request.library] {
            _ = try allow(opened: gh_open_path(path), GH_LANDLOCK_READ, path)
        }
        // Libraries that lie beside the plugin's, as `$ORIGIN` finds them. A link is not followed: what it leads to is
        // beside it too, or is for the operator to list.
        for name in Self.sharedLibraries(in: libraryFolder) {
            let path = libraryFolder + "/" + name
            _ = try allow(opened: gh_open_plain_file(path), GH_LANDLOCK_READ, path)
        }
        if weights >= 0 { try allow(weights, GH_LANDLOCK_READ, request.weights ?? "") }
        if cache >= 0 { try allow(cache, GH_LANDLOCK_WRITE, request.cache ?? "") }
        _ = try allow(opened: gh_open_path("/dev/null"), GH_LANDLOCK_WRITE, "/dev/null")
        return rules
    }

    /// The request with paths that the process can use as it is now. `user` is who it has become, if anyone.
    mutating func reachable(by user: WorkerUser?) throws(PluginFailure) -> OpenRequest {
        guard let user else { return request }
        var request = request
        let name = String(request.library.split(separator: "/").last ?? "")
        // By its folder where that will do, so that `$ORIGIN` means something.
        request.library = try reach(
            request.library, R_OK, [(folder, libraryFolder, "/" + name), (library, request.library, "")],
            user,
            .refused)
        if let path = request.weights {
            request.weights = try reach(path, R_OK, [(weights, path, "")], user, .noWeights)
        }
        if let path = request.cache {
            request.cache = try reach(path, W_OK, [(cache, path, "")], user, .system)
        }
        return request
    }

    /// `text` with every alias replaced by the path that the operator knows.
    func readable(_ text: String) -> String {
        aliases.reduce(text) { $0.replacing($1.alias, with: $1.path) }
    }

    /// `path`, or another way to it: by an opened descriptor that stands for `base`, and then by `rest`.
    private mutating func reach(
        _ path: String, _ mode: Int32, _ ways: [(descriptor: Int32, base: String, rest: String)],
        _ user: WorkerUser, _ reason: PluginFailure.Reason
    ) throws(PluginFailure) -> String {
        if access(path, mode) == 0 { return path }
        for way in ways where way.descriptor >= 0 {
            let alias = "/proc/self/fd/\(way.descriptor)"
            if access(alias + way.rest, mode) == 0 {
                aliases.append((alias, way.base))
                return alias + way.rest
            }
        }
        // What is not there is for the loader or the plugin to say.
        if ways.contains(where: { $0.descriptor < 0 }) { return path }
        throw PluginFailure(
            reason,
            """
            \(path): user \(user), whom plugins run as, may not \(mode == W_OK ? "write to" : "read") it; change \
            its mode, or name another user in \(WorkerUser.variable)
            """)
    }

    private static func sharedLibraries(in folder: String) -> [String] {
        guard let entries = opendir(folder) else { return [] }
        defer { closedir(entries) }
        var names: [String] = []
        while let entry = readdir(entries) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name.hasSuffix(".so") || name.contains(".so.") { names.append(name) }
        }
        return names
    }

    /// Folders of the libraries that this process has loaded: the Swift runtime's above all.
    private static func loadedLibraryFolders() -> [String] {
        var folders: [String] = []
        withUnsafeMutablePointer(to: &folders) { folders in
            gh_loaded_libraries(
                { context, name in
                    guard let name, let folders = context?.assumingMemoryBound(to: [String].self) else {
                        return
                    }
                    let path = String(cString: name)
                    let folder = String(path[..<(path.lastIndex(of: "/") ?? path.endIndex)])
                    if !folders.pointee.contains(folder) { folders.pointee.append(folder) }
                }, folders)
        }
        return folders
    }

    private func failure(_ doing: String) -> PluginFailure {
        PluginFailure(.system, "the sandbox: \(doing): \(String(cString: strerror(errno)))")
    }
}
