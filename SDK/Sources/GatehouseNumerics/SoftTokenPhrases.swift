import GatehouseJSON

/// How a head of soft tokens reads as phrases: each slot chooses among pieces of its own, one of which may say that there is
/// nothing to say. What is left is said in the order of its certainty.
///
/// The metadata of the head's file has it: `slots`, a JSON array of an object for each query, with `first` and `count`, which
/// pieces are the slot's, and perhaps `nothing`, which of the head's pieces means nothing; `separator`, a text between two
/// slots; `least`, a number: a slot whose likeliest piece has less of the probability is not said.
struct SoftTokenPhrases: Sendable {
    struct Slot: Sendable {
        let pieces: Range<Int>
        let nothing: Int?
    }

    /// Pieces of a slot with less than this share of the likeliest one's probability are not handed on: a slot has as many
    /// rows as its longest piece, and past the others' ends that one alone would be read.
    static let leastShare: Float = 0.25

    let slots: [Slot]
    let separator: String
    let least: Float

    /// Nil where the metadata has no `slots`.
    init?(_ metadata: [String: String], path: String, slots count: Int, pieces: Int) throws(TensorFileError) {
        func failure(_ field: String, _ expected: String, _ found: String) -> TensorFileError {
            TensorFileError(path: path, field: "__metadata__.\(field)", expected: expected, found: found)
        }
        func value(_ name: String, _ text: String) throws(TensorFileError) -> JSONValue {
            do { return try JSONValue(parsing: text.utf8) } catch {
                throw failure(name, error.expected, error.found)
            }
        }
        guard let text = metadata["slots"] else { return nil }
        let list = try value("slots", text)
        guard let values = list.arrayValue, values.count == count else {
            throw failure(
                "slots", "a JSON array of one object for each of \(count) queries",
                list.arrayValue.map { "\($0.count) elements" } ?? list.summary)
        }
        var slots: [Slot] = []
        for (index, slot) in values.enumerated() {
            func number(_ key: String, _ range: ClosedRange<Int>) throws(TensorFileError) -> Int {
                guard let number = slot[key]?.numberValue?.integer, range.contains(number) else {
                    throw failure(
                        "slots[\(index)].\(key)",
                        "a whole number from \(range.lowerBound) to \(range.upperBound)",
                        slot[key]?.summary ?? "nothing")
                }
                return number
            }
            let first = try number("first", 0...pieces - 1)
            let own = first..<first + (try number("count", 1...pieces - first))
            let nothing = slot["nothing"] == nil ? nil : try number("nothing", first...own.upperBound - 1)
            slots.append(Slot(pieces: own, nothing: nothing))
        }
        var least = 0.0
        if let text = metadata["least"] {
            let number = try value("least", text)
            guard let share = number.numberValue?.doubleValue, (0...1).contains(share) else {
                throw failure("least", "a number from 0 to 1", number.summary)
            }
            least = share
        }
        self.slots = slots
        self.least = Float(least)
        separator = metadata["separator"] ?? ""
    }

    /// What to say of the slots' probabilities, each slot's in the order of its pieces.
    func said(_ probabilities: [[Float]], pieces: [String], most: Int) -> [[(text: String, weight: Float)]] {
        var said: [[(text: String, weight: Float)]] = []
        for (slot, weights) in zip(slots, probabilities) {
            let order = weights.indices.sorted { weights[$0] > weights[$1] }
            guard let best = order.first, slot.pieces.lowerBound + best != slot.nothing,
                weights[best] >= least
            else { continue }
            let likely = order.prefix(most).filter {
                slot.pieces.lowerBound + $0 != slot.nothing && weights[$0] >= Self.leastShare * weights[best]
            }
            said.append(likely.map { (pieces[slot.pieces.lowerBound + $0], weights[$0]) })
        }
        // Equal ones keep the order of the slots.
        let order = said.indices.sorted { (said[$0][0].weight, $1) > (said[$1][0].weight, $0) }
        var phrases: [[(text: String, weight: Float)]] = []
        for index in order {
            if !phrases.isEmpty, !separator.isEmpty { phrases.append([(separator, 1)]) }
            phrases.append(said[index])
        }
        return phrases
    }
}
