import Constraints
import Fusion

/// What an answer's text says, bit by bit: text, and calls of functions.
package enum AnswerPiece: Sendable, Equatable {
    case text(String)
    /// A call begins.
    case call(name: String)
    /// More of the arguments of the call that began last, as JSON.
    case arguments(String)
}

/// Takes apart the text of one choice whose calls are of a format. A value.
package struct CallReader: Sendable {
    private enum Place {
        /// In text that may hold a call, or that begins with one.
        case text
        case name
        case arguments
        case closing
        /// In text that is nothing but text.
        case plain
    }

    private let format: CallFormat
    private let marks: [[UInt8]]
    private var place = Place.text
    private var pending: [UInt8] = []
    private var calls = 0
    /// Brackets of the arguments that are open.
    private var depth = 0
    private var isInString = false
    private var isEscaped = false

    package init(_ format: CallFormat, names: [String]) {
        self.format = format
        marks = (format.mark.isEmpty ? names.map { $0 + format.middle } : [format.mark]).map {
            Array($0.utf8)
        }
    }

    /// Takes more of the text.
    package mutating func push(_ text: String) -> [AnswerPiece] {
        pending += text.utf8
        var pieces: [AnswerPiece] = []
        while !pending.isEmpty, step(&pieces) {}
        return pieces
    }

    /// What was held back, now that no more text comes.
    package mutating func finish() -> [AnswerPiece] {
        defer { pending = [] }
        switch place {
        case .text, .plain, .name:
            // White space around calls is no text.
            let isBlank = calls > 0 && pending.allSatisfy { $0 == 0x0A || $0 == 0x20 }
            return pending.isEmpty || isBlank ? [] : [.text(String(decoding: pending, as: UTF8.self))]
        case .arguments, .closing: return []
        }
    }

    /// Goes on where enough of the text is there; false where it is not.
    private mutating func step(_ pieces: inout [AnswerPiece]) -> Bool {
        switch place {
        case .plain:
            hand(pending.count, to: &pieces)
            return true
        case .text: return format.isWholeAnswer ? stepAtStart(&pieces) : stepInText(&pieces)
        case .name:
            let opening = Array(format.opening.utf8)
            guard pending.count > opening.count else { return false }
            guard pending.starts(with: opening),
                let end = pending[opening.count...].firstRange(of: Array(format.middle.utf8))
            else {
                if pending.starts(with: opening) { return false }
                place = .plain
                return true
            }
            pieces.append(
                .call(name: String(decoding: pending[opening.count..<end.lowerBound], as: UTF8.self)))
            pending.removeFirst(end.upperBound)
            calls += 1
            place = .arguments
            return true
        case .arguments:
            let count = argumentBytes()
            pieces.append(.arguments(String(decoding: pending.prefix(count), as: UTF8.self)))
            pending.removeFirst(count)
            return true
        case .closing:
            let closing = format.closing.utf8.count
            guard pending.count >= closing else { return false }
            pending.removeFirst(closing)
            place = format.isWholeAnswer ? .plain : .text
            return true
        }
    }

    private mutating func stepAtStart(_ pieces: inout [AnswerPiece]) -> Bool {
        if marks.contains(where: { pending.starts(with: $0) }) {
            place = .name
        } else if marks.contains(where: { $0.starts(with: pending) }) {
            return false
        } else {
            place = .plain
        }
        return true
    }

    private mutating func stepInText(_ pieces: inout [AnswerPiece]) -> Bool {
        guard let mark = marks.first else { return false }
        if let found = pending.firstRange(of: mark) {
            // A line end before a call only sets it apart.
            var end = found.lowerBound
            while end > 0, calls > 0, pending[end - 1] == 0x0A { end -= 1 }
            hand(end, to: &pieces)
            pending.removeFirst(found.lowerBound - end)
            place = .name
            return true
        }
        var held =
            (1..<mark.count).last { length in
                length <= pending.count && pending.suffix(length).elementsEqual(mark.prefix(length))
            } ?? 0
        if calls > 0 {
            while held < pending.count, pending[pending.count - held - 1] == 0x0A { held += 1 }
        }
        hand(pending.count - held, to: &pieces)
        return false
    }

    private mutating func hand(_ count: Int, to pieces: inout [AnswerPiece]) {
        guard count > 0 else { return }
        pieces.append(.text(String(decoding: pending.prefix(count), as: UTF8.self)))
        pending.removeFirst(count)
    }

    /// How many bytes still are arguments; the place is after them where they end.
    private mutating func argumentBytes() -> Int {
        for (index, byte) in pending.enumerated() {
            if isInString {
                if isEscaped {
                    isEscaped = false
                } else if byte == UInt8(ascii: "\\") {
                    isEscaped = true
                } else if byte == UInt8(ascii: "\"") {
                    isInString = false
                }
                continue
            }
            switch byte {
            case UInt8(ascii: "\""): isInString = true
            case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                depth -= 1
                if depth == 0 {
                    place = format.closing.isEmpty ? .plain : .closing
                    return index + 1
                }
            default: break
            }
        }
        return pending.count
    }
}
