/// A column's heading, taken apart: `ax (m/s²)` is `ax` in `m/s²`.
package struct ColumnName: Equatable {
    package var name: String
    /// Empty where the heading names none.
    package var unit: String

    /// `unit` is that of a row of units below the heading, or empty.
    package init(heading: String, unit below: String = "", column: Int) {
        var name = heading.drop { $0 == "#" || $0 == "%" }.trimmed
        var unit = ""
        for (open, close) in [("(", ")"), ("[", "]"), ("{", "}")] as [(Character, Character)]
        where name.last == close {
            guard let start = name.lastIndex(of: open) else { continue }
            unit = name[name.index(after: start)...].dropLast().trimmed
            name = name[..<start].trimmed
            break
        }
        if unit.isEmpty {
            unit = below.filter { !"()[]{}".contains($0) }.trimmed
        }
        self.name = String(name.isEmpty ? "column \(column)" : name.prefix(40))
        self.unit = String(unit.prefix(20))
    }

    /// Lower-case words of the name: `timeStamp_ms` is `time`, `stamp`, `ms`.
    package var words: [String] {
        var words: [String] = []
        var afterLower = false
        for character in name {
            guard character.isLetter else {
                afterLower = false
                words.append("")
                continue
            }
            if words.isEmpty || (afterLower && character.isUppercase) { words.append("") }
            words[words.count - 1] += character.lowercased()
            afterLower = character.isLowercase
        }
        return words.filter { !$0.isEmpty }
    }
}

extension StringProtocol {
    /// Without white space at either end.
    var trimmed: String {
        var text = self[...]
        while text.first?.isWhitespace == true { text = text.dropFirst() }
        while text.last?.isWhitespace == true { text = text.dropLast() }
        return String(text)
    }
}
