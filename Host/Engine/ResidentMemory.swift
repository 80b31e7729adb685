import Foundation

/// What this process holds in memory, mapped files included.
public enum ResidentMemory {
    /// From the second field of proc_pid_statm(5), which counts pages; 0 where the system does not tell.
    public static var bytes: Int {
        let fields =
            (try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8))?.split(separator: " ") ?? []
        let pages = fields.count > 1 ? Int(fields[1]) ?? 0 : 0
        return pages * Int(sysconf(Int32(_SC_PAGESIZE)))
    }
}
