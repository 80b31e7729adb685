/// Where a plugin version stands. The transitions are here; ``RestartPolicy`` and ``MemoryBudget`` pick the next step;
/// ``Supervisor`` acts on them.
public enum VersionState: String, Sendable, CaseIterable {
    /// Takes no memory; the next call loads it.
    case unloaded
    /// Its first worker opens the library and reads the weights.
    case loading
    /// Its first worker is tried on the sample of the registry.
    case selfTesting = "self-testing"
    /// Its first worker makes the calls that later ones would otherwise wait for.
    case warming
    /// Takes calls.
    case ready
    /// Finishes the calls that it has, and then ends.
    case draining
    /// Failed repeatedly; not started again before some time has passed.
    case backingOff = "backing-off"
    /// Failed too often: not started again until the operator or the registry says so.
    case outOfService = "out-of-service"

    /// What can happen to a plugin version.
    public enum Event: Sendable, Hashable, CaseIterable {
        /// A call or the operator needs it and it is not there.
        case load
        /// Its first worker is ready to be tried.
        case loaded
        /// Its first worker is ready, and it was tried before.
        case loadedProven
        /// The self-test came out as expected, or there is none.
        case passed
        /// The calls to warm it up were made.
        case warmed
        /// It takes no new requests; those that it has are finished first.
        case drain
        /// Its last worker was let go: idle for too long, in another's way, drained, or no longer wanted.
        case leave
        /// Its last worker failed; the policy says to start another when one is needed.
        case failed
        /// Its last worker failed; the policy says to wait.
        case backOff
        /// The policy says that it failed too often.
        case takeOut
        /// The wait is over.
        case retry
        /// The operator or a change of the registry wants it again.
        case reinstate
    }

    /// The state after `event`, or nil where the event is illegal in this state.
    public func next(_ event: Event) -> VersionState? {
        switch (self, event) {
        case (.unloaded, .load): .loading
        case (.loading, .loaded): .selfTesting
        case (.loading, .loadedProven): .ready
        case (.selfTesting, .passed): .warming
        case (.warming, .warmed): .ready
        case (.ready, .drain): .draining
        case (.loading, .leave), (.selfTesting, .leave), (.warming, .leave), (.ready, .leave),
            (.draining, .leave):
            .unloaded
        case (.loading, .failed), (.selfTesting, .failed), (.warming, .failed), (.ready, .failed),
            (.draining, .failed):
            .unloaded
        case (.loading, .backOff), (.selfTesting, .backOff), (.warming, .backOff), (.ready, .backOff),
            (.draining, .backOff):
            .backingOff
        case (.loading, .takeOut), (.selfTesting, .takeOut), (.warming, .takeOut), (.ready, .takeOut),
            (.draining, .takeOut):
            .outOfService
        case (.backingOff, .retry), (.backingOff, .reinstate), (.outOfService, .reinstate): .unloaded
        case (.draining, .reinstate): .ready
        default: nil
        }
    }

    /// Whether its workers take calls. One that drains still takes those of requests that were routed to it before.
    var takesCalls: Bool { self == .ready || self == .draining }
}
