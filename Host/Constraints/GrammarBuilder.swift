/// Puts a grammar together. A value of one thread.
struct GrammarBuilder {
    private(set) var states: [Grammar.State] = []
    private(set) var starts: [Int32] = []
    private static let most = 100_000

    private var characterRule: Int32?
    private var spaceRule: Int32?

    mutating func state() throws(SchemaProblem) -> Int32 {
        guard states.count < Self.most else { throw .tooComplex }
        states.append(Grammar.State())
        return Int32(states.count - 1)
    }

    /// A rule with nothing in it yet.
    mutating func rule() throws(SchemaProblem) -> Int32 {
        starts.append(try state())
        return Int32(starts.count - 1)
    }

    func start(of rule: Int32) -> Int32 { starts[Int(rule)] }

    mutating func end(_ state: Int32) { states[Int(state)].isEnd = true }

    mutating func join(_ state: Int32, to target: Int32) { states[Int(state)].empties.append(target) }

    mutating func edge(_ bytes: ClosedRange<UInt8>, from state: Int32, to target: Int32) {
        states[Int(state)].edges.append(
            ByteEdge(low: bytes.lowerBound, high: bytes.upperBound, target: target))
    }

    /// The state after some bytes.
    mutating func literal(_ text: String, from start: Int32) throws(SchemaProblem) -> Int32 {
        var place = start
        for byte in text.utf8 {
            let next = try state()
            edge(byte...byte, from: place, to: next)
            place = next
        }
        return place
    }

    /// The state after a rule.
    mutating func call(_ rule: Int32, from state: Int32) throws(SchemaProblem) -> Int32 {
        let back = try self.state()
        call(rule, from: state, to: back)
        return back
    }

    mutating func call(_ rule: Int32, from state: Int32, to back: Int32) {
        states[Int(state)].calls.append(Grammar.Call(rule: rule, back: back))
    }

    /// The state after a rule that follows itself.
    mutating func repetition(
        of rule: Int32, min: Int, max: Int?, from state: Int32
    ) throws(SchemaProblem) -> Int32 {
        guard let min = Int32(exactly: min), min < 1 << 24 else { throw .tooComplex }
        let place = try self.state()
        let after = try self.state()
        // Beyond any answer's length a limit is none.
        let max = max.flatMap { $0 < 1 << 24 ? Int32($0) : nil }
        states[Int(place)].repetition = Grammar.Repetition(rule: rule, min: min, max: max)
        join(place, to: after)
        join(state, to: place)
        return after
    }

    /// The state after a text that the automaton accepts.
    ///
    /// - Parameter mark: Done to each of its states.
    mutating func embed(
        _ automaton: DeterministicAutomaton, from start: Int32,
        marking mark: (_ state: inout Grammar.State) -> Void = { _ in }
    ) throws(SchemaProblem) -> Int32 {
        let after = try state()
        var places: [Int32] = []
        for index in 0..<automaton.count {
            let isLast = automaton.isAccepting[index] && automaton.edges(from: index).isEmpty
            places.append(isLast && index > 0 ? after : try state())
        }
        for index in 0..<automaton.count where places[index] != after {
            let place = Int(places[index])
            states[place].edges = automaton.edges(from: index).map {
                ByteEdge(low: $0.low, high: $0.high, target: places[Int($0.target)])
            }
            if automaton.isAccepting[index] { join(places[index], to: after) }
        }
        for place in places where place != after { mark(&states[Int(place)]) }
        join(start, to: places[0])
        return after
    }

    mutating func embed(_ expression: Expression, from start: Int32) throws(SchemaProblem) -> Int32 {
        try embed(DeterministicAutomaton(expression), from: start)
    }

    /// The state after a string of so many characters.
    mutating func string(min: Int, max: Int?, from start: Int32) throws(SchemaProblem) -> Int32 {
        let rule: Int32
        if let characterRule {
            rule = characterRule
        } else {
            rule = try self.rule()
            let first = self.start(of: rule)
            self.end(try embed(JSONLanguage.anyCharacter, from: first))
            // The one state that the start is as well.
            for state in states[Int(first)].empties { states[Int(state)].isCharacter = true }
            characterRule = rule
        }
        let open = try literal("\"", from: start)
        return try literal("\"", from: try repetition(of: rule, min: min, max: max, from: open))
    }

    /// The state after what may stand between the tokens of arrays and objects, which may be nothing.
    mutating func space(from start: Int32) throws(SchemaProblem) -> Int32 {
        let rule: Int32
        if let spaceRule {
            rule = spaceRule
        } else {
            rule = try self.rule()
            self.end(try embed(JSONLanguage.space, from: self.start(of: rule)))
            spaceRule = rule
        }
        let back = try call(rule, from: start)
        join(start, to: back)
        return back
    }

    func grammar(root: Int32) -> Grammar {
        Grammar(states: states, starts: starts, root: root)
    }
}
