/// A request whose body has arrived whole.
public struct HTTPRequest: Sendable {
    /// Unique in this process's life and beyond: `req_` and 24 hexadecimal digits. Also sent as `x-request-id`.
    public let id: String
    /// As received: methods are case-sensitive.
    public let method: String
    /// Percent-decoded, without the query.
    public let path: String
    /// Percent-decoded, in order; a name without `=` has an empty value.
    public let query: [HTTPHeaders.Field]
    public let headers: HTTPHeaders
    public internal(set) var body: [UInt8]
    /// The client's numeric address, without a port; empty if it has none.
    public let remoteAddress: String
    /// What is worth a line in the log.
    public let notes: RequestNotes

    public init(
        id: String = HTTPRequest.newID(), method: String, path: String,
        query: [HTTPHeaders.Field] = [], headers: HTTPHeaders = [:], body: [UInt8] = [],
        remoteAddress: String = "", notes: RequestNotes = RequestNotes()
    ) {
        self.id = id
        self.method = method
        self.path = path
        self.query = query
        self.headers = headers
        self.body = body
        self.remoteAddress = remoteAddress
        self.notes = notes
    }

    public static func newID() -> String {
        let digits = Array("0123456789abcdef".utf8)
        var text = Array("req_".utf8)
        for word in [UInt64.random(in: 0...UInt64.max), UInt64.random(in: 0...UInt64.max)] {
            for index in 0..<12 {
                text.append(digits[Int(truncatingIfNeeded: word >> UInt64(index * 4)) & 15])
            }
        }
        return String(decoding: text, as: UTF8.self)
    }
}
