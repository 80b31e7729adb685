import Foundation
import GatehouseJSON
import Modalities

extension AdminService {
    /// The commands of the socket over HTTP, for a daemon that was started with `--admin`: `GET /admin/plugins` lists,
    /// `POST /admin/plugins` takes what the socket takes.
    public func addRoutes(to router: inout HTTPRouter) {
        router.on("GET", "/admin/plugins") { _ in
            .json(Array(await respond(to: .object(["command": .string("plugin list")])).text.utf8))
        }
        router.on("POST", "/admin/plugins") { request in
            guard let command = try? JSONValue(parsing: Data(request.body)) else {
                return HTTPError(
                    status: 400, message: "The body: expected a JSON object with a command.",
                    code: "invalid_json"
                ).response
            }
            let answer = await respond(to: command)
            return .json(Array(answer.text.utf8), status: answer["error"] == nil ? 200 : 400)
        }
    }
}
