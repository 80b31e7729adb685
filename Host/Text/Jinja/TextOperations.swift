/// Python's string operations. Each character of a result keeps the origin of the character it was made from.
extension TracedText {
    /// Where `part` first stands at or after `start`.
    func firstIndex(of part: TracedText, from start: Int) -> Int? {
        guard let first = part.scalars.first else { return start <= count ? start : nil }
        guard count >= part.count else { return nil }
        var index = start
        while index <= count - part.count {
            if scalars[index] == first, scalars[index..<index + part.count].elementsEqual(part.scalars) {
                return index
            }
            index += 1
        }
        return nil
    }

    /// Where `part` last stands as a whole before `end`, or before the end of the text.
    func lastIndex(of part: TracedText, before end: Int? = nil) -> Int? {
        let last = (end ?? count) - part.count
        guard last >= 0 else { return nil }
        return (0...last).last { scalars[$0..<$0 + part.count].elementsEqual(part.scalars) }
    }

    func hasPrefix(_ part: TracedText) -> Bool {
        scalars.starts(with: part.scalars)
    }

    func hasSuffix(_ part: TracedText) -> Bool {
        scalars.count >= part.count && scalars.suffix(part.count).elementsEqual(part.scalars)
    }

    /// - Parameter characters: What to take off; white space if nil.
    func stripped(of characters: TracedText?, leading: Bool = true, trailing: Bool = true) -> TracedText {
        let set = characters.map { Set($0.scalars) }
        func isStripped(_ scalar: Unicode.Scalar) -> Bool { set?.contains(scalar) ?? isPythonSpace(scalar) }
        var start = 0
        var end = count
        if leading { while start < end, isStripped(scalars[start]) { start += 1 } }
        if trailing { while end > start, isStripped(scalars[end - 1]) { end -= 1 } }
        return self[start..<end]
    }

    func replacing(_ old: TracedText, with new: TracedText, atMost limit: Int) -> TracedText {
        var result = TracedText()
        var position = 0
        var replaced = 0
        while replaced != limit, let found = firstIndex(of: old, from: position) {
            result.append(self[position..<found])
            result.append(new)
            replaced += 1
            position = found + old.count
            if old.isEmpty {
                guard position < count else { return result }
                result.append(self[position..<position + 1])
                position += 1
            }
        }
        result.append(self[position..<count])
        return result
    }

    /// - Parameter limit: Cuts at most; -1 for any number.
    func split(by separator: TracedText, atMost limit: Int) -> [TracedText] {
        var parts: [TracedText] = []
        var position = 0
        while parts.count != limit, let found = firstIndex(of: separator, from: position) {
            parts.append(self[position..<found])
            position = found + separator.count
        }
        parts.append(self[position..<count])
        return parts
    }

    /// Cuts from the end.
    func splitFromEnd(by separator: TracedText, atMost limit: Int) -> [TracedText] {
        var parts: [TracedText] = []
        var end = count
        while parts.count != limit, let found = lastIndex(of: separator, before: end) {
            parts.append(self[found + separator.count..<end])
            end = found
        }
        parts.append(self[0..<end])
        return parts.reversed()
    }

    /// The words between runs of white space. What is left when `limit` cuts are made keeps its white space at the
    /// far end.
    func splitBySpace(atMost limit: Int, fromEnd: Bool = false) -> [TracedText] {
        var words: [TracedText] = []
        var start = 0
        var end = count
        while true {
            if fromEnd {
                while start < end, isPythonSpace(scalars[end - 1]) { end -= 1 }
            } else {
                while start < end, isPythonSpace(scalars[start]) { start += 1 }
            }
            guard start < end else { break }
            let rest = scalars[start..<end]
            let space = fromEnd ? rest.lastIndex(where: isPythonSpace) : rest.firstIndex(where: isPythonSpace)
            guard words.count != limit, let space else {
                words.append(self[start..<end])
                break
            }
            if fromEnd {
                words.append(self[space + 1..<end])
                end = space
            } else {
                words.append(self[start..<space])
                start = space + 1
            }
        }
        return fromEnd ? words.reversed() : words
    }

    func lines(keepingEnds: Bool) -> [TracedText] {
        var lines: [TracedText] = []
        var start = 0
        var index = 0
        while index < count {
            let scalar = scalars[index].value
            index += 1
            guard [0x0A, 0x0B, 0x0C, 0x0D, 0x1C, 0x1D, 0x1E, 0x85, 0x2028, 0x2029].contains(scalar) else {
                continue
            }
            let end = index - 1
            if scalar == 0x0D, index < count, scalars[index] == "\n" { index += 1 }
            lines.append(self[start..<(keepingEnds ? index : end)])
            start = index
        }
        if start < count { lines.append(self[start..<count]) }
        return lines
    }

    /// - Parameter change: The new spelling of a character, told whether a letter stands before it.
    private func mapped(_ change: (Unicode.Scalar.Properties, Bool) -> String) -> TracedText {
        var result = TracedText()
        var followsLetter = false
        for (scalar, origin) in characters {
            if case .segment = origin {
                result.append(scalar, origin: origin)
            } else {
                for made in change(scalar.properties, followsLetter).unicodeScalars {
                    result.append(made, origin: origin)
                }
            }
            followsLetter = scalar.properties.isCased
        }
        return result
    }

    var uppercased: TracedText { mapped { scalar, _ in scalar.uppercaseMapping } }
    var lowercased: TracedText { mapped { scalar, _ in scalar.lowercaseMapping } }
    var swappedCase: TracedText {
        mapped { scalar, _ in scalar.isUppercase ? scalar.lowercaseMapping : scalar.uppercaseMapping }
    }
    var titlecased: TracedText { mapped { $1 ? $0.lowercaseMapping : $0.titlecaseMapping } }

    var capitalized: TracedText {
        guard !isEmpty else { return self }
        return self[0..<1].mapped { scalar, _ in scalar.titlecaseMapping } + self[1..<count].lowercased
    }

    /// `join` of Python: this text between the parts.
    func joining(_ parts: [TracedText]) -> TracedText {
        var joined = TracedText()
        for (index, part) in parts.enumerated() {
            if index > 0 { joined.append(self) }
            joined.append(part)
        }
        return joined
    }
}
