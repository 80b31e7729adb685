/// Why a media part of a request came to nothing.
public struct MediaError: Error, Sendable, CustomStringConvertible {
    /// The message's place among those of the request, from 0.
    public let message: Int
    /// The part's place in the message's content, from 0.
    public let part: Int
    /// What went wrong with it: `RoutingError`, `PluginFailure`, `FusionError`, and others.
    public let error: any Error

    public init(message: Int, part: Int, error: any Error) {
        self.message = message
        self.part = part
        self.error = error
    }

    public var description: String { "\(error)" }
}
