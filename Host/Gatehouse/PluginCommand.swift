struct PluginCommand: Command {
    static let name = "plugin"
    static let synopsis = "list"
    static let summary = "Show the registry, and what a running daemon has loaded."
    static let options: [Option] = []
    init(_ arguments: Arguments) throws(UsageError) {}
    func run() async throws {}
}
