import Modalities
import Testing

@Suite struct EncoderStateTests {
    /// Every state by every event; `nil` is illegal.
    @Test(
        arguments: [
            (EncoderState.unloaded, [.loading, nil, nil, nil, nil, nil]),
            (.loading, [nil, .busy, .unloaded, nil, nil, nil]),
            (.idle, [nil, nil, nil, .busy, nil, .unloaded]),
            (.busy, [nil, nil, nil, nil, .idle, .unloaded]),
        ] as [(EncoderState, [EncoderState?])])
    func everyTransitionIsAsTheTableSays(_ state: EncoderState, _ expected: [EncoderState?]) {
        let events: [EncoderState.Event] = [.load, .loaded, .failed, .call, .finish, .leave]
        #expect(events.map { state.next($0) } == expected)
    }
}
