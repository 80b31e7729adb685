import Foundation

/// The commands that `gatehouse-plugin`, the program of the SDK, carries out: an author needs it without the host, and
/// here it goes under the name of the host's other commands.
protocol PluginToolCommand: Command {
    var arguments: Arguments { get }
}

extension PluginToolCommand {
    /// Becomes the SDK's program; what it prints and its exit code are this command's.
    func run() async throws {
        let words = Self.name.split(separator: " ").dropFirst().map(String.init) + arguments.rest + given
        let program = try PluginTool.find()
        var pointers: [UnsafeMutablePointer<CChar>?] = ([program] + words).map { strdup($0) }
        pointers.append(nil)
        execv(program, pointers)
        throw CommandError("\(program) cannot be run: \(String(cString: strerror(errno)))")
    }

    private var given: [String] {
        Self.options.flatMap { option in
            option.value == nil
                ? (arguments.flag(option.name) ? [option.name] : [])
                : arguments.values(option.name).flatMap { [option.name, $0] }
        }
    }
}

/// Where `gatehouse-plugin` is.
enum PluginTool {
    private static let name = "gatehouse-plugin"

    /// Beside `gatehouse`, in the build of the checkout that holds it, or on `PATH`, in this order.
    static func find() throws(CommandError) -> String {
        let files = FileManager.default
        let link = (try? files.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
        let beside = URL(fileURLWithPath: link).deletingLastPathComponent()
        var places = [beside]
        var folder = beside
        while folder.path != "/" {
            folder.deleteLastPathComponent()
            places.append(folder.appendingPathComponent("SDK/.build/release"))
        }
        let path = ProcessInfo.processInfo.environment["PATH"] ?? ""
        places += path.split(separator: ":").map { URL(fileURLWithPath: String($0)) }
        let programs = places.map { $0.appendingPathComponent(name).path }
        if let program = programs.first(where: files.isExecutableFile) { return program }
        throw CommandError(
            """
            \(name) is neither beside gatehouse, nor built in the checkout, nor on PATH; build it by \
            swift build -c release --package-path SDK, or install it by SDK/install.sh PREFIX
            """)
    }
}

/// Tries a plugin's library against the rules of the plugin ABI.
struct PluginCheckCommand: PluginToolCommand {
    static let name = "plugin check"
    static let synopsis = "LIBRARY [OPTION]…"
    static let summary = "Try a plugin against every rule of the plugin ABI."
    static let options = PluginTool.inputOptions

    let arguments: Arguments

    init(_ arguments: Arguments) throws(UsageError) {
        try arguments.expectRest(1...1, "the plugin library")
        self.arguments = arguments
    }
}

/// Measures a plugin alone.
struct PluginBenchCommand: PluginToolCommand {
    static let name = "plugin bench"
    static let synopsis = "LIBRARY --input F [OPTION]…"
    static let summary = "Measure a plugin alone: load, latency, throughput, memory."
    static let options =
        PluginTool.inputOptions + [Option("--rounds", "N", "encodes to measure (default: 200)")]

    let arguments: Arguments

    init(_ arguments: Arguments) throws(UsageError) {
        try arguments.expectRest(1...1, "the plugin library")
        if arguments.values("--input").isEmpty { throw UsageError("--input is missing") }
        self.arguments = arguments
    }
}

/// Begins a plugin.
struct PluginNewCommand: PluginToolCommand {
    static let name = "plugin new"
    static let synopsis = "NAME --language L"
    static let summary = "Write a small complete plugin project into ./NAME."
    static let options = [Option("--language", "L", "swift, c, cpp or rust")]

    let arguments: Arguments

    init(_ arguments: Arguments) throws(UsageError) {
        try arguments.expectRest(1...1, "the plugin's name")
        if arguments.values("--language").isEmpty { throw UsageError("--language is missing") }
        self.arguments = arguments
    }
}

extension PluginTool {
    fileprivate static let inputOptions = [
        Option("--input", "F", "a file that the plugin can encode"),
        Option("--media-type", "T", "of the input (default: told by the file's name)"),
        Option("--weights", "P", "file or folder of weights"),
        Option("--config", "F", "a file with a JSON object"),
        Option("--plugin", "ID", "of a library with several: only this one"),
        Option("--json", nil, "print one JSON object"),
        Option("--verbose", nil, "let through what the plugin writes to standard error"),
    ]
}
