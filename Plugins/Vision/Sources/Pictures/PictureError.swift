/// Why a picture becomes no features.
public enum PictureError: Error, Sendable, Equatable {
    /// Not what its media type says, damaged, or beyond the limits.
    case badInput(String)
    case outOfMemory(String)
    case cancelled
}
