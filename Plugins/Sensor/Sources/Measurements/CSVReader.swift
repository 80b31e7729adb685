/// Records of a CSV text after RFC 4180, with any separator, and with LF, CRLF or CR at the end of a line.
///
/// Borrows `bytes`; a field is a range of them, so that reading allocates nothing.
package struct CSVReader {
    /// A cell: bytes without the surrounding quotes and blanks.
    package struct Field: Equatable {
        package var start: Int
        package var end: Int
        /// Doubled quotes stand in it.
        package var isEscaped: Bool
    }

    /// A longer cell is refused: a quote that nobody closed, or no table at all.
    package static let mostFieldBytes = 65_536
    /// A record's further cells are skipped.
    package static let mostColumns = 1_024
    /// Some 2 ms of reading.
    private static let bytesBetweenPolls = 262_144

    private let bytes: UnsafeRawBufferPointer
    private let separator: UInt8
    private let cancellation: Cancellation
    private var nextPoll = 0

    /// Offset of the next record.
    package private(set) var position: Int
    /// Number of the record that was read last; the file's first is 1, and blank lines count, as in a spreadsheet.
    package private(set) var row: Int
    /// Cells of that record.
    package private(set) var fields: [Field] = []

    package init(
        _ bytes: UnsafeRawBufferPointer, separator: UInt8, from position: Int = 0, afterRow row: Int = 0,
        cancellation: Cancellation
    ) {
        self.bytes = bytes
        self.separator = separator
        self.position = position
        self.row = row
        self.cancellation = cancellation
    }

    /// Reads the next record that is not blank; false at the end.
    package mutating func next() throws(MeasurementError) -> Bool {
        while position < bytes.count {
            row += 1
            fields.removeAll(keepingCapacity: true)
            var column = 0
            var ended = false
            while !ended {
                if position >= nextPoll {
                    try cancellation.check()
                    nextPoll = position + Self.bytesBetweenPolls
                }
                column += 1
                let field = try readField(column)
                if column <= Self.mostColumns { fields.append(field) }
                ended = readDelimiter()
            }
            if fields.count > 1 || fields[0].start < fields[0].end { return true }
        }
        return false
    }

    /// Skips the separator or the line end at `position`; whether the record ended.
    private mutating func readDelimiter() -> Bool {
        guard position < bytes.count else { return true }
        let byte = bytes[position]
        position += 1
        if byte == separator { return false }
        if byte == Byte.carriageReturn, position < bytes.count, bytes[position] == Byte.lineFeed {
            position += 1
        }
        return true
    }

    /// Leaves `position` at the separator, the line end, or the end of the text.
    private mutating func readField(_ column: Int) throws(MeasurementError) -> Field {
        while position < bytes.count, isBlank(bytes[position]) { position += 1 }
        if position < bytes.count, bytes[position] == Byte.quote { return try readQuoted(column) }
        let start = position
        while position < bytes.count {
            let byte = bytes[position]
            if byte == separator || byte == Byte.lineFeed || byte == Byte.carriageReturn { break }
            position += 1
            if position - start > Self.mostFieldBytes {
                throw .malformed(
                    "row \(row): expected cells in lines, found a cell of more than \(Self.mostFieldBytes) bytes"
                )
            }
        }
        return trimmed(start, position, isEscaped: false)
    }

    private mutating func readQuoted(_ column: Int) throws(MeasurementError) -> Field {
        position += 1
        let start = position
        var isEscaped = false
        while true {
            guard position < bytes.count, position - start <= Self.mostFieldBytes else {
                throw .malformed(
                    "row \(row), column \(column): expected a closing quote, found none"
                        + (position < bytes.count
                            ? " in \(Self.mostFieldBytes) bytes" : " before the end of the file"))
            }
            if bytes[position] == Byte.quote {
                guard position + 1 < bytes.count, bytes[position + 1] == Byte.quote else { break }
                isEscaped = true
                position += 1
            }
            position += 1
        }
        let end = position
        position += 1
        // What follows the closing quote belongs to no cell; most often it is a blank.
        while position < bytes.count, bytes[position] != separator, bytes[position] != Byte.lineFeed,
            bytes[position] != Byte.carriageReturn
        {
            position += 1
        }
        return trimmed(start, end, isEscaped: isEscaped)
    }

    private func isBlank(_ byte: UInt8) -> Bool {
        byte == Byte.space || (byte == Byte.tab && separator != Byte.tab)
    }

    private func trimmed(_ start: Int, _ end: Int, isEscaped: Bool) -> Field {
        var field = Field(start: start, end: end, isEscaped: isEscaped)
        while field.start < field.end, isBlank(bytes[field.start]) { field.start += 1 }
        while field.end > field.start, isBlank(bytes[field.end - 1]) { field.end -= 1 }
        return field
    }

    /// The bytes of `field`; doubled quotes are still doubled.
    package func slice(_ field: Field) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: bytes[field.start..<field.end])
    }

    /// The text of `field`, at most `limit` bytes of it: UTF-8, or Latin-1 where it is not, on one line and without
    /// control characters.
    package func text(_ field: Field, limit: Int = 80) -> String {
        let whole = slice(field)
        let cut = whole.prefix(limit)
        // The cut may go through a character, which has up to four bytes.
        let valid = (0...(whole.count > limit ? 3 : 0)).lazy
            .compactMap { String(validating: cut.dropLast($0), as: UTF8.self) }.first
        var text = valid ?? String(String.UnicodeScalarView(cut.map { Unicode.Scalar($0) }))
        if field.isEscaped { text = unescaped(text) }
        let scalars = text.unicodeScalars.map { $0.properties.generalCategory == .control ? " " : $0 }
        text = String(String.UnicodeScalarView(scalars))
        return cut.count < whole.count ? text + "…" : text
    }

    private func unescaped(_ text: String) -> String {
        var result = ""
        var afterQuote = false
        for character in text {
            afterQuote = character == "\"" && !afterQuote
            if !afterQuote { result.append(character) }
        }
        return result
    }
}

/// Bytes that have a meaning in CSV.
enum Byte {
    static let tab = UInt8(ascii: "\t")
    static let lineFeed = UInt8(ascii: "\n")
    static let carriageReturn = UInt8(ascii: "\r")
    static let space = UInt8(ascii: " ")
    static let quote = UInt8(ascii: "\"")
    static let comma = UInt8(ascii: ",")
    static let semicolon = UInt8(ascii: ";")
    static let point = UInt8(ascii: ".")
    static let zero = UInt8(ascii: "0")
    static let minus = UInt8(ascii: "-")
    static let plus = UInt8(ascii: "+")

    static func isDigit(_ byte: UInt8) -> Bool { byte &- zero < 10 }
}
