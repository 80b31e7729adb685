/// What `gatehouse plugin` can do: one file each, named after the command.
enum PluginCommand {
    static let verbs: [any Command.Type] = [
        PluginListCommand.self, PluginAddCommand.self, PluginRemoveCommand.self, PluginCheckCommand.self,
        PluginBenchCommand.self, PluginNewCommand.self,
    ]
}
