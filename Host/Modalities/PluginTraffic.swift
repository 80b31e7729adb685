/// Which versions of a plugin take its requests: what the registry says, what the operator chose, and what is out.
public struct PluginTraffic: Sendable {
    /// As the registry has it, since its versions were found good.
    public let served: RegisteredPlugin
    /// What took the requests before; where everything of ``served`` is out, it does again.
    public let previous: RegisteredPlugin?
    /// The version that takes every request, where the operator chose one.
    public var chosen: SemanticVersion?
    /// Whether the choice outlives a change of the registry.
    public var isPinned = false
    /// Taken out of service, or held by the operator.
    public var unavailable: Set<EncoderIdentity> = []

    public init(_ served: RegisteredPlugin, previous: RegisteredPlugin? = nil) {
        self.served = served
        self.previous = previous
    }

    /// The plugin with the shares that hold now. What is unavailable stays with a share of 0, so that a request that
    /// names it is told what became of it.
    public var effective: RegisteredPlugin {
        if let shared = shares(of: served) { return shared }
        return previous.flatMap { shares(of: $0) } ?? served
    }

    /// The versions that requests reach without naming them.
    public var live: Set<EncoderIdentity> { effective.live }

    /// nil where every version is unavailable.
    private func shares(of plugin: RegisteredPlugin) -> RegisteredPlugin? {
        let usable = plugin.versions.filter { !unavailable.contains(EncoderIdentity(plugin, $0)) }
        guard let newest = usable.first else { return nil }
        let only = usable.first { $0.version == chosen } ?? (usable.contains { $0.share > 0 } ? nil : newest)
        var shared = plugin
        for index in shared.versions.indices {
            let version = shared.versions[index].version
            if let only {
                shared.versions[index].share = version == only.version ? 1 : 0
            } else if !usable.contains(where: { $0.version == version }) {
                shared.versions[index].share = 0
            }
        }
        return shared
    }
}

extension RegisteredPlugin {
    /// The versions that requests reach without naming them; see ``version(at:)``.
    var live: Set<EncoderIdentity> {
        var end = 0.0
        var live: Set<EncoderIdentity> = []
        for version in versions where version.share > 0 && end < 1 {
            live.insert(EncoderIdentity(self, version))
            end += version.share
        }
        if end < 1 { live.insert(EncoderIdentity(self, defaultVersion)) }
        return live
    }
}
