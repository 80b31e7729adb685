/// Guesses what an answer says next: where its last tokens occurred before, what followed them there (prompt lookup
/// decoding, Saxena, 2023). Good where an answer repeats its prompt.
package enum PromptLookup {
    /// Longer endings are looked for first.
    private static let lengths = [4, 3, 2]

    /// At most `most` tokens that may follow `tokens`; none of them is negative.
    ///
    /// - Parameter tokens: Of prompt and answer; negative where a row is no token.
    package static func guess(after tokens: [Int32], most: Int) -> [Int32] {
        guard most > 0 else { return [] }
        return tokens.withUnsafeBufferPointer { tokens in
            for length in lengths where tokens.count > length {
                let ending = tokens.count - length
                guard let found = lastOccurrence(of: ending..<tokens.count, in: tokens) else { continue }
                let next = found + length
                return Array(tokens[next..<min(next + most, tokens.count)].prefix { $0 >= 0 })
            }
            return []
        }
    }

    /// Where the tokens of `ending` stood last before.
    private static func lastOccurrence(
        of ending: Range<Int>, in tokens: UnsafeBufferPointer<Int32>
    ) -> Int? {
        guard tokens[ending].allSatisfy({ $0 >= 0 }) else { return nil }
        var start = ending.lowerBound - 1
        while start >= 0 {
            if ending.allSatisfy({ tokens[$0] == tokens[start + $0 - ending.lowerBound] }) { return start }
            start -= 1
        }
        return nil
    }
}
