import Glibc

/// A NUL-terminated string that lives as long as this object.
final class CStringBox: Sendable {
    // Safe to share: written in init only.
    nonisolated(unsafe) private let memory: UnsafeMutablePointer<CChar>

    var pointer: UnsafePointer<CChar> { UnsafePointer(memory) }

    init(_ string: String) {
        let utf8 = string.utf8CString
        memory = .allocate(capacity: utf8.count)
        for (index, byte) in utf8.enumerated() { memory.advanced(by: index).initialize(to: byte) }
    }

    deinit {
        memory.deallocate()
    }
}

extension String {
    /// Invalid UTF-8 becomes U+FFFD; at most 64 KiB are taken.
    init(bytes: UnsafePointer<CChar>?, count: UInt64) {
        let bytes = UnsafeRawBufferPointer(
            start: bytes, count: bytes == nil ? 0 : Int(Swift.min(count, 1 << 16)))
        self = String(decoding: bytes, as: UTF8.self)
    }
}

/// Nanoseconds on CLOCK_MONOTONIC, which every process of a machine shares.
public func monotonicNanoseconds() -> UInt64 {
    var now = timespec()
    clock_gettime(CLOCK_MONOTONIC, &now)
    return UInt64(now.tv_sec) * 1_000_000_000 + UInt64(now.tv_nsec)
}

/// One line on standard error, in one write, so that lines of several threads do not mix.
public func printToStandardError(_ line: String) {
    let bytes = Array((line + "\n").utf8)
    _ = write(STDERR_FILENO, bytes, bytes.count)
}
