/// A token that stands in text as a whole.
struct AddedToken: Sendable, Equatable {
    var id: TokenID
    var content: String
    /// Only text of the template becomes it.
    var isControl: Bool
    /// Says nothing when it is decoded.
    var isSpecial = false
    /// Not inside a word: no letter, digit or underscore may touch it.
    var isSingleWord = false
    /// Takes the white space before it along.
    var stripsLeft = false
    /// Takes the white space after it along.
    var stripsRight = false
    /// Looked for in normalised text, itself normalised.
    var isNormalized = false
}

/// Finds added tokens: control tokens where that is allowed, others anywhere. Of those that begin at the same place,
/// the longest.
struct AddedTokens: Sendable {
    /// A stretch of text: a token, or text between tokens.
    struct Piece {
        var id: TokenID?
        var range: Range<Int>
    }

    // Places of nodes and tokens; -1 where there is none.
    private struct Node: Sendable {
        let byte: UInt8
        var child: Int32 = -1
        var sibling: Int32 = -1
        var token: Int32 = -1
    }

    // A trie over bytes; the first node is the root. Children of a node are a list of siblings.
    private var nodes = [Node(byte: 0)]
    private var isFirstByte = [Bool](repeating: false, count: 256)
    private var tokens: [AddedToken] = []

    var isEmpty: Bool { tokens.isEmpty }

    /// - Parameter spelling: What is looked for, if it is not the token's content. Of equal ones the first stays.
    mutating func insert(_ token: AddedToken, spelling: [UInt8]? = nil) {
        let bytes = spelling ?? Array(token.content.utf8)
        guard let first = bytes.first else { return }
        isFirstByte[Int(first)] = true
        var node = 0
        for byte in bytes {
            if let child = child(of: node, byte) {
                node = child
            } else {
                nodes.append(Node(byte: byte, sibling: nodes[node].child))
                nodes[node].child = Int32(nodes.count - 1)
                node = nodes.count - 1
            }
        }
        guard nodes[node].token < 0 else { return }
        nodes[node].token = Int32(tokens.count)
        tokens.append(token)
    }

    private func child(of node: Int, _ byte: UInt8) -> Int? {
        var child = nodes[node].child
        while child >= 0, nodes[Int(child)].byte != byte { child = nodes[Int(child)].sibling }
        return child < 0 ? nil : Int(child)
    }

    /// The whole text in pieces.
    ///
    /// - Parameter allowsControl: Whether a control token may take these bytes.
    func pieces(
        of text: UnsafeBufferPointer<UInt8>, allowsControl: (Range<Int>) -> Bool
    ) -> [Piece] {
        var pieces: [Piece] = []
        // Where the next token is looked for, and the end of the pieces.
        var position = 0
        var told = 0
        while let (token, range) = first(in: text, from: position, allowsControl: allowsControl) {
            position = range.upperBound
            if token.isSingleWord, Self.touchesWord(text, range) { continue }
            var (start, end) = (range.lowerBound, range.upperBound)
            if token.stripsLeft { start = Self.spaceBegin(before: start, in: text, after: told) }
            if token.stripsRight { end = Self.spaceEnd(after: end, in: text) }
            if told < start { pieces.append(Piece(id: nil, range: told..<start)) }
            pieces.append(Piece(id: token.id, range: min(start, end)..<end))
            told = end
        }
        if told < text.count { pieces.append(Piece(id: nil, range: told..<text.count)) }
        return pieces
    }

    private func first(
        in text: UnsafeBufferPointer<UInt8>, from start: Int, allowsControl: (Range<Int>) -> Bool
    ) -> (token: AddedToken, range: Range<Int>)? {
        if isEmpty { return nil }
        for begin in start..<text.count where isFirstByte[Int(text[begin])] {
            var node = 0
            var position = begin
            var longest: (index: Int, end: Int)?
            while position < text.count, let child = child(of: node, text[position]) {
                node = child
                position += 1
                let index = Int(nodes[node].token)
                if index >= 0, !tokens[index].isControl || allowsControl(begin..<position) {
                    longest = (index, position)
                }
            }
            if let longest { return (tokens[longest.index], begin..<longest.end) }
        }
        return nil
    }

    // MARK: Neighbours

    private static func touchesWord(_ text: UnsafeBufferPointer<UInt8>, _ range: Range<Int>) -> Bool {
        var begin = range.lowerBound
        while begin > 0, text[begin - 1] & 0xC0 == 0x80 { begin -= 1 }
        let before = String(decoding: text[max(0, begin - 1)..<range.lowerBound], as: UTF8.self)
            .unicodeScalars.last
        let after = String(
            decoding: text[range.upperBound..<min(range.upperBound + 4, text.count)], as: UTF8.self
        )
        .unicodeScalars.first
        return before.map(isWord) ?? false || after.map(isWord) ?? false
    }

    /// What Rust's regular expressions call `\w`.
    private static func isWord(_ scalar: Unicode.Scalar) -> Bool {
        let properties = scalar.properties
        if properties.isAlphabetic || properties.isJoinControl { return true }
        switch properties.generalCategory {
        case .nonspacingMark, .spacingMark, .enclosingMark, .decimalNumber, .connectorPunctuation: return true
        default: return false
        }
    }

    private static func spaceBegin(
        before end: Int, in text: UnsafeBufferPointer<UInt8>, after told: Int
    ) -> Int {
        var begin = max(end, told)
        while begin > told {
            var start = begin - 1
            while start > told, text[start] & 0xC0 == 0x80 { start -= 1 }
            guard isSpace(text[start..<begin]) else { break }
            begin = start
        }
        return begin
    }

    private static func spaceEnd(after start: Int, in text: UnsafeBufferPointer<UInt8>) -> Int {
        var end = start
        while end < text.count {
            var next = end + 1
            while next < text.count, text[next] & 0xC0 == 0x80 { next += 1 }
            guard isSpace(text[end..<next]) else { break }
            end = next
        }
        return end
    }

    private static func isSpace(_ character: Slice<UnsafeBufferPointer<UInt8>>) -> Bool {
        String(decoding: character, as: UTF8.self).unicodeScalars.first?.properties.isWhitespace ?? false
    }
}
