import Foundation
import PluginHost
import Testing

extension RealWorkers {
    /// Tests/Plugins/sandbox.c tries, in a real worker, what a sandbox must stop. What this machine's kernel lacks is
    /// printed, and its tests then hold what is left: refusals without names, files by user and mode alone.
    @Suite struct SandboxTests {
        /// A folder that holds what plugins may and may not touch; workers run as nobody where the tests run as root.
        private struct Grounds: ~Copyable {
            let folder: String
            var cache: String { folder + "/cache" }
            var weights: String { folder + "/weights" }
            var outside: String { folder + "/outside" }

            init(mode: Int = 0o755) throws {
                folder = NSTemporaryDirectory() + "gatehouse-" + UUID().uuidString
                for name in ["", "/cache", "/weights", "/outside"] {
                    try FileManager.default.createDirectory(
                        atPath: folder + name, withIntermediateDirectories: true)
                }
                for name in ["/weights/file", "/outside/file"] {
                    try "x".write(toFile: folder + name, atomically: false, encoding: .utf8)
                }
                try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: folder)
            }

            deinit {
                try? FileManager.default.removeItem(atPath: folder)
            }

            func request(reads: [String] = [], memoryBytes: UInt64 = 0) throws -> OpenRequest {
                OpenRequest(
                    library: try Fixtures.library("sandbox"), plugin: "sandbox", weights: weights,
                    cache: cache, reads: reads, memoryBytes: memoryBytes, threads: 4)
            }
        }

        private func expect(
            _ worker: SandboxedWorker, _ attempt: String, refuses call: String, errno: Int32 = EPERM,
            _ location: SourceLocation = #_sourceLocation
        ) throws {
            _ = worker.takeRefused()
            #expect(try worker.attempt(attempt) == Int(errno), "\(attempt)", sourceLocation: location)
            guard worker.tellsOfRefusals else { return print("not told of refusals here: \(attempt)") }
            #expect(Set(worker.takeRefused()) == [call], "\(attempt)", sourceLocation: location)
        }

        @Test func refusedCallsFailAndAreNamed() throws {
            let worker = try SandboxedWorker(try Grounds().request())
            // What the constructor of the library tried, before any call of the ABI.
            if worker.tellsOfRefusals { #expect(worker.takeRefused() == ["socket"]) }
            #expect(try worker.attempt("in_constructor") == Int(EPERM))
            for (attempt, call) in [
                ("inet", "socket"), ("local", "socket"), ("connected", "connect"), ("bound", "bind"),
                ("forked", "clone"), ("vforked", "vfork"), ("cloned", "clone"), ("cloned_apart", "clone"),
                ("executed", "execve"), ("executed_at", "execveat"), ("spawned", "clone"),
                ("traced", "ptrace"), ("read_parent", "process_vm_readv"), ("kill_parent", "kill"),
                ("become_root", "setuid"), ("mounted", "mount"), ("typed", "ioctl"),
                ("made_dumpable", "prctl"), ("changed_mode \(NSTemporaryDirectory())", "chmod"),
            ] {
                try expect(worker, attempt, refuses: call)
            }
            // glibc then falls back to clone, which a filter can look into; so this one is not told.
            #expect(try worker.attempt("cloned3") == Int(ENOSYS))
        }

        /// Numbers, because they are what these calls have on every processor since Linux 5.1 … 5.14, or on x86-64.
        @Test func callsThatChangeTheMachineAreRefused() throws {
            let worker = try SandboxedWorker(try Grounds().request())
            for (number, call) in [
                (425, "io_uring_setup"), (428, "open_tree"), (429, "move_mount"), (430, "fsopen"),
                (434, "pidfd_open"), (438, "pidfd_getfd"), (442, "mount_setattr"),
            ] {
                try expect(worker, "called \(number)", refuses: call)
            }
            #if arch(x86_64)
            for (number, call) in [
                (53, "socketpair"), (62, "kill"), (86, "link"), (92, "chown"), (133, "mknod"),
                (155, "pivot_root"), (161, "chroot"), (165, "mount"), (169, "reboot"),
                (175, "init_module"), (250, "keyctl"), (272, "unshare"), (298, "perf_event_open"),
                (304, "open_by_handle_at"), (308, "setns"), (317, "seccomp"), (321, "bpf"),
                (323, "userfaultfd"),
            ] {
                try expect(worker, "called \(number)", refuses: call)
            }
            #endif
            // No kernel has it yet: libraries take ENOSYS for an older kernel, and go on.
            try expect(worker, "called 999", refuses: "system call 999", errno: ENOSYS)
        }

        @Test func onlyWhatIsListedCanBeRead() throws {
            let grounds = try Grounds()
            let worker = try SandboxedWorker(
                try grounds.request(reads: [grounds.outside, "/nonexistent/gatehouse"]))
            for file in ["/proc/self/status", "/proc/cpuinfo", "/dev/urandom", "/etc/ld.so.cache"] {
                #expect(try worker.attempt("opened \(file)") == 0, "\(file)")
            }
            #expect(try worker.attempt("opened \(grounds.weights)/file") == 0)
            #expect(try worker.attempt("opened \(grounds.outside)/file") == 0)
            #expect(
                worker.lacks.contains { $0.hasPrefix("/nonexistent/gatehouse, which the registry lists") })
            #expect(try worker.attempt("opened /etc/shadow") == Int(EACCES))
            let second = try SandboxedWorker(try grounds.request())
            guard second.hasLandlock else {
                return print("no Landlock here: which files are readable is not tested")
            }
            #expect(try second.attempt("opened \(grounds.outside)/file") == Int(EACCES))
            for path in ["/etc/passwd", "/proc/1/status", "/proc/\(getpid())/environ", "/etc/hostname"] {
                #expect(try second.attempt("opened \(path)") == Int(EACCES), "\(path)")
            }
            let folders = ["/", NSHomeDirectory(), "/tmp", "/proc", grounds.folder]
            for path in folders where FileManager.default.fileExists(atPath: path) {
                #expect(try second.attempt("listed \(path)") == Int(EACCES), "\(path)")
            }
        }

        @Test func onlyTheCacheCanBeWritten() throws {
            let grounds = try Grounds()
            let worker = try SandboxedWorker(try grounds.request(reads: [grounds.outside]))
            #expect(try worker.attempt("created \(grounds.cache)/new") == 0)
            #expect(try worker.attempt("renamed \(grounds.cache)/new") == 0)
            guard worker.hasLandlock || getuid() == 0 else {
                return print("no Landlock here, and not root: which files are writable is not tested")
            }
            for folder in [grounds.weights, grounds.outside, grounds.folder, "/dev/shm", "/tmp"] {
                guard worker.hasLandlock || !["/dev/shm", "/tmp"].contains(folder) else { continue }
                #expect(try worker.attempt("created \(folder)/gatehouse-new") == Int(EACCES), "\(folder)")
            }
            #expect(try worker.attempt("renamed \(grounds.weights)/file") == Int(EACCES))
        }

        @Test func limitsHold() throws {
            let grounds = try Grounds()
            let worker = try SandboxedWorker(try grounds.request(memoryBytes: 64 << 20))
            let had = try worker.attempt("memory 1024")
            // 64 MiB and stacks for the budget of 4 threads and 8 more, of which some are in use.
            #expect(had >= 64 && had <= 64 + 12 * 8, "\(had) MiB")
            #expect(try worker.attempt("large_file \(grounds.cache)/large") == Int(EFBIG))
            #expect(try worker.attempt("core") == 0)
            #expect(try worker.attempt("raise_limit") == Int(EPERM))
            let files = try worker.attempt("files")
            #expect(files > 200 && files < 256)
        }

        @Test func workerIsNobodyWithoutRights() throws {
            let grounds = try Grounds()
            let request = try grounds.request()
            let worker = try SandboxedWorker(request, environment: ["SECRET=1"])
            #expect(try worker.attempt("capabilities") == 0)
            // The filter's own door must not be in here, nor a second way out.
            #expect(try worker.attempt("listeners") == 0)
            guard getuid() == 0 else {
                #expect(try worker.attempt("user") == Int(getuid()))
                return print("not root here: the change of user is not tested")
            }
            guard !worker.lacks.contains(where: { $0.contains("may not become user") }) else {
                return print("this root may not change its user: \(worker.lacks)")
            }
            #expect(try worker.attempt("user") == 65534)
            let named = try SandboxedWorker(request, environment: ["GATEHOUSE_WORKER_USER=61234:61234"])
            #expect(try named.attempt("user") == 61234)
            for name in ["root", "0:0", "1000", "1:0", "-1:5", "4294967295:1", "", ":"] {
                #expect(throws: PluginFailure.self, "\(name)") {
                    _ = try SandboxedWorker(request, environment: ["GATEHOUSE_WORKER_USER=\(name)"])
                }
            }
        }

        /// As in a root's home: the unprivileged user cannot walk to library, weights and cache by name.
        @Test func filesBehindAClosedFolderAreWithinReach() throws {
            let grounds = try Grounds(mode: 0o700)
            let library = grounds.outside + "/sandbox.so"
            try FileManager.default.copyItem(atPath: try Fixtures.library("sandbox"), toPath: library)
            var request = try grounds.request()
            request.library = library
            let worker = try SandboxedWorker(request)
            #expect(try worker.attempt("in_constructor") == Int(EPERM))
            guard getuid() == 0, try worker.attempt("user") != 0 else {
                return print("the worker stays who it is here: no folder is closed to it")
            }
            #expect(try worker.attempt("opened \(grounds.weights)/file") == Int(EACCES))
            // The loader's message does not show the way there.
            request.library = grounds.outside + "/file"
            let refusal = #expect(throws: PluginFailure.self) { _ = try SandboxedWorker(request) }
            #expect(refusal?.message.contains(request.library) == true)
            #expect(refusal?.message.contains("/proc/self/fd") == false)
            // With no way through the folder that it is in, by itself.
            request.library = library
            try FileManager.default.setAttributes([.posixPermissions: 0o700], ofItemAtPath: grounds.outside)
            #expect(try SandboxedWorker(request).attempt("in_constructor") == Int(EPERM))
            // A file that is closed itself stays so, and the message has the operator's path and what to do.
            try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: library)
            let failure = #expect(throws: PluginFailure.self) { _ = try SandboxedWorker(request) }
            #expect(failure?.message.hasPrefix("\(library): user 65534:65534, whom plugins run as") == true)
        }

        @Test func honestWorkGoesOn() throws {
            let worker = try SandboxedWorker(try Grounds().request())
            _ = worker.takeRefused()
            #expect(try worker.attempt("threads") == 4)
            #expect(try worker.attempt("openmp") == 500_500)
            #expect(worker.takeRefused() == [])
            // Its own end it may bring about.
            #expect(throws: (any Error).self) { try worker.attempt("aborted") }
            var status: Int32 = 0
            #expect(waitpid(worker.process, &status, 0) == worker.process)
            #expect(status & 0x7F == SIGABRT)
            #expect(status & 0x80 == 0, "a core was written")
        }

        @Test func theHostLogsWhatWasTried() async throws {
            let bench = try Bench()
            let plugin = try Fixtures.plugin("sandbox", library: try Fixtures.library("sandbox"))
            #expect(try await bench.text(plugin, "variable HOME") == "0")
            #expect(try await bench.text(plugin, "variable OMP_NUM_THREADS") == "1")
            #expect(bench.hasLogged("sandbox: tried socket: refused by the sandbox"))
            for _ in 1...12 { _ = try await bench.text(plugin, "forked") }
            #expect(bench.hasLogged("sandbox: tried clone: refused by the sandbox"))
            #expect(bench.hasLogged("sandbox: tried clone 10 times: refused by the sandbox"))
            #expect(!bench.hasLogged("sandbox: tried clone 2 times: refused by the sandbox"))
            await bench.supervisor.stop()
        }

        /// The plugin that comes with Gatehouse: OpenMP, data in a folder of `reads`, a library in C++.
        @Test func screenTextReadsInItsSandbox() throws {
            let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
                .deletingLastPathComponent().deletingLastPathComponent().path
            let library = root + "/Plugins/ScreenText/build/libscreen-text.so"
            guard FileManager.default.fileExists(atPath: library) else {
                throw Fixtures.Failure(
                    description: "\(library) is missing; build it with: make -C Plugins/ScreenText")
            }
            let worker = try SandboxedWorker(
                OpenRequest(
                    library: library, plugin: "screen-text", reads: ["/usr/share/tesseract-ocr"], threads: 2))
            let image = try Data(
                contentsOf: URL(fileURLWithPath: root + "/Plugins/ScreenText/Tests/images/buttons.png"))
            let segments = try worker.encode(
                try EncodeInput([MediaPart(mediaType: "image/png", bytes: [UInt8](image))]))
            #expect(!segments.text.isEmpty)
            #expect(worker.takeRefused() == [])
        }
    }
}
