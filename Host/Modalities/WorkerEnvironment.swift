/// The environment that workers start with: what libraries are known to read, and none of the host's secrets.
enum WorkerEnvironment {
    /// Names kept, and beginnings of names.
    private static let kept: Set = ["LANG", "LANGUAGE", "TZ", "LD_LIBRARY_PATH", "GATEHOUSE_WORKER_USER"]
    private static let keptBeginnings = ["LC_", "OMP_", "OPENBLAS_"]

    /// - Parameter threads: the thread budget, for libraries that read it when they are loaded.
    static func variables(of host: [String: String], threads: UInt32) -> [String: String] {
        var variables = host.filter { name, _ in
            kept.contains(name) || keptBeginnings.contains { name.hasPrefix($0) }
        }
        for variable in ["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"] { variables[variable] = "\(threads)" }
        // A fault in a plugin ends its worker at once; Swift's backtracer would hold it back and run a program.
        variables["SWIFT_BACKTRACE"] = "enable=no"
        return variables
    }
}
