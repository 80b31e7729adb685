/// What a stream has understood so far, as it crosses the ABI; `gatehouse.h` says what the fields mean.
public struct StreamPartial: Sendable, Equatable {
    var isFinal: Bool
    var revision: UInt64
    /// Bytes of the stream's text before `text`.
    var offset: Int
    /// Bytes of the stream's text that never change again.
    var stable: Int
    var startSeconds: Double
    var endSeconds: Double
    /// Its spans count from the stream's first byte.
    var text: EncodedText
}

/// A stretch of text with the sound that it was heard in.
public struct TimedWord: Sendable, Equatable {
    public var text: String
    /// Where it stands in the whole text, in bytes of UTF-8.
    public var bytes: Range<Int>
    /// From the start of the sound; NaN where the plugin gives none.
    public var startSeconds: Double
    public var endSeconds: Double
    /// 0 … 1, or NaN.
    public var confidence: Float

    public init(
        text: String, bytes: Range<Int>, startSeconds: Double, endSeconds: Double, confidence: Float
    ) {
        self.text = text
        self.bytes = bytes
        self.startSeconds = startSeconds
        self.endSeconds = endSeconds
        self.confidence = confidence
    }
}

/// What a partial changed of a stream's text, for readers that only ever append to what is stable.
public struct StreamUpdate: Sendable, Equatable {
    /// What has become stable: follows what earlier updates said was.
    public var stable: String
    /// What stands behind it for now, in the place of what the update before this one had there.
    public var unstable: String
    /// Spans that stand from now on.
    public var words: [TimedWord]
    /// How far the sound is heard.
    public var endSeconds: Double
    public var isFinal: Bool
}

/// The text of one stream, held to the rules of the ABI. A value.
public struct StreamText: Sendable {
    /// Days of speech.
    private static let mostBytes = 16 << 20

    private var bytes: [UInt8] = []
    private var stable = 0
    private var revision: UInt64 = 0
    /// Spans that later partials may still replace.
    private var pending: [EncodedText.Span] = []
    /// Whether the final partial has come.
    public private(set) var isFinal = false

    public init() {}

    /// All of it, what may still change included.
    public var text: String { String(decoding: bytes, as: UTF8.self) }

    /// Takes a partial and says what it changed; throws the rule that it breaks.
    public mutating func apply(_ partial: StreamPartial) throws(PluginFailure) -> StreamUpdate {
        let new = Array(partial.text.text.utf8)
        try require(!isFinal, "a partial came after the final one")
        try require(
            partial.revision == revision + 1,
            "partial \(revision + 1) of its stream says that it is \(partial.revision)")
        try require(
            partial.offset <= stable,
            "a partial begins at byte \(partial.offset) of its text, of which \(stable) are stable")
        let size = partial.offset + new.count
        try require(size <= Self.mostBytes, "its stream's text grew beyond \(Self.mostBytes >> 20) MiB")
        try require(
            bytes[partial.offset..<stable].elementsEqual(new.prefix(stable - partial.offset)),
            "text changed that it had called stable, before byte \(stable)")
        try require(
            partial.stable >= stable && partial.stable <= size,
            "stable went from \(stable) to \(partial.stable) in a text of \(size) bytes")
        try require(
            !partial.isFinal || partial.stable == size,
            "the final partial leaves \(size - partial.stable) bytes unstable")
        try require(
            partial.endSeconds.isFinite && partial.startSeconds >= 0
                && partial.startSeconds <= partial.endSeconds,
            "a partial rests on the sound from \(partial.startSeconds) to \(partial.endSeconds) s")
        var last = partial.offset
        for span in partial.text.spans {
            try require(
                span.begin >= last && span.end >= span.begin && span.end <= size,
                "a span of a partial lies outside it or out of order (\(span.begin) … \(span.end))")
            last = span.end
        }
        let settled = pending.filter { $0.end <= partial.offset }
        let before = stable
        bytes.replaceSubrange(partial.offset..., with: new)
        try require(
            Self.isBoundary(bytes, partial.offset) && Self.isBoundary(bytes, partial.stable),
            "a count of its text's bytes lies inside a character")
        stable = partial.stable
        revision = partial.revision
        isFinal = partial.isFinal
        pending = partial.text.spans
        let standing = settled + (isFinal ? pending : [])
        return StreamUpdate(
            stable: String(decoding: bytes[before..<stable], as: UTF8.self),
            unstable: String(decoding: bytes[stable...], as: UTF8.self), words: standing.map(word),
            endSeconds: partial.endSeconds, isFinal: isFinal)
    }

    private func word(_ span: EncodedText.Span) -> TimedWord {
        TimedWord(
            text: String(decoding: bytes[span.begin..<span.end], as: UTF8.self), bytes: span.begin..<span.end,
            startSeconds: span.startSeconds, endSeconds: span.endSeconds, confidence: span.confidence)
    }

    private static func isBoundary(_ bytes: [UInt8], _ offset: Int) -> Bool {
        offset == bytes.count || bytes[offset] & 0xC0 != 0x80
    }

    private func require(
        _ condition: @autoclosure () -> Bool, _ message: @autoclosure () -> String
    ) throws(PluginFailure) {
        if !condition() { throw PluginFailure(.violation, message()) }
    }
}

extension EncodedText {
    /// A text that rests on nothing in particular.
    package init(_ text: String) { self.init(text: text, spans: []) }

    /// Its spans, each with its text.
    public var words: [TimedWord] {
        let bytes = Array(text.utf8)
        return spans.filter { $0.begin <= $0.end && $0.end <= bytes.count }.map { span in
            TimedWord(
                text: String(decoding: bytes[span.begin..<span.end], as: UTF8.self),
                bytes: span.begin..<span.end, startSeconds: span.startSeconds, endSeconds: span.endSeconds,
                confidence: span.confidence)
        }
    }
}
