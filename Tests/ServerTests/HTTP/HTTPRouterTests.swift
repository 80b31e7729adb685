import Foundation
import Server
import Testing

@Suite struct HTTPRouterTests {
    private var router: HTTPRouter {
        var router = HTTPRouter()
        router.on("GET", "/a") { _ in .text("get a") }
        router.on("POST", "/a") { .text("post \($0.body.count)") }
        return router
    }

    private func answer(_ method: String, _ path: String) async throws -> RawResponse {
        let response = await router.respond(to: HTTPRequest(method: method, path: path))
        guard case .bytes(let bytes) = response.body else { throw RawClientError(what: "a stream") }
        var headers: [String: String] = [:]
        for field in response.headers.fields { headers[field.name.lowercased()] = field.value }
        return RawResponse(
            status: response.status, headers: headers, body: String(decoding: bytes, as: UTF8.self),
            whole: true)
    }

    @Test func aRouteIsFoundByMethodAndPath() async throws {
        #expect(try await answer("GET", "/a").body == "get a")
        #expect(try await answer("POST", "/a").body == "post 0")
        #expect(try await answer("HEAD", "/a").status == 200)
    }

    @Test func anUnknownPathIsA404InTheErrorShape() async throws {
        let response = try await answer("GET", "/A")
        #expect(response.status == 404)
        #expect(response.errorCode == "unknown_url")
    }

    @Test func aWrongMethodIsA405ThatSaysWhatIsAllowed() async throws {
        let response = try await answer("DELETE", "/a")
        #expect(response.status == 405)
        #expect(response.headers["allow"] == "GET, POST")
        #expect(response.errorCode == "method_not_allowed")
    }

    @Test func anErrorCarriesNullsWhereItHasNothingToSay() throws {
        let body = HTTPError(status: 400, message: "no \"x\"/y", param: "messages").body
        #expect(
            String(decoding: body, as: UTF8.self)
                == #"{"error":{"code":null,"message":"no \"x\"/y","param":"messages","type":"invalid_request_error"}}"#
        )
    }

    @Test func anEventKeepsItsLinesWhateverEndsThem() {
        #expect(ServerSentEvents.frame("{}") == Array("data: {}\n\n".utf8))
        #expect(
            ServerSentEvents.frame("a\nb\r\nc\rd") == Array("data: a\ndata: b\ndata: c\ndata: d\n\n".utf8))
        #expect(ServerSentEvents.frame("") == Array("data: \n\n".utf8))
    }
}
