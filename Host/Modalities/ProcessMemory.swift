import Glibc

/// What a process costs in memory.
enum ProcessMemory {
    /// Bytes of proportional set size: a page that several processes share counts to each in part. nil where the
    /// process is gone or the kernel does not say.
    ///
    /// The line `Pss:` of proc_pid_smaps_rollup(5), in KiB.
    static func proportional(of process: Int32) -> Int? {
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
