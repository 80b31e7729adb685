/// Finds tokens that stand in text as a whole: control tokens where that is allowed, user-defined ones anywhere.
struct SpecialTokens: Sendable {
    /// A token found in text, and the bytes it takes.
    struct Match {
        var id: TokenID
        var range: Range<Int>
    }

    private struct Node: Sendable {
        var children: [UInt8: Int] = [:]
        var token: TokenID?
        var isControl = false
    }

    // A trie over bytes; the first node is the root.
    private var nodes = [Node()]
    private var isFirstByte = [Bool](repeating: false, count: 256)

    mutating func insert(_ bytes: some Collection<UInt8>, id: TokenID, isControl: Bool) {
        guard let first = bytes.first else { return }
        isFirstByte[Int(first)] = true
        var node = 0
        for byte in bytes {
            if let child = nodes[node].children[byte] {
                node = child
            } else {
                nodes.append(Node())
                nodes[node].children[byte] = nodes.count - 1
                node = nodes.count - 1
            }
        }
        guard nodes[node].token == nil else { return }
        nodes[node].token = id
        nodes[node].isControl = isControl
    }

    /// The first token at or after `start`, the longest of those that begin there.
    ///
    /// - Parameter allowsControl: Whether a control token may take these bytes.
    func first(
        in text: UnsafeBufferPointer<UInt8>, from start: Int, allowsControl: (Range<Int>) -> Bool
    ) -> Match? {
        for begin in start..<text.count where isFirstByte[Int(text[begin])] {
            var node = 0
            var position = begin
            var longest: Match?
            while position < text.count, let child = nodes[node].children[text[position]] {
                node = child
                position += 1
                if let id = nodes[node].token, !nodes[node].isControl || allowsControl(begin..<position) {
                    longest = Match(id: id, range: begin..<position)
                }
            }
            if let longest { return longest }
        }
        return nil
    }
}
