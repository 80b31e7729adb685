import GatehouseJSON

/// What `GET /openapi.json` says of the API, by OpenAPI 3.1: of the endpoints that this daemon serves, and whether they want
/// a key.
public struct APIDescription: Sendable {
    private let version: String
    private let hasKeys: Bool
    private let hasAdmin: Bool
    private let limits: RequestLimits

    /// - Parameters:
    ///   - version: Of the server.
    ///   - hasAdmin: Whether the operator's commands are served.
    public init(version: String, hasKeys: Bool, hasAdmin: Bool, limits: RequestLimits) {
        self.version = version
        self.hasKeys = hasKeys
        self.hasAdmin = hasAdmin
        self.limits = limits
    }

    public func addRoutes(to router: inout HTTPRouter) {
        router.on("GET", "/openapi.json") { _ in .json(document) }
    }

    private var document: JSONValue {
        // It is built in, and a test reads it.
        var root = (try? JSONValue(parsing: PackageResources.openapi_json))?.objectValue ?? [:]
        Self.change(&root, "info") { $0["version"] = .string(version) }
        if hasKeys { root["security"] = .array([.object(["key": .array([])])]) }
        if !hasAdmin { Self.change(&root, "paths") { $0["/admin/plugins"] = nil } }
        Self.change(&root, "components") { components in
            Self.change(&components, "schemas") { schemas in
                Self.change(&schemas, "Choices") { $0["maximum"] = .number(limits.choices) }
            }
        }
        return .object(root)
    }

    private static func change(
        _ object: inout JSONObject, _ key: String, _ change: (inout JSONObject) -> Void
    ) {
        var member = object[key]?.objectValue ?? [:]
        change(&member)
        object[key] = .object(member)
    }
}
