import GatehouseJSON

/// Where the values of a JSON text stand, so that one can be added or removed and every other byte stays.
///
/// Only for texts that a parser has accepted; of any other it may find nothing, and never reads outside.
struct JSONLayout {
    private(set) var bytes: [UInt8]

    /// The document's own value.
    var root: Range<Int> { value(at: skipSpace(0)) }

    /// The value of a member; `object` is where an object stands.
    func member(_ name: String, of object: Range<Int>) -> Range<Int>? {
        elements(of: object).first { element in
            let key = value(at: element.lowerBound)
            let text = try? JSONValue(parsing: bytes[key])
            return text == .string(name)
        }.map { element in
            // Past the key, white space and the colon.
            let colon = skipSpace(value(at: element.lowerBound).upperBound)
            return value(at: skipSpace(colon + 1))
        }
    }

    /// The elements of an array, or the members of an object with their keys.
    func elements(of container: Range<Int>) -> [Range<Int>] {
        var elements: [Range<Int>] = []
        var place = skipSpace(container.lowerBound + 1)
        while place < container.upperBound - 1 {
            let start = place
            var end = value(at: place).upperBound
            if byte(skipSpace(end)) == UInt8(ascii: ":") {
                end = value(at: skipSpace(skipSpace(end) + 1)).upperBound
            }
            guard end > start else { break }
            elements.append(start..<end)
            place = skipSpace(end)
            if byte(place) == UInt8(ascii: ",") { place = skipSpace(place + 1) }
        }
        return elements
    }

    /// Adds `text` as the last element of an array, in the manner of those that are there.
    mutating func append(_ text: String, to array: Range<Int>) {
        let elements = elements(of: array)
        guard let last = elements.last else {
            let outer = indentation(at: array.lowerBound) ?? lineIndentation(at: array.lowerBound)
            let inner = "\n\(outer)  " + text.replacing("\n", with: "\n\(outer)  ")
            bytes.replaceSubrange(array, with: Array("[\(inner)\n\(outer)]".utf8))
            return
        }
        if let indentation = indentation(at: last.lowerBound) {
            let lines = text.replacing("\n", with: "\n\(indentation)")
            bytes.insert(contentsOf: Array(",\n\(indentation)\(lines)".utf8), at: last.upperBound)
        } else {
            let line = text.replacing(/\n */, with: " ")
            bytes.insert(contentsOf: Array(", \(line)".utf8), at: last.upperBound)
        }
    }

    /// Removes an element of an array, with its comma.
    mutating func remove(_ index: Int, from array: Range<Int>) {
        let elements = elements(of: array)
        if elements.count == 1 {
            bytes.replaceSubrange(array, with: Array("[]".utf8))
        } else if index == elements.count - 1 {
            bytes.removeSubrange(elements[index - 1].upperBound..<elements[index].upperBound)
        } else {
            bytes.removeSubrange(elements[index].lowerBound..<elements[index + 1].lowerBound)
        }
    }

    /// The white space before `place` where nothing else stands before it in its line.
    private func indentation(at place: Int) -> String? {
        let line = bytes[..<place].lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0
        let before = bytes[line..<place]
        guard before.allSatisfy({ $0 == 0x20 || $0 == 0x09 }) else { return nil }
        return String(decoding: before, as: UTF8.self)
    }

    private func lineIndentation(at place: Int) -> String {
        let line = bytes[..<place].lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0
        return String(decoding: bytes[line..<place].prefix { $0 == 0x20 || $0 == 0x09 }, as: UTF8.self)
    }

    private func byte(_ place: Int) -> UInt8 { place < bytes.count ? bytes[place] : 0 }

    private func skipSpace(_ place: Int) -> Int {
        var place = place
        while [0x20, 0x09, 0x0A, 0x0D].contains(byte(place)) { place += 1 }
        return place
    }

    /// From `start` to the end of the value that begins there.
    private func value(at start: Int) -> Range<Int> {
        var place = start
        var depth = 0
        while place < bytes.count {
            switch byte(place) {
            case UInt8(ascii: "\""):
                place += 1
                while place < bytes.count, byte(place) != UInt8(ascii: "\"") {
                    place += byte(place) == UInt8(ascii: "\\") ? 2 : 1
                }
                place += 1
            case UInt8(ascii: "["), UInt8(ascii: "{"):
                depth += 1
                place += 1
            case UInt8(ascii: "]"), UInt8(ascii: "}"):
                if depth == 0 { return start..<place }
                depth -= 1
                place += 1
            case UInt8(ascii: ","), UInt8(ascii: ":"), 0x20, 0x09, 0x0A, 0x0D:
                if depth == 0 { return start..<place }
                place += 1
                continue
            default:
                place += 1
                // Of a number or a word, the next byte may still belong to it.
                if depth == 0 { continue }
            }
            if depth == 0 { return start..<min(place, bytes.count) }
        }
        return min(start, bytes.count)..<bytes.count
    }
}
