/// Numbers and times in words, the same in every locale.
package enum Quantity {
    /// `value` with `digits` significant digits, ties away from zero, without trailing zeros: `0.02`, `1013`, `1.5e-7`.
    ///
    /// Rounds the shortest decimal that stands for the value, which the standard library gives.
    package static func text(_ value: Double, digits: Int = 4) -> String {
        guard value.isFinite else { return value.isNaN ? "unknown" : value < 0 ? "-infinity" : "infinity" }
        guard value != 0 else { return "0" }
        let parts = "\(value.magnitude)".split(separator: "e")
        let halves = parts[0].split(separator: ".")
        var exponent = (parts.count > 1 ? Int(parts[1]) ?? 0 : 0) + halves[0].count - 1
        var figures = halves.joined().utf8.map { Int($0 - Byte.zero) }
        while figures.count > 1, figures[0] == 0 {
            figures.removeFirst()
            exponent -= 1
        }
        if figures.count > digits {
            let roundsUp = figures[digits] >= 5
            figures.removeLast(figures.count - digits)
            if roundsUp {
                var index = digits - 1
                while index >= 0, figures[index] == 9 {
                    figures[index] = 0
                    index -= 1
                }
                if index >= 0 {
                    figures[index] += 1
                } else {
                    figures.insert(1, at: 0)
                    exponent += 1
                }
            }
        }
        while figures.count > 1, figures.last == 0 { figures.removeLast() }
        return (value < 0 ? "-" : "") + place(figures, exponent)
    }

    /// `figures`, the first of which counts 10^exponent.
    private static func place(_ figures: [Int], _ exponent: Int) -> String {
        let text = figures.map(String.init).joined()
        switch exponent {
        case -4..<0:
            return "0." + String(repeating: "0", count: -exponent - 1) + text
        case 0..<9:
            guard figures.count > exponent + 1 else {
                return text + String(repeating: "0", count: exponent + 1 - figures.count)
            }
            return text.prefix(exponent + 1) + "." + text.dropFirst(exponent + 1)
        default:
            return text.prefix(1) + (figures.count > 1 ? "." + text.dropFirst() : "") + "e\(exponent)"
        }
    }

    /// A span of time in the unit that people would use: `0.2 s`, `3.5 min`, `24 h`, `12 days`.
    package static func duration(_ seconds: Double) -> String {
        let (scale, unit) = timeUnit(seconds)
        return "\(text(seconds / scale)) \(unit)"
    }

    /// The largest unit of which `seconds` is two or more, seconds up to two minutes.
    package static func timeUnit(_ seconds: Double) -> (scale: Double, name: String) {
        switch seconds.magnitude {
        case ..<120: (1, "s")
        case ..<7_200: (60, "min")
        case ..<172_800: (3600, "h")
        default: (86_400, "days")
        }
    }

    /// `1 row`, `2 rows`.
    package static func count(_ count: Int, _ noun: String) -> String {
        "\(count) \(noun)\(count == 1 ? "" : "s")"
    }
}
