/// A regular language over bytes, as it is put together.
indirect enum Expression: Sendable {
    case bytes(ClosedRange<UInt8>)
    case literal([UInt8])
    case sequence([Expression])
    /// One of them; of none, nothing matches.
    case choice([Expression])
    case repeated(Expression, min: Int, max: Int?)

    static func text(_ text: String) -> Expression { .literal(Array(text.utf8)) }
}

/// An edge for the bytes from `low` to `high`.
struct ByteEdge: Sendable {
    var low: UInt8
    var high: UInt8
    var target: Int32
}

/// An automaton that may be in several states at once. State 0 is the start, state 1 the one end.
struct NondeterministicAutomaton {
    private(set) var edges: [[ByteEdge]] = [[], []]
    private(set) var empties: [[Int32]] = [[], []]
    /// States that may be made.
    private static let most = 50_000

    /// - Throws: ``SchemaProblem/tooComplex`` where the expression takes too many states.
    init(_ expression: Expression) throws(SchemaProblem) {
        let end = try add(expression, from: 0)
        empties[Int(end)].append(1)
    }

    private mutating func state() throws(SchemaProblem) -> Int32 {
        guard edges.count < Self.most else { throw .tooComplex }
        edges.append([])
        empties.append([])
        return Int32(edges.count - 1)
    }

    /// The state after the expression, where it begins at `start`.
    private mutating func add(_ expression: Expression, from start: Int32) throws(SchemaProblem) -> Int32 {
        switch expression {
        case .bytes(let range):
            let end = try state()
            edges[Int(start)].append(ByteEdge(low: range.lowerBound, high: range.upperBound, target: end))
            return end
        case .literal(let bytes):
            var place = start
            for byte in bytes { place = try add(.bytes(byte...byte), from: place) }
            return place
        case .sequence(let parts):
            var place = start
            for part in parts { place = try add(part, from: place) }
            return place
        case .choice(let parts):
            let end = try state()
            for part in parts {
                let first = try state()
                empties[Int(start)].append(first)
                let last = try add(part, from: first)
                empties[Int(last)].append(end)
            }
            return end
        case .repeated(let part, let min, let max):
            var place = start
            for _ in 0..<min { place = try add(part, from: place) }
            guard let max else {
                let loop = try state()
                empties[Int(place)].append(loop)
                let back = try add(part, from: loop)
                empties[Int(back)].append(loop)
                let end = try state()
                empties[Int(loop)].append(end)
                return end
            }
            let end = try state()
            for _ in min..<Swift.max(min, max) {
                empties[Int(place)].append(end)
                // A state of its own, so that what follows a loop inside cannot enter it again.
                let first = try state()
                empties[Int(place)].append(first)
                place = try add(part, from: first)
            }
            empties[Int(place)].append(end)
            return end
        }
    }
}
