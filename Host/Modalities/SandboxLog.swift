import PluginHost
import Synchronization

/// What the log says of workers' sandboxes.
enum SandboxLog {
    private static let told = Mutex<Set<String>>([])

    /// Logs what this machine's sandbox lacks, each once: the next worker lacks it too.
    static func tell(lacks: [String], _ log: (PluginLogLevel, String) -> Void) {
        for lack in lacks where told.withLock({ $0.insert(lack).inserted }) {
            log(.warning, "its sandbox is incomplete: \(lack)")
        }
    }

    /// Logs each call that `calls` refuses, from a thread of its own that ends with the worker. Of many calls of one
    /// name the 1st, 10th, 100th, … are logged, so that a loop fills no disk.
    static func follow(
        _ calls: RefusedCalls, _ log: @escaping @Sendable (PluginLogLevel, String) -> Void
    ) throws(PluginFailure) {
        try startThread {
            var counts: [String: Int] = [:]
            calls.refuse { name in
                let count = counts[name, default: 0] + 1
                counts[name] = count
                guard isPowerOfTen(count) else { return }
                let times = count == 1 ? "" : " \(count) times"
                log(.warning, "tried \(name)\(times): refused by the sandbox")
            }
        }
    }

    private static func isPowerOfTen(_ count: Int) -> Bool {
        var rest = count
        while rest.isMultiple(of: 10) { rest /= 10 }
        return rest == 1
    }
}
