import GatehouseJSON

/// The numbers between two bounds, digit by digit.
struct NumberRange {
    struct Bound {
        var value: JSONNumber
        /// Whether the bound itself is left out.
        var isExclusive: Bool
    }

    var low: Bound?
    var high: Bound?
    var isInteger: Bool

    /// A number without exponent: ±whole.fraction, without zeros that say nothing.
    private struct Decimal {
        var isNegative: Bool
        var whole: String
        var fraction: String

        /// nil where the number is too large or too fine to be compared by its digits.
        init?(_ number: JSONNumber) {
            let text = "\(number)"
            isNegative = text.hasPrefix("-")
            let parts = text.drop { $0 == "-" }.split(separator: "e")
            let digits = parts[0].split(separator: ".").map(String.init)
            whole = digits[0]
            fraction = digits.count > 1 ? digits[1] : ""
            let exponent = parts.count > 1 ? Int(parts[1]) ?? 0 : 0
            guard abs(exponent) <= 40 else { return nil }
            if exponent > 0 {
                fraction += String(repeating: "0", count: max(0, exponent - fraction.count))
                whole += fraction.prefix(exponent)
                fraction = String(fraction.dropFirst(exponent))
            } else if exponent < 0 {
                whole = String(repeating: "0", count: max(0, -exponent + 1 - whole.count)) + whole
                fraction = whole.suffix(-exponent) + fraction
                whole = String(whole.dropLast(-exponent))
            }
            whole = String(whole.drop { $0 == "0" })
            if whole.isEmpty { whole = "0" }
            while fraction.last == "0" { fraction.removeLast() }
        }

        var isZero: Bool { whole == "0" && fraction.isEmpty }
    }

    /// - Throws: ``SchemaProblem/tooComplex`` where a bound is beyond what can be compared.
    func automaton() throws(SchemaProblem) -> DeterministicAutomaton {
        let bounds = [low, high].compactMap(\.self)
        let decimals = bounds.compactMap { Decimal($0.value) }
        guard decimals.count == bounds.count else { throw .tooComplex }
        // Fifteen digits or fewer are different doubles where they are different texts, and in the same order.
        let spare = 15 - (decimals.map(\.whole.count).max() ?? 0)
        let fractionDigits = max(spare, decimals.map(\.fraction.count).max() ?? 0)
        let hasFraction = !isInteger && fractionDigits > 0
        let form = JSONLanguage.integer + (hasFraction ? "(\\.[0-9]{1,\(fractionDigits)})?" : "")
        var result = try Self.automaton(form)
        if let low, let decimal = Decimal(low.value) {
            result = try result.intersection(
                try Self.automaton(Self.atLeast(decimal, isExclusive: low.isExclusive)))
        }
        if let high, var decimal = Decimal(high.value) {
            // At most b is what mirrors at least -b.
            decimal.isNegative.toggle()
            let mirrored = Self.atLeast(decimal, isExclusive: high.isExclusive, isMirrored: true)
            result = try result.intersection(try Self.automaton(mirrored))
        }
        return result
    }

    private static func automaton(_ pattern: String) throws(SchemaProblem) -> DeterministicAutomaton {
        try DeterministicAutomaton(try RegularExpression.whole(pattern))
    }

    /// A pattern for the numbers from a bound on, among texts that have the form of numbers.
    ///
    /// - Parameter isMirrored: Whether a minus sign stands for plus, and none for minus.
    private static func atLeast(_ bound: Decimal, isExclusive: Bool, isMirrored: Bool = false) -> String {
        let (minus, plus) = isMirrored ? ("", "-") : ("-", "")
        let anything = "[0-9]+(\\.[0-9]+)?"
        let isNegative = bound.isNegative && !bound.isZero
        if isNegative {
            let small = magnitude(atMost: bound, isExclusive: isExclusive)
            return "\(plus)\(anything)|\(minus)(\(small))"
        }
        let large = magnitude(atLeast: bound, isExclusive: isExclusive)
        let zero = bound.isZero && !isExclusive ? "|-?0(\\.0+)?" : ""
        return "\(plus)(\(large))\(zero)"
    }

    private static func magnitude(atLeast bound: Decimal, isExclusive: Bool) -> String {
        let digits = Array(bound.whole)
        var choices = ["[0-9]{\(digits.count + 1),}(\\.[0-9]+)?"]
        for (index, digit) in digits.enumerated() where digit != "9" {
            choices.append(
                String(digits[..<index]) + "[\(next(digit))-9][0-9]{\(digits.count - index - 1)}(\\.[0-9]+)?")
        }
        choices.append(bound.whole + fraction(atLeast: bound.fraction, isExclusive: isExclusive))
        return choices.joined(separator: "|")
    }

    private static func magnitude(atMost bound: Decimal, isExclusive: Bool) -> String {
        let digits = Array(bound.whole)
        var choices: [String] = []
        if digits.count > 1 { choices.append("[0-9]{1,\(digits.count - 1)}(\\.[0-9]+)?") }
        for (index, digit) in digits.enumerated() where digit != "0" {
            choices.append(
                String(digits[..<index])
                    + "[0-\(previous(digit))][0-9]{\(digits.count - index - 1)}(\\.[0-9]+)?")
        }
        if let rest = fraction(atMost: bound.fraction, isExclusive: isExclusive) {
            choices.append(bound.whole + rest)
        }
        return choices.joined(separator: "|")
    }

    /// Of fractions with their point; the empty text is zero.
    private static func fraction(atLeast bound: String, isExclusive: Bool) -> String {
        let digits = Array(bound)
        var choices: [String] = []
        for (index, digit) in digits.enumerated() where digit != "9" {
            choices.append("\\." + String(digits[..<index]) + "[\(next(digit))-9][0-9]*")
        }
        let rest = isExclusive ? "[0-9]*[1-9][0-9]*" : "[0-9]*"
        choices.append("\\." + bound + rest)
        if digits.isEmpty, !isExclusive { choices.append("") }
        return "(\(choices.joined(separator: "|")))"
    }

    /// nil where there is none.
    private static func fraction(atMost bound: String, isExclusive: Bool) -> String? {
        let digits = Array(bound)
        if digits.isEmpty { return isExclusive ? nil : "(\\.0+)?" }
        var choices = [""]
        for (index, digit) in digits.enumerated() {
            // A text that ends early is less: the bound's last digit is no zero.
            if index > 0 { choices.append("\\." + String(digits[..<index])) }
            if digit != "0" {
                choices.append("\\." + String(digits[..<index]) + "[0-\(previous(digit))][0-9]*")
            }
        }
        if !isExclusive { choices.append("\\." + bound + "0*") }
        return "(\(choices.joined(separator: "|")))"
    }

    private static func next(_ digit: Character) -> Int { (digit.wholeNumberValue ?? 0) + 1 }
    private static func previous(_ digit: Character) -> Int { (digit.wholeNumberValue ?? 0) - 1 }
}
