/// Cuts a stream of text before the first stop string, wherever the stream's own borders lie.
///
/// The stop string that is complete first wins; of several complete at the same character, the longest. Text that
/// may be the beginning of a stop string is held back until it is not.
public struct StopMatcher: Sendable {
    // A stop string and how much of it the text so far ends with (Knuth, Morris and Pratt).
    private struct Stop: Sendable {
        let text: String
        let bytes: [UInt8]
        // For each length matched: the next shorter beginning that is also an ending.
        let fallback: [Int]
        var matched = 0

        init(_ text: String) {
            self.text = text
            bytes = Array(text.utf8)
            var fallback = [0, 0]
            var length = 0
            for index in bytes.indices.dropFirst() {
                while length > 0, bytes[index] != bytes[length] { length = fallback[length] }
                if bytes[index] == bytes[length] { length += 1 }
                fallback.append(length)
            }
            self.fallback = fallback
        }

        mutating func advance(_ byte: UInt8) -> Bool {
            while matched > 0, bytes[matched] != byte { matched = fallback[matched] }
            if bytes[matched] == byte { matched += 1 }
            return matched == bytes.count
        }
    }

    private var stops: [Stop]
    private var held: [UInt8] = []
    /// The stop string that ended the text, once one has.
    public private(set) var match: String?

    /// - Parameter stops: Empty ones are ignored: they would end every text before it begins.
    public init(_ stops: [String]) {
        self.stops = stops.filter { !$0.isEmpty }.map(Stop.init)
    }

    /// The text that may be shown once `text` has come. Empty after a match.
    public mutating func push(_ text: String) -> String {
        guard match == nil else { return "" }
        if stops.isEmpty { return text }
        for byte in text.utf8 {
            held.append(byte)
            var longest: Stop?
            for index in stops.indices where stops[index].advance(byte) {
                if stops[index].bytes.count > longest?.bytes.count ?? 0 { longest = stops[index] }
            }
            if let longest {
                match = longest.text
                defer { held = [] }
                return String(decoding: held.dropLast(longest.bytes.count), as: UTF8.self)
            }
        }
        // A stop string begins with a whole character, so what is let go ends with one.
        let keep = stops.map(\.matched).max() ?? 0
        defer { held = Array(held.suffix(keep)) }
        return String(decoding: held.dropLast(keep), as: UTF8.self)
    }

    /// What was held back, now that no more text comes.
    public mutating func finish() -> String {
        defer { held = [] }
        return match == nil ? String(decoding: held, as: UTF8.self) : ""
    }
}
