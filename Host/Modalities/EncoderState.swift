/// Where a plugin version stands. The transitions are here; ``Supervisor`` acts on them.
public enum EncoderState: String, Sendable {
    /// Takes no memory; the next call loads it.
    case unloaded
    /// Its library is being opened, its weights read.
    case loading
    /// Ready, with nothing to do.
    case idle
    /// A call is in it.
    case busy

    /// What can happen to a plugin version.
    public enum Event: Sendable {
        /// A call needs it and it is not there.
        case load
        /// It is ready, and the call that loaded it goes in.
        case loaded
        /// It could not be loaded.
        case failed
        /// A call goes in.
        case call
        /// The call came back and no other waits.
        case finish
        /// It went away: let go after its idle time, by the operator, or by its own death.
        case leave
    }

    /// The state after `event`, or nil where the event is illegal in this state.
    public func next(_ event: Event) -> EncoderState? {
        switch (self, event) {
        case (.unloaded, .load): .loading
        case (.loading, .loaded): .busy
        case (.loading, .failed): .unloaded
        case (.idle, .call): .busy
        case (.busy, .finish): .idle
        case (.idle, .leave), (.busy, .leave): .unloaded
        default: nil
        }
    }
}
