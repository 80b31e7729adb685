/// Dates and times of day as text, in UTC, by the proleptic Gregorian calendar.
package enum CalendarTime {
    /// Seconds since 1970 of an ISO 8601 date, alone or with a time after `T` or a blank: `2024-05-01T12:00:00.5+02:00`.
    /// `/` may stand for `-`; without an offset the time counts as UTC.
    package static func parseDateTime(_ cell: UnsafeRawBufferPointer) -> Double? {
        var scanner = Scanner(cell)
        guard let year = scanner.digits(4), let mark = scanner.any(of: [Byte.minus, UInt8(ascii: "/")]),
            let month = scanner.digits(2), 1...12 ~= month, scanner.any(of: [mark]) != nil,
            let day = scanner.digits(2), 1...daysInMonth(month, of: year) ~= day
        else { return nil }
        var seconds = Double(daysSinceEpoch(year, month, day)) * 86_400
        if scanner.isAtEnd { return seconds }
        guard scanner.any(of: [UInt8(ascii: "T"), UInt8(ascii: "t"), Byte.space]) != nil,
            let time = scanner.time()
        else { return nil }
        seconds += time
        _ = scanner.any(of: [Byte.space])
        if scanner.isAtEnd || scanner.any(of: [UInt8(ascii: "Z"), UInt8(ascii: "z")]) != nil {
            return scanner.isAtEnd ? seconds : nil
        }
        guard let sign = scanner.any(of: [Byte.plus, Byte.minus]), let hours = scanner.digits(2), hours < 24
        else { return nil }
        _ = scanner.any(of: [UInt8(ascii: ":")])
        let minutes = scanner.isAtEnd ? 0 : scanner.digits(2)
        guard let minutes, minutes < 60, scanner.isAtEnd else { return nil }
        return seconds + Double(hours * 3600 + minutes * 60) * (sign == Byte.plus ? -1 : 1)
    }

    /// Seconds since midnight of `12:30:15.25`.
    package static func parseTimeOfDay(_ cell: UnsafeRawBufferPointer) -> Double? {
        var scanner = Scanner(cell)
        guard let time = scanner.time(), scanner.isAtEnd else { return nil }
        return time
    }

    /// `2024-05-01 12:00:00 UTC`; whole seconds. Nil outside the years 0 to 9999.
    package static func format(_ secondsSinceEpoch: Double) -> String? {
        let whole = secondsSinceEpoch.rounded(.down)
        guard whole > -62_167_219_201, whole < 253_402_300_800 else { return nil }
        let days = Int((whole / 86_400).rounded(.down))
        let time = Int(whole) - days * 86_400
        let (year, month, day) = date(daysSinceEpoch: days)
        return "\(padded(year, 4))-\(padded(month, 2))-\(padded(day, 2)) "
            + "\(padded(time / 3600, 2)):\(padded(time / 60 % 60, 2)):\(padded(time % 60, 2)) UTC"
    }

    private static func padded(_ number: Int, _ width: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }

    private static func daysInMonth(_ month: Int, of year: Int) -> Int {
        let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
        return month == 2 ? (isLeap ? 29 : 28) : [4, 6, 9, 11].contains(month) ? 30 : 31
    }

    // Both after Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms": years begin in March, so that the leap
    // day is the last, and 400 years have 146,097 days.

    private static func daysSinceEpoch(_ year: Int, _ month: Int, _ day: Int) -> Int {
        let marchYear = month > 2 ? year : year - 1
        let era = (marchYear >= 0 ? marchYear : marchYear - 399) / 400
        let yearOfEra = marchYear - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }

    private static func date(daysSinceEpoch: Int) -> (year: Int, month: Int, day: Int) {
        let shifted = daysSinceEpoch + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let marchMonth = (5 * dayOfYear + 2) / 153
        let month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9
        return (
            yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * marchMonth + 2) / 5 + 1
        )
    }

    private struct Scanner {
        private let bytes: UnsafeRawBufferPointer
        private var index = 0

        init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

        var isAtEnd: Bool { index == bytes.count }

        /// Exactly `count` digits.
        mutating func digits(_ count: Int) -> Int? {
            guard index + count <= bytes.count else { return nil }
            var value = 0
            for byte in bytes[index..<index + count] {
                guard Byte.isDigit(byte) else { return nil }
                value = value * 10 + Int(byte - Byte.zero)
            }
            index += count
            return value
        }

        mutating func any(of choices: [UInt8]) -> UInt8? {
            guard index < bytes.count, choices.contains(bytes[index]) else { return nil }
            index += 1
            return bytes[index - 1]
        }

        /// `hh:mm`, `hh:mm:ss` or `hh:mm:ss.fff` in seconds. A leap second is 60.
        mutating func time() -> Double? {
            guard let hours = digits(2), hours < 24, any(of: [UInt8(ascii: ":")]) != nil,
                let minutes = digits(2), minutes < 60
            else { return nil }
            var seconds = Double(hours * 3600 + minutes * 60)
            if any(of: [UInt8(ascii: ":")]) != nil {
                guard let whole = digits(2), whole <= 60 else { return nil }
                seconds += Double(whole)
                if any(of: [Byte.point, Byte.comma]) != nil {
                    let start = index
                    var fraction = 0.0
                    var place = 1.0
                    while index < bytes.count, Byte.isDigit(bytes[index]) {
                        fraction = fraction * 10 + Double(bytes[index] - Byte.zero)
                        place *= 10
                        index += 1
                    }
                    guard index > start, index - start <= 15 else { return nil }
                    seconds += fraction / place
                }
            }
            return seconds
        }
    }
}
