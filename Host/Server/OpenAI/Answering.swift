/// How the endpoints tell of errors: by a status while nothing has gone out, by an event after that.
extension HTTPRouter {
    /// Routes to a handler that throws.
    ///
    /// - Parameter param: The field of what is asked, where that is not `messages`.
    mutating func on(
        _ method: String, _ path: String, asking param: String? = nil,
        answering handler: @escaping @Sendable (HTTPRequest) async throws -> HTTPResponse
    ) {
        on(method, path) { request in
            do {
                return try await handler(request)
            } catch {
                return HTTPError(describing: error, of: param).response
            }
        }
    }
}

extension ServerSentEvents {
    /// A response that streams an answer to a client. As the head has gone out, the error that ends it is its last event,
    /// and noted. Until then it is one of the client's requests.
    ///
    /// - Parameter param: The field of what is asked, where that is not `messages`.
    static func answer(
        to client: AccessControl.Client, asking param: String? = nil,
        _ producer: @escaping @Sendable (Writer) async throws -> Void
    ) -> HTTPResponse {
        response(headers: client.headers) { events in
            do {
                try await producer(events)
            } catch let error where !(error is HTTPClientGone || error is CancellationError) {
                let error = HTTPError(describing: error, of: param)
                client.notes.add(error)
                try await events.send(String(decoding: error.body, as: UTF8.self))
            }
        }
    }
}
