/// Decides which plugins take a media part: the registry's rules, and what the request itself asks for.
public struct Router: Sendable {
    private let registry: Registry

    public init(_ registry: Registry) {
        self.registry = registry
    }

    /// Where a part goes. The first rule that applies decides; without one, the model's own encoder takes it, beside it
    /// only plugins for which the request chooses a version or a weight, so that answers stay the model's. Where the
    /// model has none for the part's type, the first plugin of the registry that accepts it and is not switched off by
    /// the request does. Plugins without weights are passed over.
    ///
    /// - Parameters:
    ///   - bytes: the part's size.
    ///   - options: what the request says of single plugins, by plugin id.
    public func route(
        mediaType: String, bytes: Int, options: [String: ModalityOption], origin: RequestOrigin
    ) throws(RoutingError) -> Routing {
        let accepting = registry.plugins.filter { takes($0, mediaType) }
        let modelsOwn = accepting.contains(where: \.isModels)
        for rule in registry.rules
        where rule.applies(
            mediaType: mediaType, bytes: bytes, modelsOwn: modelsOwn, options: options, origin: origin)
        {
            if rule.takers.isEmpty {
                return Routing(routes: [.off(accepting.first)], reason: .rule(rule.name))
            }
            var takers: [(RegisteredPlugin, SemanticVersion?)] = []
            for taker in rule.takers {
                if let plugin = accepting.first(where: { $0.id == taker.plugin }) {
                    takers.append((plugin, taker.version))
                }
            }
            if takers.isEmpty { continue }
            var routes: [Route] = []
            for (plugin, version) in takers {
                let route = try route(to: plugin, version, mediaType, bytes, options, origin)
                if let route { routes.append(route) }
            }
            return Routing(routes: routes.isEmpty ? [.off(takers[0].0)] : routes, reason: .rule(rule.name))
        }
        guard let first = accepting.first else {
            throw .notAccepted(mediaType: mediaType, accepted: registry.acceptedMediaTypes)
        }
        if modelsOwn {
            var routes: [Route] = []
            for plugin in accepting where plugin.isModels || options[plugin.id]?.isChosen == true {
                let route = try route(to: plugin, nil, mediaType, bytes, options, origin)
                if let route { routes.append(route) }
            }
            return Routing(routes: routes.isEmpty ? [.off(first)] : routes, reason: .modelsOwn)
        }
        for plugin in accepting {
            if let route = try route(to: plugin, nil, mediaType, bytes, options, origin) {
                return Routing(routes: [route], reason: .firstThatAccepts)
            }
        }
        return Routing(routes: [.off(first)], reason: .firstThatAccepts)
    }

    /// Throws where `options` names a plugin that the registry does not have.
    public func check(_ options: [String: ModalityOption]) throws(RoutingError) {
        let known = registry.plugins.map(\.id)
        for id in options.keys.sorted() where !known.contains(id) {
            throw .unknownPlugin(id, known: known)
        }
    }

    private func takes(_ plugin: RegisteredPlugin, _ mediaType: String) -> Bool {
        plugin.takesPart && plugin.acceptance(of: mediaType) != nil
    }

    /// nil where the request switched the plugin off. The request's own version goes before the rule's.
    private func route(
        to plugin: RegisteredPlugin, _ ruled: SemanticVersion?, _ mediaType: String, _ bytes: Int,
        _ options: [String: ModalityOption], _ origin: RequestOrigin
    ) throws(RoutingError) -> Route? {
        var wanted = ruled
        var weight: Float?
        switch options[plugin.id] ?? .auto {
        case .off: return nil
        case .auto: break
        case .chosen(let version, let chosenWeight):
            wanted = version ?? ruled
            weight = chosenWeight
        }
        guard origin.allowedModalities?.contains(plugin.modality) ?? true else {
            throw .notAllowed(modality: plugin.modality, key: origin.keyLabel)
        }
        if let most = plugin.acceptance(of: mediaType)?.mostBytes, bytes > most {
            throw .tooLarge(plugin: plugin.id, mediaType: mediaType, bytes: bytes, most: most)
        }
        guard let wanted else {
            let version = origin.trafficPoint.map { plugin.version(at: $0) } ?? plugin.defaultVersion
            return .plugin(plugin, version, weight: weight)
        }
        guard let version = plugin.versions.first(where: { $0.version == wanted }) else {
            throw .unknownVersion(plugin: plugin.id, wanted, known: plugin.versions.map(\.version))
        }
        guard !version.lacksWeights else { throw .noWeights(plugin: plugin.id, wanted) }
        return .plugin(plugin, version, weight: weight)
    }
}

/// What a request says of one plugin, in `gatehouse.modalities`.
public enum ModalityOption: Sendable, Equatable {
    case off
    case auto
    /// A version, a weight, or both; nil leaves the choice to the host.
    case chosen(version: SemanticVersion?, weight: Float?)

    var isChosen: Bool { if case .chosen = self { true } else { false } }
}

/// Where a media part goes, and why.
public struct Routing: Sendable {
    public enum Reason: Sendable, Equatable {
        /// The name of the rule that decided.
        case rule(String)
        /// No rule applied, and the model brings an encoder for the part.
        case modelsOwn
        /// No rule applied.
        case firstThatAccepts
    }

    /// At least one: several plugins in the order of the rule, or one `off`.
    public let routes: [Route]
    public let reason: Reason
}

/// One way that a media part takes.
public enum Route: Sendable {
    case plugin(RegisteredPlugin, RegisteredVersion, weight: Float?)
    /// A rule dropped the part, or the request switched off every plugin that would take it; the first of those that
    /// accept it, or nil where none does.
    case off(RegisteredPlugin?)
}

/// Why a media part goes nowhere: the request's fault.
public enum RoutingError: Error, Sendable, Equatable, CustomStringConvertible {
    case notAccepted(mediaType: String, accepted: [String])
    /// Sizes in bytes.
    case tooLarge(plugin: String, mediaType: String, bytes: Int, most: Int)
    case unknownPlugin(String, known: [String])
    case unknownVersion(plugin: String, SemanticVersion, known: [SemanticVersion])
    case noWeights(plugin: String, SemanticVersion)
    /// The label of the request's key.
    case notAllowed(modality: String, key: String)

    public var description: String {
        switch self {
        case .notAccepted(let mediaType, let accepted):
            let list =
                accepted.isEmpty ? "none, as the registry has no plugin" : accepted.joined(separator: ", ")
            return "no plugin accepts \(mediaType); accepted media types: \(list)"
        case .tooLarge(let plugin, let mediaType, let bytes, let most):
            return
                "the \(mediaType) part has \(bytes) bytes; plugin \(plugin) takes at most \(most) of this type"
        case .unknownPlugin(let id, let known):
            return
                "gatehouse.modalities.\(id): no such plugin; the registry has \(known.joined(separator: ", "))"
        case .notAllowed(let modality, let key):
            return "the API key \(key) may not send parts of the modality \(modality)"
        case .noWeights(let plugin, let version):
            return "gatehouse.modalities.\(plugin).version: version \(version) has no weights in the registry"
        case .unknownVersion(let plugin, let version, let known):
            let list = known.map(\.description).joined(separator: ", ")
            return "gatehouse.modalities.\(plugin).version: no version \(version); the registry has \(list)"
        }
    }
}
