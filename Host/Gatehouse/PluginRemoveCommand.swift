import Modalities

/// Undoes `plugin add`.
struct PluginRemoveCommand: Command {
    static let name = "plugin remove"
    static let synopsis = "[OPTION]… ID[@VERSION]"
    static let summary = "Take a plugin, or one version of it, out of the registry and the store."
    static let options = [
        Option("--registry", "P", "the registry (default: registry.json)"),
        Option("--data", "D", "the folder that holds the store (default: $XDG_DATA_HOME/gatehouse)"),
    ]

    private let id: String
    private let version: SemanticVersion?
    private let registry: String?
    private let data: String

    init(_ arguments: Arguments) throws(UsageError) {
        try arguments.expectRest(1...1, "the plugin's id")
        let halves = arguments.rest[0].split(separator: "@", maxSplits: 1, omittingEmptySubsequences: false)
        id = String(halves[0])
        version = halves.count > 1 ? SemanticVersion(String(halves[1])) : nil
        if halves.count > 1, version == nil {
            throw UsageError("expected a version such as 1.0.0 after @, found \"\(halves[1])\"")
        }
        registry = try arguments.value("--registry")
        data = try arguments.value("--data") ?? Workspace.defaultDataFolder
    }

    func run() async throws {
        let path = try Workspace.registry(registry).path
        if path.isEmpty { throw CommandError("there is no registry.json; name one by --registry") }
        var file = try RegistryFile(path)
        let removed = try file.remove(id, version)
        let store = PluginStore(data: data)
        let kept = Set(
            file.registry.plugins.flatMap(\.versions).flatMap { [$0.library, $0.weights ?? ""] }
                .compactMap(store.place(holding:)))
        for version in removed {
            print("removed \(id) \(version.version) from \(path)")
            for file in [version.library, version.weights ?? ""] {
                if let place = store.place(holding: file), !kept.contains(place) {
                    store.drop(holding: place)
                }
            }
        }
    }
}
