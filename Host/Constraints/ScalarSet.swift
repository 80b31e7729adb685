/// A set of Unicode's characters, and how their bytes look.
struct ScalarSet {
    /// In rising order, apart from each other, without surrogates.
    private(set) var ranges: [ClosedRange<UInt32>]

    static let all = ScalarSet([0...0x10FFFF])

    /// Surrogates are left out: they are no characters.
    init(_ ranges: [ClosedRange<UInt32>]) {
        self.ranges = []
        let characters = ranges.flatMap { range in
            [
                range.lowerBound <= 0xD7FF ? range.lowerBound...min(range.upperBound, 0xD7FF) : nil,
                range.upperBound >= 0xE000 ? max(range.lowerBound, 0xE000)...range.upperBound : nil,
            ].compactMap(\.self)
        }
        for range in characters.sorted(by: { $0.lowerBound < $1.lowerBound }) {
            if let last = self.ranges.last, range.lowerBound <= last.upperBound + 1 {
                self.ranges[self.ranges.count - 1] =
                    last.lowerBound...max(last.upperBound, range.upperBound)
            } else {
                self.ranges.append(range)
            }
        }
    }

    init(_ scalars: String.UnicodeScalarView) {
        self.init(scalars.map { $0.value...$0.value })
    }

    var inverted: ScalarSet {
        var gaps: [ClosedRange<UInt32>] = []
        var start: UInt32 = 0
        for range in ranges {
            if range.lowerBound > start { gaps.append(start...range.lowerBound - 1) }
            start = range.upperBound + 1
        }
        if start <= 0x10FFFF { gaps.append(start...0x10FFFF) }
        return ScalarSet(gaps)
    }

    func union(_ other: ScalarSet) -> ScalarSet { ScalarSet(ranges + other.ranges) }

    func subtracting(_ other: ScalarSet) -> ScalarSet {
        inverted.union(other).inverted
    }

    func contains(_ scalar: UInt32) -> Bool { ranges.contains { $0.contains(scalar) } }

    /// One of the characters, in UTF-8.
    var utf8: Expression {
        .choice(ranges.flatMap(Self.sequences))
    }

    /// The byte sequences of a range: pieces in which each byte runs through a range of its own.
    private static func sequences(_ range: ClosedRange<UInt32>) -> [Expression] {
        let (low, high) = (range.lowerBound, range.upperBound)
        for limit: UInt32 in [0x7F, 0x7FF, 0xFFFF] where low <= limit && limit < high {
            return sequences(low...limit) + sequences(limit + 1...high)
        }
        let length = low <= 0x7F ? 1 : low <= 0x7FF ? 2 : low <= 0xFFFF ? 3 : 4
        for following in 1..<max(1, length) {
            let mask: UInt32 = 1 << (6 * UInt32(following)) - 1
            guard low & ~mask != high & ~mask else { continue }
            if low & mask != 0 { return sequences(low...low | mask) + sequences((low | mask) + 1...high) }
            if high & mask != mask {
                return sequences(low...(high & ~mask) - 1) + sequences(high & ~mask...high)
            }
        }
        let bytes = zip(encoded(low, length), encoded(high, length)).map { Expression.bytes($0...$1) }
        return [.sequence(bytes)]
    }

    private static func encoded(_ scalar: UInt32, _ length: Int) -> [UInt8] {
        guard length > 1 else { return [UInt8(scalar)] }
        let lead: [UInt8] = [0xC0, 0xE0, 0xF0]
        return (0..<length).map { index in
            let bits = UInt8(truncatingIfNeeded: scalar >> (6 * UInt32(length - 1 - index)))
            return index == 0 ? lead[length - 2] | bits : 0x80 | bits & 0x3F
        }
    }
}
