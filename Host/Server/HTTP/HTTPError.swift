import Foundation

/// An error as OpenAI's API writes it: `{"error": {"message", "type", "param", "code"}}`, null where nil.
public struct HTTPError: Error, Sendable {
    public var status: Int
    /// What was wrong and what the client can do about it.
    public var message: String
    /// `invalid_request_error` (the client's to mend) or `server_error`, among others of the API.
    public var type: String
    /// The field of the request that was wrong.
    public var param: String?
    /// A stable word for programs.
    public var code: String?
    public var headers: HTTPHeaders

    /// `type` defaults by status: below 500 the request is at fault.
    public init(
        status: Int, message: String, type: String? = nil, param: String? = nil, code: String? = nil,
        headers: HTTPHeaders = [:]
    ) {
        self.status = status
        self.message = message
        self.type = type ?? (status < 500 ? "invalid_request_error" : "server_error")
        self.param = param
        self.code = code
        self.headers = headers
    }

    public var response: HTTPResponse {
        var response = HTTPResponse.json(body, status: status)
        response.error = self
        for field in headers.fields {
            response.headers.append(field.name, field.value)
        }
        return response
    }

    /// The JSON text alone, for an error inside a stream that has begun.
    public var body: [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let envelope = ["error": ["message": message, "type": type, "param": param, "code": code]]
        // Four strings always encode.
        return (try? encoder.encode(envelope)).map(Array.init) ?? []
    }
}
