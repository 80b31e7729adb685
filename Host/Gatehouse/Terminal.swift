import Foundation

/// Standard output and standard error. `FileHandle` would end the process where their reader is gone.
enum Terminal {
    static func output(_ text: String) throws(CommandError) {
        guard write(text, to: STDOUT_FILENO) else {
            throw CommandError("standard output: \(String(cString: strerror(errno)))")
        }
    }

    /// Nobody can be told where this fails.
    static func error(_ text: String) { _ = write(text, to: STDERR_FILENO) }

    private static func write(_ text: String, to descriptor: Int32) -> Bool {
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes { Foundation.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0 && errno == EINTR { continue }
            if count <= 0 { return false }
            bytes = bytes.dropFirst(count)
        }
        return true
    }
}
