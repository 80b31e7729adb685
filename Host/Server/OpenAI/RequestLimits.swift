/// What any one request may ask for.
public struct RequestLimits: Sendable {
    /// Images, sounds and files in all its messages.
    public var mediaParts = 64
    /// Bytes of each of them.
    public var partBytes = 64 << 20
    /// Answers to a prompt (`n`), at most 128.
    public var choices = 128

    public init() {}

    /// Throws 413 where a media part is larger.
    func check(bytes: Int, at path: String) throws(HTTPError) {
        guard bytes <= partBytes else {
            throw HTTPError(
                status: 413,
                message: "\(path): expected at most \(partBytes) bytes, which this server takes of a part, "
                    + "found \(bytes)",
                param: path, code: "media_too_large")
        }
    }
}
