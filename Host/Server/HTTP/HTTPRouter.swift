/// Method and path to handler, exact matches only.
///
/// An unknown path is 404, a known path with another method 405 with `Allow`. HEAD goes to GET's handler where
/// it has none of its own; the server leaves the body out.
public struct HTTPRouter: Sendable {
    private var routes: [String: [String: HTTPServer.Handler]] = [:]

    public init() {}

    public mutating func on(_ method: String, _ path: String, _ handler: @escaping HTTPServer.Handler) {
        precondition(routes[path]?[method] == nil, "\(method) \(path) is routed twice")
        routes[path, default: [:]][method] = handler
    }

    /// Whether something is served at a path, by whatever method.
    public func knows(_ path: String) -> Bool { routes[path] != nil }

    public func respond(to request: HTTPRequest) async -> HTTPResponse {
        guard let methods = routes[request.path] else {
            return HTTPError(
                status: 404, message: "Nothing is served at \(request.path).", code: "unknown_url"
            ).response
        }
        let handler = methods[request.method] ?? (request.method == "HEAD" ? methods["GET"] : nil)
        guard let handler else {
            let allowed = methods.keys.sorted().joined(separator: ", ")
            return HTTPError(
                status: 405, message: "\(request.path) takes \(allowed), not \(request.method).",
                code: "method_not_allowed", headers: ["Allow": allowed]
            ).response
        }
        return await handler(request)
    }
}
