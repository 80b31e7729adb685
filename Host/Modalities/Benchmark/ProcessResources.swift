import Foundation
import PluginHost

/// What this process holds of the system.
public struct ProcessResources: Sendable, Equatable {
    public let descriptors: Int
    public let threads: Int
    /// Mapped stretches of memory.
    public let mappings: Int
    /// Resident memory in bytes.
    public let resident: Int

    /// As the system tells it now.
    static func now() throws -> ProcessResources {
        let maps = try String(contentsOfFile: "/proc/self/maps", encoding: .utf8)
        return ProcessResources(
            descriptors: try entries("/proc/self/fd"), threads: try entries("/proc/self/task"),
            mappings: maps.utf8.count { $0 == UInt8(ascii: "\n") },
            resident: ProcessMemory.resident(getpid()) ?? 0)
    }

    private static func entries(_ folder: String) throws -> Int {
        try FileManager.default.contentsOfDirectory(atPath: folder).count
    }
}
