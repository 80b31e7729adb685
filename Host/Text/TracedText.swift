/// Where a stretch of rendered text comes from.
public enum TextOrigin: Sendable, Hashable {
    /// It stands literally in the chat template, or the host put it there. It may become control tokens.
    case template
    /// It comes from users, tools or plugins. It never becomes a control token.
    case data
    /// One character that stands for media part number `Int`; see ``TracedText/segment(_:)``.
    case segment(Int)
}

/// Text that remembers, character by character, where it comes from.
///
/// Characters are Unicode scalars, so that lengths, indices and comparisons are those of Python. Equality looks at
/// origins too.
public struct TracedText: Sendable, Equatable {
    /// `count` characters of one origin. Never empty; neighbours differ in origin.
    public struct Run: Sendable, Equatable {
        public var origin: TextOrigin
        public var count: Int
    }

    public private(set) var scalars: [Unicode.Scalar]
    public private(set) var runs: [Run]

    public init() {
        scalars = []
        runs = []
    }

    public init(_ text: String, origin: TextOrigin) {
        self.init(Array(text.unicodeScalars), origin: origin)
    }

    init(_ scalars: [Unicode.Scalar], origin: TextOrigin) {
        self.scalars = scalars
        runs = scalars.isEmpty ? [] : [Run(origin: origin, count: scalars.count)]
    }

    /// The place of a media part: one character (U+FFFC, which in data means nothing special).
    public static func segment(_ index: Int) -> TracedText {
        TracedText(["\u{FFFC}"], origin: .segment(index))
    }

    /// The text without its origins.
    public var string: String {
        var text = String.UnicodeScalarView()
        text.append(contentsOf: scalars)
        return String(text)
    }

    public var count: Int { scalars.count }
    public var isEmpty: Bool { scalars.isEmpty }

    public mutating func append(_ other: TracedText) {
        scalars.append(contentsOf: other.scalars)
        for run in other.runs { extend(run.origin, by: run.count) }
    }

    mutating func append(_ scalar: Unicode.Scalar, origin: TextOrigin) {
        scalars.append(scalar)
        extend(origin, by: 1)
    }

    private mutating func extend(_ origin: TextOrigin, by count: Int) {
        if let last = runs.indices.last, runs[last].origin == origin {
            runs[last].count += count
        } else {
            runs.append(Run(origin: origin, count: count))
        }
    }

    public static func + (left: TracedText, right: TracedText) -> TracedText {
        var sum = left
        sum.append(right)
        return sum
    }

    /// The characters in `range`, with their origins. The range must lie inside the text.
    public subscript(range: Range<Int>) -> TracedText {
        if range == 0..<count { return self }
        var part = TracedText()
        part.scalars = Array(scalars[range])
        var start = 0
        for run in runs {
            let overlap = (start..<start + run.count).clamped(to: range)
            if !overlap.isEmpty { part.extend(run.origin, by: overlap.count) }
            start += run.count
            if start >= range.upperBound { break }
        }
        return part
    }

    /// Each character with its origin.
    var characters: [(scalar: Unicode.Scalar, origin: TextOrigin)] {
        var all: [(Unicode.Scalar, TextOrigin)] = []
        all.reserveCapacity(count)
        for run in runs {
            for _ in 0..<run.count { all.append((scalars[all.count], run.origin)) }
        }
        return all
    }
}
