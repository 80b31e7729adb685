import Glibc

/// A regular file mapped read-only into memory for as long as the object lives.
///
/// Other processes may replace the file by renaming another over it. They must not shorten it in place: the
/// kernel then answers a read past the new end with SIGBUS, which no reader can turn into an error.
public final class MappedFile: @unchecked Sendable {  // immutable after init, its memory read-only
    public let path: String
    /// The whole file; at least a byte. Valid while the object lives.
    public let bytes: UnsafeRawBufferPointer

    /// Maps a file; errors call it a `kind`.
    public init(path: String, kind: String = "model file") throws(TensorFileError) {
        func failure(_ expected: String, _ found: String) -> TensorFileError {
            TensorFileError(path: path, field: "file", expected: expected, found: found)
        }
        // Non-blocking, or opening a named pipe would wait for its writer.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            throw failure("a readable \(kind)", String(cString: strerror(errno)))
        }
        defer { close(descriptor) }

        var status = stat()
        guard fstat(descriptor, &status) == 0 else {
            throw failure("a readable \(kind)", String(cString: strerror(errno)))
        }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw failure("a regular file", "a folder, pipe or device")
        }
        guard status.st_size > 0 else { throw failure("a \(kind)", "an empty file") }

        let size = Int(status.st_size)
        guard let address = mmap(nil, size, PROT_READ, MAP_PRIVATE, descriptor, 0), address != MAP_FAILED
        else {
            throw failure("a file that can be mapped into memory", String(cString: strerror(errno)))
        }
        self.path = path
        self.bytes = UnsafeRawBufferPointer(start: address, count: size)
    }

    deinit {
        munmap(UnsafeMutableRawPointer(mutating: bytes.baseAddress), bytes.count)
    }
}
