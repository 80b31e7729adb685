/// Why a sound becomes no text.
public enum SoundError: Error, Sendable, Equatable {
    /// Not what its media type says, damaged, or beyond the limits.
    case badInput(String)
    case outOfMemory(String)
    case cancelled
}
