import GatehouseJSON

/// The encoder that a model brings along: the tower inside a multimodal checkpoint, or the file beside a decoder's.
public struct ModelEncoder: Sendable, Equatable {
    /// The family of the model, as the registry's `model_weights` name it.
    public let family: String
    /// Absolute path of what holds the weights: a checkpoint's folder, or a file.
    public let weights: String
    /// Members of the plugin's configuration, in place of what the registry says.
    public let configuration: [String: JSONValue]

    public init(family: String, weights: String, configuration: [String: JSONValue] = [:]) {
        self.family = family
        self.weights = weights
        self.configuration = configuration
    }
}

extension Registry {
    /// The registry of a host whose model brings `encoder`: the versions whose `model_weights` name the model's family
    /// run on its weights, and their plugins come before all others. Itself where there is no encoder, or no plugin
    /// for it.
    public func serving(_ encoder: ModelEncoder?) -> Registry {
        guard let encoder else { return self }
        var registry = self
        registry.modelEncoder = encoder
        registry.plugins = plugins.map { $0.serving(encoder) }
        let own = registry.plugins.filter(\.isModels)
        registry.plugins = own + registry.plugins.filter { !$0.isModels }
        return registry
    }
}

extension RegisteredPlugin {
    /// Whether it runs on what the model brings along.
    public var isModels: Bool { versions.contains(where: \.isModels) }

    fileprivate func serving(_ encoder: ModelEncoder) -> RegisteredPlugin {
        guard versions.contains(where: { $0.modelFamilies.contains(encoder.family) }) else { return self }
        var plugin = self
        plugin.versions = versions.map { $0.serving(encoder) }
        plugin.configure(encoder.configuration)
        return plugin
    }
}
