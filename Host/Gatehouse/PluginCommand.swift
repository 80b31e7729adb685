/// What `gatehouse plugin` can do: one file each, named after the command; what a running daemon is asked to do shares
/// one.
enum PluginCommand {
    static let verbs: [any Command.Type] = [
        PluginListCommand.self, PluginAddCommand.self, PluginRemoveCommand.self, PluginLoadCommand.self,
        PluginUnloadCommand.self, PluginSwapCommand.self, PluginPinCommand.self, PluginDrainCommand.self,
        PluginCheckCommand.self, PluginBenchCommand.self, PluginNewCommand.self,
    ]
}
