import Modalities
import PluginHost

/// What was heard in a sound: text, and where in the sound each word of it lies.
public struct Transcript: Sendable, Equatable {
    /// A line of subtitles.
    public struct Segment: Sendable, Equatable {
        public var text: String
        /// From the start of the sound.
        public var startSeconds: Double
        public var endSeconds: Double
        /// The least confidence of its words, 0 … 1, or NaN.
        public var confidence: Float
    }

    public var text: String
    /// Those with times, in order; their bytes count in `text`.
    public private(set) var words: [TimedWord]

    /// Words without times are left out.
    public init(text: String, words: [TimedWord]) {
        self.text = text
        self.words = words.filter { $0.startSeconds.isFinite && $0.endSeconds.isFinite }
    }

    /// All the texts of a call, one behind the other with a space between. Soft tokens read as the likeliest. nil where a
    /// segment is of rows, which say nothing that a person could read.
    public init?(_ segments: [EncodedSegment]) {
        var text = ""
        var words: [TimedWord] = []
        for segment in segments {
            let piece: EncodedText
            switch segment.content {
            case .text(let encoded): piece = encoded
            case .soft(let soft): piece = EncodedText(soft.mostLikelyReading)
            case .rows: return nil
            }
            if let last = text.last, !last.isWhitespace, piece.text.first?.isWhitespace == false {
                text += " "
            }
            let offset = text.utf8.count
            text += piece.text
            words += piece.words.map { word in
                var word = word
                word.bytes = (word.bytes.lowerBound + offset)..<(word.bytes.upperBound + offset)
                return word
            }
        }
        self.init(text: text, words: words)
    }

    /// Where the last word ends; 0 where none has times.
    public var endSeconds: Double { words.reduce(0) { max($0, $1.endSeconds) } }

    /// Silence that ends a segment.
    static let gapSeconds = 0.8
    /// What two lines of subtitles hold, and how long they may stand.
    static let mostCharacters = 84
    static let mostSeconds = 7.0

    /// The words in lines that can be read while they are heard: a line ends at a silence, behind a sentence, and where it
    /// would become too long.
    public var segments: [Segment] {
        let bytes = Array(text.utf8)
        var groups: [[TimedWord]] = []
        for word in words {
            guard let first = groups.last?.first, let last = groups.last?.last else {
                groups.append([word])
                continue
            }
            let endsSentence = last.text.last { !$0.isWhitespace }.map { ".?!…。？！".contains($0) } ?? false
            let isLong =
                word.bytes.upperBound - first.bytes.lowerBound > Self.mostCharacters
                || word.endSeconds - first.startSeconds > Self.mostSeconds
            if word.startSeconds - last.endSeconds > Self.gapSeconds || endsSentence || isLong {
                groups.append([word])
            } else {
                groups[groups.count - 1].append(word)
            }
        }
        return groups.indices.compactMap { index in
            guard let first = groups[index].first, let last = groups[index].last else { return nil }
            // Up to the next line's first word, so that what stands between words is in it.
            let begin = index == 0 ? 0 : first.bytes.lowerBound
            let end = index + 1 < groups.count ? groups[index + 1][0].bytes.lowerBound : bytes.count
            let text = String(decoding: bytes[min(begin, bytes.count)..<min(end, bytes.count)], as: UTF8.self)
            return Segment(
                text: text.split(whereSeparator: \.isWhitespace).joined(separator: " "),
                startSeconds: first.startSeconds, endSeconds: last.endSeconds,
                confidence: groups[index].map(\.confidence).min { $0 < $1 } ?? .nan)
        }
    }
}

extension Router {
    /// The plugin that is to understand a sound: the first of those that the rules give it.
    public func listener(
        mediaType: String, bytes: Int, origin: RequestOrigin
    ) throws(RoutingError) -> (RegisteredPlugin, RegisteredVersion)? {
        for route in try route(mediaType: mediaType, bytes: bytes, options: [:], origin: origin).routes {
            if case .plugin(let plugin, let version, _) = route { return (plugin, version) }
        }
        return nil
    }
}
