import CSystemPosix
import Glibc

/// Memory that a descriptor can carry to another process.
///
/// One side makes and fills it, then hands over the descriptor; the other maps it read-only. It cannot shrink once it
/// was adopted.
public final class SharedMemory: @unchecked Sendable {
    // Safe to share: `base` and `size` change in `grow` only, which its maker calls before anyone else has it.
    public let descriptor: Int32
    public private(set) var base: UnsafeMutableRawPointer
    /// Bytes.
    public private(set) var size: Int

    /// Zeroed memory of at least one byte.
    public init(size: Int) throws(PluginFailure) {
        let size = max(size, 1)
        let descriptor = gh_memfd("gatehouse")
        guard descriptor >= 0 else { throw .system("making shared memory") }
        guard ftruncate(descriptor, size) == 0 else {
            let failure = PluginFailure.system("sizing shared memory to \(size) bytes")
            close(descriptor)
            throw failure
        }
        base = try Self.map(descriptor, size, PROT_READ | PROT_WRITE)
        self.descriptor = descriptor
        self.size = size
    }

    /// Maps what another process made. Takes over `descriptor`, also when it throws.
    public init(adopting descriptor: Int32) throws(PluginFailure) {
        // Without the seal the other side could take the memory away, and reading it would end this process.
        guard gh_seal_size(descriptor) == 0 else {
            close(descriptor)
            throw PluginFailure(.violation, "a descriptor was handed over that is no shared memory")
        }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_size > 0 else {
            close(descriptor)
            throw PluginFailure(.violation, "shared memory of no size was handed over")
        }
        size = Int(status.st_size)
        base = try Self.map(descriptor, size, PROT_READ)
        self.descriptor = descriptor
    }

    deinit {
        munmap(base, size)
        close(descriptor)
    }

    /// Makes room for `size` bytes in all; the base may move, and new bytes are zero.
    public func grow(to size: Int) throws(PluginFailure) {
        guard size > self.size else { return }
        guard ftruncate(descriptor, size) == 0, let moved = gh_remap(base, self.size, size),
            moved != MAP_FAILED
        else { throw .system("growing shared memory to \(size) bytes") }
        base = moved
        self.size = size
    }

    /// Closes `descriptor` when it throws.
    private static func map(
        _ descriptor: Int32, _ size: Int, _ protection: Int32
    ) throws(PluginFailure) -> UnsafeMutableRawPointer {
        guard let base = mmap(nil, size, protection, MAP_SHARED, descriptor, 0), base != MAP_FAILED else {
            let failure = PluginFailure.system("mapping \(size) bytes of shared memory")
            close(descriptor)
            throw failure
        }
        return base
    }
}
