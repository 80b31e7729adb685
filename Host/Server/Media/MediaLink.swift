/// A picture that a request gives by its address.
struct MediaLink: Sendable {
    let url: String
    /// Of the field, for errors.
    let path: String
    /// Its place: of the message in the request, and in the message.
    let message: Int
    let part: Int

    /// Whether a text is an address that may be fetched from, and no `data:` URL or anything else.
    static func isOne(_ text: String) -> Bool {
        let start = text.prefix(8).lowercased()
        return start.hasPrefix("http://") || start.hasPrefix("https://")
    }
}
