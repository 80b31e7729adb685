import CPluginProbe
import Glibc

/// How a probe ended.
enum ProbeVerdict {
    case passed(String)
    case failed(String)
    case skipped(String)
}

/// A child process that runs one probe. Used by one thread.
struct ProbeProcess {
    private let process: pid_t
    private let pipe: Int32
    private let started = monotonicSeconds()
    private let limit: Double
    private var heard: [UInt8] = []

    /// Starts this program again. `limit` is in seconds.
    init(_ request: ProbeRequest, limit: Double, verbose: Bool) throws {
        let program = try Files.program
        var arguments: [UnsafeMutablePointer<CChar>?] = ([program] + request.words).map { strdup($0) }
        defer { for argument in arguments { free(argument) } }
        arguments.append(nil)
        var pipe: Int32 = -1
        let process = probe_spawn(program, arguments, verbose ? 1 : 0, &pipe)
        guard process > 0 else {
            throw CheckerError("no process could be started: \(String(cString: strerror(-process)))")
        }
        self.process = process
        self.pipe = pipe
        self.limit = limit
    }

    var seconds: Double { monotonicSeconds() - started }

    /// The verdict once there is one; afterwards this is of no use.
    mutating func poll() -> ProbeVerdict? {
        var status: Int32 = 0
        let ended = waitpid(process, &status, WNOHANG) == process
        listen()
        if !ended {
            guard seconds > limit else { return nil }
            kill(-process, SIGKILL)
            waitpid(process, &status, 0)
            close(pipe)
            return .failed("it did not come back within \(Int(limit)) seconds")
        }
        // What the plugin started and left goes too.
        kill(-process, SIGKILL)
        close(pipe)
        return verdict(status)
    }

    /// Waits for the verdict.
    mutating func wait() -> ProbeVerdict {
        while true {
            if let verdict = poll() { return verdict }
            usleep(2000)
        }
    }

    private mutating func listen() {
        var block = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = read(pipe, &block, block.count)
            guard count > 0 else { return }
            heard += block[..<count]
        }
    }

    private func verdict(_ status: Int32) -> ProbeVerdict {
        let text = String(decoding: heard.dropFirst(), as: UTF8.self)
        switch heard.first {
        case UInt8(ascii: "P"): return .passed(text)
        case UInt8(ascii: "F"): return .failed(text)
        case UInt8(ascii: "S"): return .skipped(text)
        default: break
        }
        // The low seven bits are the signal, the next byte the exit code (wait(2)).
        let signal = status & 0x7F
        if signal != 0 {
            let name = strsignal(signal).map { String(cString: $0) } ?? "unknown"
            return .failed("it crashed: signal \(signal), \(name)")
        }
        return .failed("it ended the process by exit(\(status >> 8 & 0xFF))")
    }
}

/// Seconds of a clock that never goes back.
func monotonicSeconds() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
}
