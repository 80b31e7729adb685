import Modalities
import TestSupport
import Testing

@Suite struct VersionStateTests {
    private typealias Event = VersionState.Event

    /// Every legal transition; whatever is not here is illegal.
    private static let table: [VersionState: [VersionState.Event: VersionState]] = [
        .unloaded: [.load: .loading],
        .loading: [
            .loaded: .selfTesting, .loadedProven: .ready, .leave: .unloaded, .failed: .unloaded,
            .backOff: .backingOff, .takeOut: .outOfService,
        ],
        .selfTesting: [
            .passed: .warming, .leave: .unloaded, .failed: .unloaded, .backOff: .backingOff,
            .takeOut: .outOfService,
        ],
        .warming: [
            .warmed: .ready, .leave: .unloaded, .failed: .unloaded, .backOff: .backingOff,
            .takeOut: .outOfService,
        ],
        .ready: [
            .drain: .draining, .leave: .unloaded, .failed: .unloaded, .backOff: .backingOff,
            .takeOut: .outOfService,
        ],
        .draining: [
            .leave: .unloaded, .failed: .unloaded, .backOff: .backingOff, .takeOut: .outOfService,
            .reinstate: .ready,
        ],
        .backingOff: [.retry: .unloaded, .reinstate: .unloaded],
        .outOfService: [.reinstate: .unloaded],
    ]

    @Test(arguments: VersionState.allCases)
    func everyTransitionIsAsTheTableSays(_ state: VersionState) {
        for event in VersionState.Event.allCases {
            #expect(state.next(event) == Self.table[state]?[event], "\(state), \(event)")
        }
    }

    /// Whatever happened to a version, there is a way back to where it takes calls; and a version that was never tried
    /// passes self-test and warming before it does.
    @Test func randomSequencesOfEventsNeverGetStuckOrSkipTheSelfTest() {
        var random = SplitMix64(state: 3)
        for _ in 0..<2000 {
            var state = VersionState.unloaded
            var wasTried = false
            for _ in 0..<40 {
                let event = VersionState.Event.allCases.randomElement(using: &random) ?? .load
                if event == .loadedProven, !wasTried { continue }
                guard let next = state.next(event) else { continue }
                if next == .ready, state == .warming { wasTried = true }
                #expect(next != .ready || wasTried)
                state = next
            }
            let way: [VersionState.Event] = [
                .leave, .reinstate, .leave, .load, .loaded, .passed, .warmed,
            ]
            for event in way { state = state.next(event) ?? state }
            #expect(state == .ready)
        }
    }
}
