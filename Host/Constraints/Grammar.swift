/// What an answer may look like: rules over bytes that may call each other, so that values nest to any depth.
public struct Grammar: Sendable {
    struct Call: Sendable {
        var rule: Int32
        /// Where it goes on after the rule.
        var back: Int32
    }

    /// A rule that follows itself, counted.
    struct Repetition: Sendable {
        var rule: Int32
        var min: Int32
        /// nil: any number.
        var max: Int32?
    }

    struct State: Sendable {
        var edges: [ByteEdge] = []
        /// States that it is as well. After a repetition: where it goes on once there are enough.
        var empties: [Int32] = []
        var calls: [Call] = []
        var repetition: Repetition?
        /// Whether the rule may end here.
        var isEnd = false
        /// Whether the model is free here: what has no text may be written too.
        var isFree = false
        /// Whether it is the start of a character of a string, where any character that needs no escape may come.
        var isCharacter = false

        /// Whether nothing can be done but to end.
        var onlyEnds: Bool {
            isEnd && edges.isEmpty && empties.isEmpty && calls.isEmpty && repetition == nil
        }
    }

    let states: [State]
    /// The first state of each rule.
    let starts: [Int32]
    let root: Int32
    /// For each state, the fewest bytes to the end of its rule; ``endless`` where there is no end.
    let distances: [Int]

    static let endless = Int.max / 4

    /// The fewest bytes of an answer; nil where no answer is possible.
    public var fewestBytes: Int? {
        let bytes = distances[Int(starts[Int(root)])]
        return bytes < Self.endless ? bytes : nil
    }

    init(states: [State], starts: [Int32], root: Int32) {
        self.states = states
        self.starts = starts
        self.root = root
        distances = Self.distances(states, starts: starts)
    }

    private static func distances(_ states: [State], starts: [Int32]) -> [Int] {
        var distances = states.map { $0.isEnd ? 0 : endless }
        func sum(_ parts: Int...) -> Int { min(endless, parts.reduce(0, +)) }
        var changed = true
        while changed {
            changed = false
            // States are mostly made in the order in which they follow each other.
            for index in states.indices.reversed() {
                let state = states[index]
                var least = distances[index]
                for edge in state.edges { least = min(least, sum(1, distances[Int(edge.target)])) }
                var rest = state.empties.map { distances[Int($0)] }.min() ?? endless
                if let repetition = state.repetition, repetition.min > 0 {
                    let each = distances[Int(starts[Int(repetition.rule)])]
                    let all = each.multipliedReportingOverflow(by: Int(repetition.min))
                    rest =
                        each < endless && !all.overflow ? sum(min(endless, all.partialValue), rest) : endless
                }
                least = min(least, rest)
                for call in state.calls {
                    least = min(
                        least, sum(distances[Int(starts[Int(call.rule)])], distances[Int(call.back)]))
                }
                if least < distances[index] {
                    distances[index] = least
                    changed = true
                }
            }
        }
        return distances
    }

    /// Whether a rule can come to itself without a byte in between, so that there is no telling how deep it is.
    var isLeftRecursive: Bool {
        enum Mark { case open, done }
        var marks: [Int32: Mark] = [:]
        func called(by rule: Int32) -> [Int32] {
            var seen: Set<Int32> = [starts[Int(rule)]]
            var work = Array(seen)
            var found: [Int32] = []
            func visit(_ state: Int32) { if seen.insert(state).inserted { work.append(state) } }
            func isEmpty(_ rule: Int32) -> Bool { distances[Int(starts[Int(rule)])] == 0 }
            while let index = work.popLast() {
                let state = states[Int(index)]
                if let repetition = state.repetition {
                    found.append(repetition.rule)
                    if repetition.min > 0, !isEmpty(repetition.rule) { continue }
                }
                state.empties.forEach(visit)
                for call in state.calls {
                    found.append(call.rule)
                    if isEmpty(call.rule) { visit(call.back) }
                }
            }
            return found
        }
        // Without recursion, as rules may be many.
        for rule in starts.indices.map(Int32.init) where marks[rule] == nil {
            var path: [(rule: Int32, called: [Int32])] = [(rule, called(by: rule))]
            marks[rule] = .open
            while let last = path.last {
                guard let next = last.called.last else {
                    marks[last.rule] = .done
                    path.removeLast()
                    continue
                }
                path[path.count - 1].called.removeLast()
                switch marks[next] {
                case .open: return true
                case .done: continue
                case nil:
                    marks[next] = .open
                    path.append((next, called(by: next)))
                }
            }
        }
        return false
    }
}
