/// Numbers and marks of missing values in cells, whatever the locale.
package enum Number {
    /// The number that the whole of `cell` says, with `decimal` (point or comma) as decimal mark; nil where it is none
    /// or not finite.
    package static func parse(_ cell: UnsafeRawBufferPointer, decimal: UInt8 = UInt8(ascii: ".")) -> Double? {
        var index = 0
        let count = cell.count
        var isNegative = false
        if index < count, cell[index] == Byte.minus || cell[index] == Byte.plus {
            isNegative = cell[index] == Byte.minus
            index += 1
        }
        var mantissa: UInt64 = 0
        var digits = 0
        var exponent = 0
        var afterMark = false
        while index < count {
            let byte = cell[index]
            if Byte.isDigit(byte) {
                digits += 1
                if digits <= 19 { mantissa = mantissa &* 10 &+ UInt64(byte &- Byte.zero) }
                if afterMark { exponent -= 1 }
            } else if byte == decimal && !afterMark {
                afterMark = true
            } else {
                break
            }
            index += 1
        }
        guard digits > 0 else { return nil }
        if index < count {
            guard cell[index] | 0x20 == UInt8(ascii: "e"), let power = integer(cell[(index + 1)...]) else {
                return nil
            }
            exponent += power
        }
        // Both are exact in a double, so their product or quotient is rounded once (Clinger, "How to read floating
        // point numbers accurately", PLDI 1990).
        if digits <= 19, mantissa < 1 << 53, abs(exponent) < powersOfTen.count {
            let value = Double(mantissa)
            let scaled = exponent < 0 ? value / powersOfTen[-exponent] : value * powersOfTen[exponent]
            return isNegative ? -scaled : scaled
        }
        let text = String(decoding: cell.map { $0 == decimal ? Byte.point : $0 }, as: UTF8.self)
        return Double(text).flatMap { $0.isFinite ? $0 : nil }
    }

    /// Whether `cell` says that there is no value.
    package static func isMissing(_ cell: UnsafeRawBufferPointer) -> Bool {
        guard cell.count <= 4 else { return false }
        return marks.contains(String(decoding: cell, as: UTF8.self).lowercased())
    }

    private static let marks: Set<String> = [
        "", "nan", "na", "n/a", "#n/a", "null", "none", "nil", "-", "--", "?",
    ]
    private static let powersOfTen: [Double] = [
        1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17,
        1e18,
        1e19, 1e20, 1e21, 1e22,
    ]

    private static func integer(_ bytes: Slice<UnsafeRawBufferPointer>) -> Int? {
        var rest = bytes
        var isNegative = false
        if let sign = rest.first, sign == Byte.minus || sign == Byte.plus {
            isNegative = sign == Byte.minus
            rest = rest.dropFirst()
        }
        guard !rest.isEmpty, rest.count <= 5, rest.allSatisfy(Byte.isDigit) else { return nil }
        let value = rest.reduce(0) { $0 * 10 + Int($1 - Byte.zero) }
        return isNegative ? -value : value
    }
}
