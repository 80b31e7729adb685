import GatehouseJSON

/// One rule of the registry: which plugins take a media part that meets its conditions.
public struct RoutingRule: Sendable {
    /// A plugin that takes the part.
    public struct Taker: Sendable, Equatable {
        public let plugin: String
        /// nil: the one that the shares of traffic give.
        public let version: SemanticVersion?
    }

    /// What a request may say of a plugin in `gatehouse.modalities`.
    public enum Asked: String, CaseIterable, Sendable {
        /// Nothing, or `"auto"`.
        case auto
        case off
        /// A version, a weight, or both.
        case chosen

        init(_ option: ModalityOption?) {
            self =
                switch option {
                case nil, .auto: .auto
                case .off: .off
                case .chosen: .chosen
                }
        }
    }

    /// For messages; `rules[2]` where it has no name.
    public let name: String
    /// Any of these; empty for every type.
    public let mediaTypes: [TextPattern]
    public let leastBytes: Int?
    public let mostBytes: Int?
    /// Any of these; empty for every model.
    public let models: [TextPattern]
    /// All of these, by lower case name: some value of the header has one of the forms.
    public let headers: [String: [TextPattern]]
    /// Any of these labels of API keys; empty for every key.
    public let keys: [TextPattern]
    /// Whether the model must bring its own encoder for such parts, or must not; nil: either.
    public let modelsOwn: Bool?
    /// All of these, by plugin id.
    public let asked: [String: Asked]
    /// Who takes the part; empty: it is dropped.
    public let takers: [Taker]

    /// Whether all conditions hold. A part that none of the takers accepts is left to the rules that follow.
    ///
    /// - Parameter modelsOwn: Whether the model brings an encoder of its own for the part.
    func applies(
        mediaType: String, bytes: Int, modelsOwn: Bool, options: [String: ModalityOption],
        origin: RequestOrigin
    ) -> Bool {
        func holds(_ patterns: [TextPattern], _ text: String) -> Bool {
            patterns.isEmpty || patterns.contains { $0.matches(text) }
        }
        return holds(mediaTypes, mediaType) && bytes >= leastBytes ?? 0 && bytes <= mostBytes ?? .max
            && self.modelsOwn ?? modelsOwn == modelsOwn
            && holds(models, origin.model) && holds(keys, origin.keyLabel)
            && headers.allSatisfy { name, patterns in
                origin.headers.contains { $0.name.lowercased() == name && holds(patterns, $0.value) }
            }
            && asked.allSatisfy { Asked(options[$0.key]) == $0.value }
    }

    /// Reads one element of `rules`. Its plugins must be among `plugins`.
    init(_ cursor: JSONCursor, plugins: [RegisteredPlugin]) {
        cursor.object(known: ["name", "when", "use"])
        name = cursor["name"].string("a name for messages", default: cursor.path) ?? cursor.path
        let when = cursor["when"]
        if when.value != nil {
            when.object(known: [
                "media_type", "least_bytes", "most_bytes", "model", "own_encoder", "headers", "key",
                "modalities",
            ])
        }
        mediaTypes = Self.patterns(when["media_type"], "a media type such as \"image/png\" or \"image/*\"") {
            MediaType.normalised($0) == $0
        }
        leastBytes = when["least_bytes"].integer("bytes from 1", in: 1...(1 << 53))
        mostBytes = when["most_bytes"].integer("bytes from 1", in: 1...(1 << 53))
        if let leastBytes, let mostBytes, leastBytes > mostBytes {
            when["most_bytes"].reject(expected: "at least least_bytes (\(leastBytes))", found: "\(mostBytes)")
        }
        models = Self.patterns(when["model"], "a model's name, with * for any characters")
        modelsOwn = when["own_encoder"].boolean()
        keys = Self.patterns(when["key"], "an API key's label, with * for any characters")
        var headers: [String: [TextPattern]] = [:]
        for (name, value) in when["headers"].members("an object of header fields") {
            headers[name.lowercased(), default: []] += Self.patterns(
                value, "a header field's value, with * for any characters")
        }
        self.headers = headers
        var asked: [String: Asked] = [:]
        for (id, value) in when["modalities"].members("an object of plugin ids") {
            Self.find(id, value, plugins)
            asked[id] = value.choice(default: .auto)
        }
        self.asked = asked
        takers = Self.takers(cursor["use"], plugins)
    }

    /// `"off"`, or a list of ids and `{"plugin", "version"}`.
    private static func takers(_ cursor: JSONCursor, _ plugins: [RegisteredPlugin]) -> [Taker] {
        if cursor.value == .string("off") { return [] }
        let what = "\"off\", or an array of plugins"
        let elements = cursor.array(what)
        if elements.isEmpty, cursor.value == .array([]) { cursor.expected(what + " with at least one") }
        var takers: [Taker] = []
        for element in elements {
            guard let taker = taker(element, plugins) else { continue }
            if takers.contains(where: { $0.plugin == taker.plugin }) {
                element.reject(expected: "each plugin once", found: "\(taker.plugin) a second time")
            }
            takers.append(taker)
        }
        return takers
    }

    private static func taker(_ cursor: JSONCursor, _ plugins: [RegisteredPlugin]) -> Taker? {
        guard case .object = cursor.value else {
            guard let id = cursor.string("a plugin's id, or {\"plugin\", \"version\"}") else { return nil }
            find(id, cursor, plugins)
            return Taker(plugin: id, version: nil)
        }
        cursor.object(known: ["plugin", "version"])
        guard let id = cursor["plugin"].string("a plugin's id") else { return nil }
        let plugin = find(id, cursor["plugin"], plugins)
        guard cursor["version"].value != nil else { return Taker(plugin: id, version: nil) }
        let rule = "a semantic version such as \"1.0.0\""
        guard let text = cursor["version"].string(rule) else { return nil }
        guard let version = SemanticVersion(text) else {
            cursor["version"].expected(rule)
            return nil
        }
        if let plugin, !plugin.versions.contains(where: { $0.version == version }) {
            let known = plugin.versions.map(\.version.description).joined(separator: ", ")
            cursor["version"].expected("a version of \(id) (\(known))")
        }
        return Taker(plugin: id, version: version)
    }

    @discardableResult
    private static func find(
        _ id: String, _ cursor: JSONCursor, _ plugins: [RegisteredPlugin]
    ) -> RegisteredPlugin? {
        let plugin = plugins.first { $0.id == id }
        if plugin == nil {
            let known = plugins.isEmpty ? "there is none" : plugins.map(\.id).joined(separator: ", ")
            cursor.reject(expected: "a plugin of this registry (\(known))", found: "\"\(id.prefix(60))\"")
        }
        return plugin
    }

    /// A string, or an array of at least one.
    private static func patterns(
        _ cursor: JSONCursor, _ what: String, isGood: (String) -> Bool = { _ in true }
    ) -> [TextPattern] {
        guard let value = cursor.value else { return [] }
        if case .array(let values) = value, values.isEmpty {
            cursor.expected("\(what), or an array of at least one")
        }
        let places = value.arrayValue == nil ? [cursor] : cursor.array(what)
        return places.compactMap { place in
            guard let text = place.string(what) else { return nil }
            if !isGood(text) { place.expected(what) }
            return TextPattern(text)
        }
    }
}

/// Where a request comes from, as far as rules and shares of traffic look at it.
public struct RequestOrigin: Sendable {
    /// The model that it asks for.
    public var model: String
    /// As they came; names compare without regard to case.
    public var headers: [(name: String, value: String)]
    /// The label of its API key; empty where it has none.
    public var keyLabel: String
    /// What its key lets its parts be, by the modality of plugins; nil: anything.
    public var allowedModalities: Set<String>?
    /// Its place in the traffic, 0 ..< 1, which decides between versions; nil: the default version.
    public var trafficPoint: Double?

    public init(
        model: String = "", headers: [(name: String, value: String)] = [], keyLabel: String = "",
        allowedModalities: Set<String>? = nil, trafficPoint: Double? = nil
    ) {
        self.model = model
        self.headers = headers
        self.keyLabel = keyLabel
        self.allowedModalities = allowedModalities
        self.trafficPoint = trafficPoint
    }
}
