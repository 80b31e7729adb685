import Foundation

/// A file that a command writes: whole in its place, or not there. A device or a pipe is written to as it is.
struct OutputFile {
    private let option: String
    private let path: String

    /// - Parameter option: what named the file, for messages.
    init(_ path: String, option: String) {
        self.option = option
        self.path = path
    }

    /// Calls `body` with a function that appends bytes.
    func write(_ body: (_ append: (Data) throws -> Void) throws -> Void) throws {
        var entry = stat()
        let isInPlace = stat(path, &entry) == 0 && entry.st_mode & S_IFMT != S_IFREG
        let target = isInPlace ? path : "\(path).part"
        let flags = O_WRONLY | O_CLOEXEC | (isInPlace ? 0 : O_CREAT | O_TRUNC)
        let descriptor = open(target, flags, 0o666)
        guard descriptor >= 0 else { throw failure() }
        let handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
        do {
            try body { data in
                do {
                    try handle.write(contentsOf: data)
                } catch {
                    throw CommandError("\(option) \(path): \(error.systemReason)")
                }
            }
            try handle.close()
            if !isInPlace, rename(target, path) != 0 { throw failure() }
        } catch {
            if !isInPlace { unlink(target) }
            throw error
        }
    }

    private func failure() -> CommandError {
        CommandError("\(option) \(path): \(String(cString: strerror(errno)))")
    }
}
