import Foundation
import GatehouseJSON

/// Which plugins exist, their versions, and how they are loaded: `registry.json`, checked.
public struct Registry: Sendable {
    /// The file it was read from.
    public let path: String
    public internal(set) var plugins: [RegisteredPlugin]
    /// In the order in which they are tried.
    public let rules: [RoutingRule]
    /// MiB that all plugins together may take, in the host's own figures; nil for no bound.
    public let memoryBudgetMegabytes: Int?
    /// A segment to which a gate gives less weight than this is dropped, 0 … 1.
    public let gateThreshold: Double
    /// What the model brings along; see ``serving(_:)``.
    public internal(set) var modelEncoder: ModelEncoder?

    public static let defaultGateThreshold = 0.05

    /// A registry without plugins.
    public static let empty = Registry(
        path: "", plugins: [], rules: [], memoryBudgetMegabytes: nil, gateThreshold: defaultGateThreshold)

    private init(
        path: String, plugins: [RegisteredPlugin], rules: [RoutingRule], memoryBudgetMegabytes: Int?,
        gateThreshold: Double
    ) {
        self.path = path
        self.plugins = plugins
        self.rules = rules
        self.memoryBudgetMegabytes = memoryBudgetMegabytes
        self.gateThreshold = gateThreshold
    }

    /// Reads and checks a registry. Throws ``RegistryError`` with every problem found.
    public init(contentsOf path: String) throws {
        let url = URL(fileURLWithPath: path)
        let problems = JSONCursor.Problems()
        let document: JSONValue
        do {
            document = try JSONValue(parsing: try Data(contentsOf: url))
        } catch let problem as JSONProblem {
            throw RegistryError(path: path, problems: [problem])
        } catch {
            throw RegistryError(
                path: path,
                problems: [
                    JSONProblem(path: "", expected: "a readable file", found: error.systemReason)
                ])
        }
        let root = JSONCursor(document, problems: problems)
        root.object(known: ["$schema", "format", "memory_budget_mb", "gate_threshold", "plugins", "rules"])
        if root["$schema"].value != nil { _ = root["$schema"].string("where the schema is") }
        if root["format"].value != .number(1) { root["format"].expected("1") }
        let folder = url.deletingLastPathComponent().standardizedFileURL
        var plugins: [RegisteredPlugin] = []
        for cursor in root["plugins"].array("an array of plugins") {
            guard let plugin = RegisteredPlugin(cursor, folder: folder) else { continue }
            if plugins.contains(where: { $0.id == plugin.id }) {
                cursor["id"].reject(expected: "an id of its own", found: "\"\(plugin.id)\" a second time")
            }
            plugins.append(plugin)
        }
        let rules =
            root["rules"].value == nil
            ? []
            : root["rules"].array("an array of rules")
                .map { RoutingRule($0, plugins: plugins) }
        let budget = root["memory_budget_mb"].integer("MiB from 1", in: RegisteredPlugin.megabytes)
        let threshold = root["gate_threshold"].number("a weight, 0 to 1", in: 0...1)
        guard problems.all.isEmpty else { throw RegistryError(path: path, problems: problems.all) }
        self.init(
            path: url.path, plugins: plugins, rules: rules, memoryBudgetMegabytes: budget,
            gateThreshold: threshold ?? Self.defaultGateThreshold)
    }

    /// Every media type that some plugin takes, sorted.
    public var acceptedMediaTypes: [String] {
        Set(plugins.filter(\.takesPart).flatMap(\.mediaTypes)).sorted()
    }
}

/// Everything that is wrong with a registry file.
public struct RegistryError: Error, Sendable, CustomStringConvertible {
    public let path: String
    public let problems: [JSONProblem]

    public var description: String {
        "\(path): " + problems.map(\.description).joined(separator: "; ")
    }
}
