/// What `gatehouse plugin` can do: one file each, named after the command.
enum PluginCommand {
    static let verbs: [any Command.Type] = [
        PluginListCommand.self, PluginLoadCommand.self, PluginUnloadCommand.self, PluginSwapCommand.self,
        PluginPinCommand.self, PluginDrainCommand.self,
    ]
}
