import Glibc

/// Files without Foundation, which would cost more than the checker's own work.
enum Files {
    /// The absolute path of something that exists.
    static func absolute(_ path: String) throws -> String {
        guard let resolved = realpath(path, nil) else {
            throw CheckerError("\(path): \(String(cString: strerror(errno)))")
        }
        defer { free(resolved) }
        return String(cString: resolved)
    }

    static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

    static func isFolder(_ path: String) -> Bool {
        var facts = stat()
        return stat(path, &facts) == 0 && facts.st_mode & S_IFMT == S_IFDIR
    }

    static func read(_ path: String) throws -> [UInt8] {
        guard !isFolder(path), let file = fopen(path, "rb") else {
            throw CheckerError(
                "\(path): \(isFolder(path) ? "is a folder" : String(cString: strerror(errno)))")
        }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var block = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = fread(&block, 1, block.count, file)
            bytes += block[..<count]
            if count < block.count { break }
        }
        guard ferror(file) == 0 else { throw CheckerError("\(path): it could not be read to its end") }
        return bytes
    }

    /// Writes a new file; one that is there already is an error.
    static func write(_ bytes: [UInt8], to path: String) throws {
        guard let file = fopen(path, "wxb") else {
            throw CheckerError("\(path): \(String(cString: strerror(errno)))")
        }
        let count = fwrite(bytes, 1, bytes.count, file)
        guard fclose(file) == 0, count == bytes.count else {
            throw CheckerError("\(path): it could not be written; is the disk full?")
        }
    }

    static func makeFolder(_ path: String) throws {
        guard mkdir(path, 0o777) == 0 else {
            throw CheckerError("\(path): \(String(cString: strerror(errno)))")
        }
    }

    /// Names in a folder, sorted, without `.` and `..`.
    static func names(in folder: String) throws -> [String] {
        guard let open = opendir(folder) else {
            throw CheckerError("\(folder): \(String(cString: strerror(errno)))")
        }
        defer { closedir(open) }
        var names: [String] = []
        while let entry = readdir(open) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != "." && name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    /// The running program.
    static var program: String {
        get throws { try absolute("/proc/self/exe") }
    }
}

/// `path` without its last component.
func folder(of path: String) -> String {
    path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
}

/// The last component of `path`.
func lastComponent(of path: String) -> String {
    path.lastIndex(of: "/").map { String(path[path.index(after: $0)...]) } ?? path
}
