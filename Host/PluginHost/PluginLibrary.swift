import CGatehouse
import CSystemPosix
import Glibc
import Synchronization

/// An opened plugin library whose entry block was found right.
///
/// Opened `RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE`: closing a library written in Swift takes the process down later, so
/// it is never closed. Its functions are called by one thread at a time.
public final class PluginLibrary {
    /// Absolute path.
    public let path: String
    /// What it holds.
    public let plugins: [PluginFacts]

    let entry: UnsafePointer<GatehouseEntry>
    private let services: HostServices

    /// Opens and initialises it; `log` takes what the library logs, from any thread.
    public init(
        path: String, log: @escaping @Sendable (PluginLogLevel, String) -> Void
    ) throws(PluginFailure) {
        self.path = path
        services = HostServices(log: log)
        let entry = try Self.open(path)
        self.entry = entry
        plugins = try Self.scanning.withLock { [services] _ throws(PluginFailure) in
            try Self.scan(entry, services, path)
        }
    }

    deinit {
        Self.scanning.withLock { _ in entry.pointee.finalize(entry.pointee.ctx) }
    }

    /// Held for what one thread at a time may do to a whole library, of which a process may open several plugins at once.
    private static let scanning = Mutex(())

    /// Initialises the library and reads its descriptors.
    private static func scan(
        _ entry: UnsafePointer<GatehouseEntry>, _ services: HostServices, _ path: String
    ) throws(PluginFailure) -> [PluginFacts] {
        let toolchain = entry.pointee.toolchain.map { String(cString: $0) } ?? "unknown"
        let status = entry.pointee.initialize(entry.pointee.ctx, services.pointer)
        if let failure = PluginFailure(status: status, message: services.takeError()) {
            throw failure.prefixed("\(path): initialising")
        }
        var plugins: [PluginFacts] = []
        for index in 0..<entry.pointee.plugin_count(entry.pointee.ctx) {
            guard let descriptor = entry.pointee.plugin(entry.pointee.ctx, index),
                gatehouse_check_descriptor(descriptor) != 0
            else {
                entry.pointee.finalize(entry.pointee.ctx)
                throw PluginFailure(.refused, "\(path): descriptor \(index) is incomplete or of another size")
            }
            plugins.append(PluginFacts(descriptor, toolchain: toolchain))
        }
        return plugins
    }

    private static func open(_ path: String) throws(PluginFailure) -> UnsafePointer<GatehouseEntry> {
        try checkFile(path)
        guard let handle = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE) else {
            throw PluginFailure(.refused, "cannot open the plugin library: \(lastLoaderError(path))")
        }
        let symbol = "gatehouse_plugin_entry"
        guard let address = dlsym(handle, symbol) else {
            throw PluginFailure(.refused, "\(path) does not export \(symbol), so it is no Gatehouse plugin")
        }
        typealias EntryFunction = @convention(c) () -> UnsafePointer<GatehouseEntry>?
        let function = unsafeBitCast(address, to: EntryFunction.self)
        let entry = function()
        let fault = gatehouse_check_entry(entry)
        guard let entry, fault == GATEHOUSE_ENTRY_GOOD else {
            throw PluginFailure(.refused, "\(path): \(describe(fault, entry))")
        }
        return entry
    }

    /// The loader kills the process over a file that is cut short, and calls one for another processor missing.
    private static func checkFile(_ path: String) throws(PluginFailure) {
        var machine: Int32 = 0
        var own: Int32 = 0
        let fault: String
        switch gh_check_library(path, &machine, &own) {
        case GH_LIBRARY_GOOD: return
        case GH_LIBRARY_UNREADABLE: throw .system("\(path): reading the plugin library")
        case GH_LIBRARY_NO_ELF: fault = "it is no shared library"
        case GH_LIBRARY_OTHER_PROCESSOR:
            fault = "it is built for another processor: its ELF machine is \(machine), this host's is \(own)"
        case GH_LIBRARY_NOT_SHARED: fault = "it is a program or an object file; expected a shared library"
        default: fault = "it is cut short: it ends before the segments that its header names"
        }
        throw PluginFailure(.refused, "cannot open the plugin library: \(path): \(fault)")
    }

    /// Reads only fields that `gatehouse_check_entry` has been past.
    private static func describe(_ fault: GatehouseEntryFault, _ entry: UnsafePointer<GatehouseEntry>?)
        -> String
    {
        guard let entry else { return "\("gatehouse_plugin_entry") returned NULL" }
        switch fault {
        case GATEHOUSE_ENTRY_MAGIC:
            return "the entry block's magic is \(hex(entry.pointee.magic)), expected \(hex(GATEHOUSE_MAGIC))"
        case GATEHOUSE_ENTRY_ABI_MAJOR, GATEHOUSE_ENTRY_ABI_MINOR:
            return """
                built for plugin ABI \(entry.pointee.abi_major).\(entry.pointee.abi_minor), this host has \
                \(GATEHOUSE_ABI_MAJOR).\(GATEHOUSE_ABI_MINOR); build it again with this host's SDK
                """
        case GATEHOUSE_ENTRY_SIZE:
            return """
                the entry block's struct_size is \(entry.pointee.struct_size), expected \
                \(MemoryLayout<GatehouseEntry>.size)
                """
        default:
            return "a function of the entry block that must be set is NULL"
        }
    }

    private static func hex(_ value: UInt64) -> String { "0x" + String(value, radix: 16) }
}

/// What dlopen said, with the path in it once.
private func lastLoaderError(_ path: String) -> String {
    let message = dlerror().map { String(cString: $0) } ?? "unknown error"
    return message.contains(path) ? message : "\(path): \(message)"
}
