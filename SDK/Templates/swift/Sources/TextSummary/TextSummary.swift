/// What a text is like, in one line.
public struct TextSummary {
    public private(set) var lines = 0
    public private(set) var words = 0
    /// Bytes of the longest line.
    public private(set) var longest = 0

    /// Any bytes will do.
    public init(_ bytes: some Sequence<UInt8>) {
        var length = 0
        var inWord = false
        for byte in bytes {
            if byte == UInt8(ascii: "\n") {
                lines += 1
                length = 0
            } else {
                length += 1
                longest = max(longest, length)
            }
            let isSpace = byte == UInt8(ascii: " ") || 9...13 ~= byte
            if !isSpace && !inWord { words += 1 }
            inWord = !isSpace
        }
        // A last line without a line end is a line too.
        if length > 0 { lines += 1 }
    }

    public var description: String { "\(lines) lines, \(words) words, longest line \(longest) bytes" }
}
