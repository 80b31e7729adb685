/// An automaton over bytes that is in one state at a time. State 0 is the start.
struct DeterministicAutomaton {
    /// `[states, 256]`; -1 where nothing follows.
    private(set) var next: [Int32] = []
    private(set) var isAccepting: [Bool] = []
    private static let most = 6000
    /// Members of all subsets together, so that a hostile pattern takes no longer than its refusal is worth.
    private static let mostMembers = 1_500_000

    var count: Int { isAccepting.count }

    /// - Throws: ``SchemaProblem/tooComplex`` where it takes too many states.
    init(_ expression: Expression) throws(SchemaProblem) {
        try self.init(NondeterministicAutomaton(expression))
    }

    /// By the construction of subsets.
    private init(_ automaton: NondeterministicAutomaton) throws(SchemaProblem) {
        var numbers: [[Int32]: Int32] = [:]
        var subsets: [[Int32]] = []
        var seen = 0
        func number(_ seeds: [Int32]) -> Int32 {
            var members = Set(seeds)
            var work = seeds
            while let state = work.popLast() {
                for target in automaton.empties[Int(state)] where members.insert(target).inserted {
                    work.append(target)
                }
            }
            seen += members.count
            // States with nothing but ways to others say nothing of their own.
            let subset = members.filter { !automaton.edges[Int($0)].isEmpty || $0 == 1 }.sorted()
            if let known = numbers[subset] { return known }
            let new = Int32(subsets.count)
            numbers[subset] = new
            subsets.append(subset)
            return new
        }
        _ = number([0])
        var index = 0
        while index < subsets.count {
            guard index < Self.most, seen < Self.mostMembers else { throw .tooComplex }
            let subset = subsets[index]
            isAccepting.append(subset.contains(1))
            let edges = subset.flatMap { automaton.edges[Int($0)] }
            var row = [Int32](repeating: -1, count: 256)
            // Between two borders of edges all bytes lead to the same states.
            let borders = Set(edges.flatMap { [Int($0.low), Int($0.high) + 1] }).sorted()
            for (low, high) in zip(borders, borders.dropFirst()) {
                let targets = Set(
                    edges.lazy.filter { Int($0.low) <= low && low <= Int($0.high) }.map(\.target))
                guard !targets.isEmpty else { continue }
                let target = number(targets.sorted())
                for byte in low..<high { row[byte] = target }
            }
            next += row
            index += 1
        }
    }

    private init() {}

    /// What both accept.
    func intersection(_ other: Self) throws(SchemaProblem) -> Self {
        try product(other, keepsFirst: false)
    }

    /// What this one accepts and the other does not.
    func subtracting(_ other: Self) throws(SchemaProblem) -> Self {
        try product(other, keepsFirst: true)
    }

    /// - Parameter keepsFirst: Whether to accept what the other does not, instead of what it does too.
    private func product(_ other: Self, keepsFirst: Bool) throws(SchemaProblem) -> Self {
        struct Pair: Hashable {
            var first: Int32
            /// -1 where the other accepts nothing any more.
            var second: Int32
        }
        var result = Self()
        var numbers = [Pair(first: 0, second: 0): Int32(0)]
        var pairs = [Pair(first: 0, second: 0)]
        var index = 0
        while index < pairs.count {
            guard index < Self.most else { throw .tooComplex }
            let pair = pairs[index]
            let otherAccepts = pair.second >= 0 && other.isAccepting[Int(pair.second)]
            result.isAccepting.append(isAccepting[Int(pair.first)] && otherAccepts != keepsFirst)
            for byte in 0..<256 {
                let first = next[Int(pair.first) * 256 + byte]
                let second = pair.second < 0 ? -1 : other.next[Int(pair.second) * 256 + byte]
                guard first >= 0, keepsFirst || second >= 0 else {
                    result.next.append(-1)
                    continue
                }
                let target = Pair(first: first, second: second)
                let number = numbers[target] ?? Int32(pairs.count)
                if number == pairs.count {
                    numbers[target] = number
                    pairs.append(target)
                }
                result.next.append(number)
            }
            index += 1
        }
        return result
    }

    /// The ways out of a state, bytes that lie side by side together.
    func edges(from state: Int) -> [ByteEdge] {
        var edges: [ByteEdge] = []
        for byte in 0..<256 {
            let target = next[state * 256 + byte]
            guard target >= 0 else { continue }
            if let last = edges.last, last.target == target, Int(last.high) + 1 == byte {
                edges[edges.count - 1].high = UInt8(byte)
            } else {
                edges.append(ByteEdge(low: UInt8(byte), high: UInt8(byte), target: target))
            }
        }
        return edges
    }

    func accepts(_ text: some Sequence<UInt8>) -> Bool {
        var state: Int32 = 0
        for byte in text {
            state = next[Int(state) * 256 + Int(byte)]
            if state < 0 { return false }
        }
        return isAccepting[Int(state)]
    }
}
