/// Decides which plugin takes a media part: the registry, and what the request itself asks for.
public struct Router: Sendable {
    private let registry: Registry

    public init(_ registry: Registry) {
        self.registry = registry
    }

    /// Where a part goes: the first plugin of the registry that accepts its type and is not switched off.
    public func route(
        mediaType: String, options: [String: ModalityOption]
    ) throws(RoutingError) -> Route {
        let accepting = registry.plugins.filter { $0.acceptance(of: mediaType) != nil }
        guard !accepting.isEmpty else {
            throw .notAccepted(mediaType: mediaType, accepted: registry.acceptedMediaTypes)
        }
        for plugin in accepting {
            switch options[plugin.id] ?? .auto {
            case .off:
                continue
            case .auto:
                return .plugin(plugin, plugin.defaultVersion, weight: nil)
            case .chosen(let wanted, let weight):
                return .plugin(plugin, try version(wanted, of: plugin), weight: weight)
            }
        }
        return .off(accepting[0])
    }

    /// Throws where `options` names a plugin that the registry does not have.
    public func check(_ options: [String: ModalityOption]) throws(RoutingError) {
        let known = registry.plugins.map(\.id)
        for id in options.keys.sorted() where !known.contains(id) {
            throw .unknownPlugin(id, known: known)
        }
    }

    private func version(
        _ wanted: SemanticVersion?, of plugin: RegisteredPlugin
    ) throws(RoutingError) -> RegisteredVersion {
        guard let wanted else { return plugin.defaultVersion }
        guard let version = plugin.versions.first(where: { $0.version == wanted }) else {
            throw .unknownVersion(plugin: plugin.id, wanted, known: plugin.versions.map(\.version))
        }
        return version
    }
}

/// What a request says of one plugin, in `gatehouse.modalities`.
public enum ModalityOption: Sendable, Equatable {
    case off
    case auto
    /// A version, a weight, or both; nil leaves the choice to the host.
    case chosen(version: SemanticVersion?, weight: Float?)
}

/// Where a media part goes.
public enum Route: Sendable {
    case plugin(RegisteredPlugin, RegisteredVersion, weight: Float?)
    /// Every plugin that accepts the part was switched off by the request; the first of them.
    case off(RegisteredPlugin)
}

/// Why a media part goes nowhere: the request's fault.
public enum RoutingError: Error, Sendable, Equatable, CustomStringConvertible {
    case notAccepted(mediaType: String, accepted: [String])
    case unknownPlugin(String, known: [String])
    case unknownVersion(plugin: String, SemanticVersion, known: [SemanticVersion])

    public var description: String {
        switch self {
        case .notAccepted(let mediaType, let accepted):
            let list =
                accepted.isEmpty ? "none, as the registry has no plugin" : accepted.joined(separator: ", ")
            return "no plugin accepts \(mediaType); accepted media types: \(list)"
        case .unknownPlugin(let id, let known):
            return
                "gatehouse.modalities.\(id): no such plugin; the registry has \(known.joined(separator: ", "))"
        case .unknownVersion(let plugin, let version, let known):
            let list = known.map(\.description).joined(separator: ", ")
            return "gatehouse.modalities.\(plugin).version: no version \(version); the registry has \(list)"
        }
    }
}
