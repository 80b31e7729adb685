/// The places in which a grammar may be after some bytes: sets of stacks, each set with a number. What was found out is
/// kept, so that a byte costs a look into a table. Of one thread.
final class Configurations {
    /// A grammar's state with the states that it goes back to.
    private struct Node: Hashable {
        var state: Int32
        /// Times that the repetition at the state has begun.
        var count: Int32
        /// -1 at the bottom.
        var parent: Int32
    }

    let grammar: Grammar
    private var nodes: [Node] = []
    private var nodeNumbers: [Node: Int32] = [:]
    /// Fewest bytes from each node to the end of the answer.
    private var nodeDistances: [Int] = []
    private var nodeNormals: [Int32: Int32] = [:]

    /// Nodes of each configuration from which bytes go, in rising order.
    private var members: [[Int32]] = []
    private var numbers: [[Int32]: Int32] = [:]
    /// The members of a configuration that may end have this one too.
    private static let endNode: Int32 = -1
    private(set) var isComplete: [Bool] = []
    /// Fewest bytes from each configuration to the end of the answer.
    private(set) var distances: [Int] = []
    /// `[256]` of each configuration that was asked for: where the byte leads, -1 for nowhere.
    private var tables: [UnsafeMutablePointer<Int32>?] = []
    /// The byte that begins the one completion on which all shortest ones are built, and where it leads.
    private var firstSteps: [Int32: (byte: UInt8, next: Int32)] = [:]

    /// Where an answer begins; nil where no answer is possible.
    private(set) var start: Int32?

    init(_ grammar: Grammar) {
        self.grammar = grammar
        guard grammar.fewestBytes != nil else { return }
        let root = grammar.starts[Int(grammar.root)]
        start = configuration([node(Node(state: root, count: 0, parent: -1))])
    }

    deinit {
        for table in tables { table?.deallocate() }
    }

    var count: Int { members.count }

    /// Where a byte leads; nil for nowhere.
    func next(_ configuration: Int32, _ byte: UInt8) -> Int32? {
        if let table = tables[Int(configuration)] {
            let target = table[Int(byte)]
            return target < 0 ? nil : target
        }
        return step(configuration, byte)
    }

    /// Where each byte leads; -1 for nowhere.
    func table(_ configuration: Int32) -> UnsafeMutablePointer<Int32> {
        if let table = tables[Int(configuration)] { return table }
        let table = UnsafeMutablePointer<Int32>.allocate(capacity: 256)
        table.initialize(repeating: -1, count: 256)
        var borders: Set<Int> = []
        for member in members[Int(configuration)] where member >= 0 {
            for edge in grammar.states[Int(nodes[Int(member)].state)].edges {
                borders.insert(Int(edge.low))
                borders.insert(Int(edge.high) + 1)
            }
        }
        let sorted = borders.sorted()
        for (low, high) in zip(sorted, sorted.dropFirst()) {
            let target = step(configuration, UInt8(low)) ?? -1
            for byte in low..<high { table[byte] = target }
        }
        tables[Int(configuration)] = table
        return table
    }

    private func step(_ configuration: Int32, _ byte: UInt8) -> Int32? {
        var reached: [Int32] = []
        for member in members[Int(configuration)] where member >= 0 {
            let node = nodes[Int(member)]
            for edge in grammar.states[Int(node.state)].edges where edge.low <= byte && byte <= edge.high {
                guard grammar.distances[Int(edge.target)] < Grammar.endless else { continue }
                reached.append(self.node(Node(state: edge.target, count: 0, parent: node.parent)))
            }
        }
        return reached.isEmpty ? nil : self.configuration(reached)
    }

    // MARK: Nodes

    private func node(_ node: Node) -> Int32 {
        if let known = nodeNumbers[node] { return known }
        let number = Int32(nodes.count)
        nodes.append(node)
        nodeNumbers[node] = number
        let rest = node.parent < 0 ? 0 : nodeDistances[Int(node.parent)]
        nodeDistances.append(min(Grammar.endless, distance(of: node) + rest))
        return number
    }

    /// Fewest bytes to the end of the node's rule.
    private func distance(of node: Node) -> Int {
        let whole = grammar.distances[Int(node.state)]
        guard node.count > 0, let repetition = grammar.states[Int(node.state)].repetition,
            whole < Grammar.endless
        else { return whole }
        let each = grammar.distances[Int(grammar.starts[Int(repetition.rule)])]
        return whole - Int(min(node.count, repetition.min)) * (repetition.min > 0 ? each : 0)
    }

    /// The configuration of nodes and all that they are as well.
    private func configuration(_ seeds: [Int32]) -> Int32 {
        var seen = Set(seeds)
        var work = seeds
        var found: [Int32] = []
        func visit(_ state: Int32, _ count: Int32, _ parent: Int32) {
            guard grammar.distances[Int(state)] < Grammar.endless else { return }
            let number = node(Node(state: state, count: count, parent: parent))
            if seen.insert(number).inserted { work.append(number) }
        }
        func call(_ rule: Int32, back: Int32, count: Int32, parent: Int32) {
            guard grammar.distances[Int(back)] < Grammar.endless else { return }
            // What comes back only to end is not gone back to.
            let under =
                grammar.states[Int(back)].onlyEnds
                ? parent : node(Node(state: back, count: count, parent: parent))
            visit(grammar.starts[Int(rule)], 0, under)
        }
        while let number = work.popLast() {
            let node = nodes[Int(number)]
            let state = grammar.states[Int(node.state)]
            if !state.edges.isEmpty { found.append(number) }
            if state.isEnd {
                if node.parent < 0 {
                    if found.first != Self.endNode { found.insert(Self.endNode, at: 0) }
                } else if seen.insert(node.parent).inserted {
                    work.append(node.parent)
                }
            }
            var maySkip = true
            if let repetition = state.repetition {
                maySkip = node.count >= repetition.min
                let most = repetition.max ?? .max
                if node.count < most {
                    let count = min(node.count + 1, repetition.max ?? repetition.min)
                    call(repetition.rule, back: node.state, count: count, parent: node.parent)
                }
            }
            if maySkip { for target in state.empties { visit(target, 0, node.parent) } }
            for each in state.calls { call(each.rule, back: each.back, count: 0, parent: node.parent) }
        }
        return number(of: found)
    }

    private func number(of found: [Int32]) -> Int32 {
        let sorted = found.sorted()
        if let known = numbers[sorted] { return known }
        let number = Int32(members.count)
        numbers[sorted] = number
        members.append(sorted)
        tables.append(nil)
        isComplete.append(sorted.first == Self.endNode)
        distances.append(sorted.map { $0 < 0 ? 0 : nodeDistances[Int($0)] }.min() ?? Grammar.endless)
        return number
    }

    // MARK: What a configuration is like

    /// Whether nothing can follow.
    func isFinished(_ configuration: Int32) -> Bool {
        members[Int(configuration)].allSatisfy { $0 < 0 }
    }

    /// Whether the model is free there.
    func isFree(_ configuration: Int32) -> Bool {
        members[Int(configuration)].contains {
            $0 >= 0 && grammar.states[Int(nodes[Int($0)].state)].isFree
        }
    }

    /// How many characters that need no escape may come one after the other in a string that has no pattern, where
    /// they have no other meaning; nil where that is not so.
    func plainRoom(_ configuration: Int32) -> Int? {
        var room: Int?
        for member in members[Int(configuration)] where member >= 0 {
            let node = nodes[Int(member)]
            let state = grammar.states[Int(node.state)]
            if state.isCharacter, node.parent >= 0 {
                let back = nodes[Int(node.parent)]
                guard let repetition = grammar.states[Int(back.state)].repetition else { return nil }
                let left = repetition.max.map { Int($0 - back.count) + 1 } ?? .max
                room = max(room ?? 0, left)
            } else if state.edges.contains(where: { $0.low != 0x22 || $0.high != 0x22 }) {
                return nil
            }
        }
        return room
    }

    /// A configuration from which the same bytes may come, as far as `longest` of them tell: far from its bounds a
    /// count does not matter.
    func normal(_ configuration: Int32, longest: Int) -> Int32 {
        let normals = members[Int(configuration)].map { $0 < 0 ? $0 : normalNode($0, longest: longest) }
        if normals == members[Int(configuration)] { return configuration }
        return number(of: Array(Set(normals)))
    }

    private func normalNode(_ number: Int32, longest: Int) -> Int32 {
        if let known = nodeNormals[number] { return known }
        var node = nodes[Int(number)]
        if let repetition = grammar.states[Int(node.state)].repetition {
            let far = Int32(longest + 2)
            let (least, most) = (repetition.min, repetition.max ?? .max)
            if least - node.count > far {
                node.count = least - far
            } else if node.count >= least, most - node.count > far {
                node.count = least
            }
        }
        if node.parent >= 0 { node.parent = normalNode(node.parent, longest: longest) }
        let normal = self.node(node)
        nodeNormals[number] = normal
        return normal
    }

    /// The first step of the one completion that stands for the shortest; nil where the answer may end.
    func firstStep(_ configuration: Int32) -> (byte: UInt8, next: Int32)? {
        if isComplete[Int(configuration)] { return nil }
        if let known = firstSteps[configuration] { return known }
        let distance = distances[Int(configuration)]
        var first: UInt8?
        for member in members[Int(configuration)] where member >= 0 && nodeDistances[Int(member)] == distance
        {
            let node = nodes[Int(member)]
            let rest = node.parent < 0 ? 0 : nodeDistances[Int(node.parent)]
            for edge in grammar.states[Int(node.state)].edges
            where 1 + grammar.distances[Int(edge.target)] + rest == distance {
                first = min(first ?? edge.low, edge.low)
            }
        }
        guard let byte = first, let next = next(configuration, byte) else { return nil }
        firstSteps[configuration] = (byte, next)
        return (byte, next)
    }
}

extension Grammar {
    /// Whether the bytes are an answer.
    public func accepts(_ bytes: some Sequence<UInt8>) -> Bool {
        let configurations = Configurations(self)
        guard var place = configurations.start else { return false }
        for byte in bytes {
            guard let next = configurations.next(place, byte) else { return false }
            place = next
        }
        return configurations.isComplete[Int(place)]
    }
}
