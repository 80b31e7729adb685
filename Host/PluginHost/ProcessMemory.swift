import Glibc

/// What a process costs in memory.
package enum ProcessMemory {
    /// Bytes of proportional set size: a page that several processes share counts to each in part. Where the kernel
    /// does not tell them, as of a confined worker to a host that is not root, bytes of resident memory, which are more.
    /// nil where the process is gone.
    package static func proportional(of process: Int32) -> Int? {
        measured(process) ?? resident(process)
    }

    /// Bytes of resident memory, from the second field of proc_pid_statm(5), which counts pages; nil where the process is
    /// gone.
    package static func resident(_ process: Int32) -> Int? {
        let file = open("/proc/\(process)/statm", O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { close(file) }
        var buffer = [UInt8](repeating: 0, count: 256)
        let count = read(file, &buffer, buffer.count)
        let fields = buffer[..<max(0, count)].split(separator: UInt8(ascii: " "))
        guard fields.count > 1, let pages = Int(String(decoding: fields[1], as: UTF8.self)) else {
            return nil
        }
        return pages * Int(sysconf(Int32(_SC_PAGESIZE)))
    }

    /// The line `Pss:` of proc_pid_smaps_rollup(5), in KiB.
    private static func measured(_ process: Int32) -> Int? {
        let file = open("/proc/\(process)/smaps_rollup", O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { close(file) }
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = read(file, &buffer, buffer.count)
        guard count > 0 else { return nil }
        for line in buffer[..<count].split(separator: UInt8(ascii: "\n")) {
            let words = line.split(separator: UInt8(ascii: " "))
            if words.count > 1, words[0].elementsEqual("Pss:".utf8) {
                return Int(String(decoding: words[1], as: UTF8.self)).map { $0 * 1024 }
            }
        }
        return nil
    }
}
