import CSystemSandbox
import Glibc
import PluginHost

/// What a worker gives up before it opens its library, whose constructors run then.
///
/// Three fences, each of which holds where the others have a gap: another user without capabilities, a list of files
/// (Landlock), and a list of system calls (seccomp). Limits keep a plugin that runs away from taking the machine
/// along. Processor time has none: a call's deadline ends it. Nor has the number of threads: RLIMIT_NPROC counts all
/// processes of a user, so one plugin's threads would be refused for another's; processes are refused altogether.
struct Sandbox {
    /// What the library, weights and cache are called from now on.
    let request: OpenRequest
    private let files: SandboxFiles

    private static let mostOpenFiles: UInt64 = 256
    /// Bytes in one file; shared memory counts as one, so it bounds a result too.
    private static let mostFileBytes: UInt64 = 1 << 30
    /// Threads whose stacks may stand beside the budget's: the worker's own, and a library's idle ones.
    private static let spareThreads: UInt64 = 8
    private static let stackBytes: UInt64 = 8 << 20

    /// Enters it for good. The second value is for the host, and not to be kept: see ``RefusedCalls``.
    ///
    /// - Precondition: the process has one thread; rights are a thread's, and threads made later inherit them.
    static func enter(for request: OpenRequest) throws(PluginFailure) -> (Sandbox, WorkerReply) {
        var lacks: [String] = []
        var user = try WorkerUser.current()
        guard chdir("/") == 0 else { throw failure("leaving the working folder") }
        // While everything is within reach: files are named to Landlock by descriptors.
        let landlock = gh_landlock_version()
        var files = SandboxFiles(request)
        files.giveCache(to: user)
        let rules = landlock > 0 ? try files.rules(version: landlock) : -1
        lacks += files.missing
        try limit(request)
        if let other = user, gh_become(other.user, other.group) != 0 {
            // A container without the capability, or without that user.
            guard errno == EPERM || errno == EINVAL else { throw failure("becoming user \(other)") }
            lacks.append("it may not become user \(other) (\(lastError())), so plugins run as root")
            files.giveCache(to: .root)
            user = nil
        }
        guard gh_drop_capabilities() == 0 else { throw failure("dropping capabilities") }
        guard gh_harden() == 0 else { throw failure("giving up new privileges") }
        let reachable = try files.reachable(by: user)
        if landlock > 0 {
            guard gh_landlock_enter(rules) == 0 else { throw failure("entering Landlock") }
            close(rules)
        } else {
            lacks.append(
                "this kernel has no Landlock, so plugins read every file that user \(getuid()) may read")
        }
        var quiet: Int32 = 0
        let listener = gh_filter_enter(&quiet)
        if listener < 0 {
            guard quiet != 0 else { throw failure("filtering system calls") }
            lacks.append(
                "this kernel does not tell of refused system calls, so they fail without a log line")
        }
        let calls = listener < 0 ? nil : RefusedCalls(descriptor: listener)
        return (Sandbox(request: reachable, files: files), .confined(calls, lacks: lacks))
    }

    /// `text` with files called as the operator calls them.
    func readable(_ text: String) -> String { files.readable(text) }

    private static func limit(_ request: OpenRequest) throws(PluginFailure) {
        // Past the limit a write fails; it does not kill.
        signal(SIGXFSZ, SIG_IGN)
        var limits: [(resource: Int, value: UInt64)] = [
            (GH_LIMIT_CORE, 0), (GH_LIMIT_FILE, mostFileBytes), (GH_LIMIT_FILES, mostOpenFiles),
        ]
        if request.memoryBytes > 0 {
            // RLIMIT_DATA counts private memory that can be written, used or not, and so whole stacks. RLIMIT_AS would
            // count mapped weights too.
            let stacks = (UInt64(request.threads) + spareThreads) * stackBytes
            let (value, overflow) = request.memoryBytes.addingReportingOverflow(stacks)
            limits.append((GH_LIMIT_DATA, overflow ? .max : value))
        }
        for (resource, value) in limits where gh_limit(Int32(resource), value) != 0 {
            throw failure("limiting resource \(resource) to \(value)")
        }
    }

    private static func failure(_ doing: String) -> PluginFailure {
        PluginFailure(.system, "the sandbox: \(doing): \(lastError())")
    }

    private static func lastError() -> String { String(cString: strerror(errno)) }
}

/// Whom plugins run as where the host is root.
struct WorkerUser: CustomStringConvertible {
    static let variable = "GATEHOUSE_WORKER_USER"
    static let root = WorkerUser(user: 0, group: 0)
    /// Debian's nobody and nogroup.
    private static let nobody = WorkerUser(user: 65534, group: 65534)

    let user: uid_t
    let group: gid_t

    var description: String { "\(user):\(group)" }

    /// Nil where the process is nobody special already, and stays who it is.
    static func current() throws(PluginFailure) -> WorkerUser? {
        guard getuid() == 0 || geteuid() == 0 else { return nil }
        guard let given = getenv(variable).map({ String(cString: $0) }) else { return nobody }
        let parts = given.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2, let user = uid_t(parts[0]), let group = gid_t(parts[1]), user != 0,
            group != 0,
            user != .max, group != .max
        else {
            throw PluginFailure(
                .badConfiguration,
                """
                \(variable) is "\(given)"; expected the numbers of a user and a group other than root, such as \
                \(nobody)
                """)
        }
        return WorkerUser(user: user, group: group)
    }
}
