/// Filters that make numbers.
extension Interpreter {
    mutating func numberFilter(
        _ name: String, _ value: JinjaValue, _ arguments: ArgumentValues
    ) throws -> JinjaValue {
        switch name {
        case "int":
            let values = try bind(arguments, name, ["default", "base"])
            if values[1] != nil { throw unsupported("the base of the filter \"int\"") }
            return wholeNumber(value) ?? values[0] ?? .int(0)
        case "float":
            let standard = try bind(arguments, name, ["default"])[0]
            if let number = value.number { return .float(number) }
            if case .string(let text) = value, let number = Double(text.stripped(of: nil).string) {
                return .float(number)
            }
            return standard ?? .float(0)
        case "abs":
            _ = try bind(arguments, name, [])
            if let index = value.index {
                guard index != .min else { throw failure("the number is too large") }
                return .int(abs(index))
            }
            guard let number = value.number else {
                throw failure("abs needs a number, found \(describe(value))")
            }
            return .float(abs(number))
        case "round":
            return try rounded(value, arguments)
        case "sum":
            let values = try bind(arguments, name, ["attribute", "start"])
            var sum = values[1] ?? .int(0)
            for item in try items(of: value) {
                sum = try arithmetic(.add, sum, values[0].map { try look(up: $0, in: item) } ?? item)
            }
            return sum
        default:
            let values = try bind(arguments, name, ["case_sensitive", "attribute"])
            let keys = try keyed(items(of: value), by: values[1], caseSensitive: values[0]?.isTrue ?? false)
            guard var best = keys.first else { return .undefined("the \(name) of no items") }
            for entry in keys.dropFirst() {
                let isBetter =
                    try name == "max" ? precedes(best.key, entry.key) : precedes(entry.key, best.key)
                if isBetter { best = entry }
            }
            return best.item
        }
    }

    private func wholeNumber(_ value: JinjaValue) -> JinjaValue? {
        if let index = value.index { return .int(index) }
        var number = value.number
        if case .string(let text) = value {
            let digits = text.stripped(of: nil).string
            if let index = Int(digits) { return .int(index) }
            number = Double(digits)
        }
        return number.flatMap { Int(exactly: $0.rounded(.towardZero)) }.map { .int($0) }
    }

    private func rounded(_ value: JinjaValue, _ arguments: ArgumentValues) throws -> JinjaValue {
        let values = try bind(arguments, "round", ["precision", "method"])
        guard let number = value.number else {
            throw failure("round needs a number, found \(describe(value))")
        }
        let precision = try integer(values[0], "round", default: 0)
        guard (0...15).contains(precision) else { throw failure("the precision of round must be 0 to 15") }
        let method = try string(values[1], "round")?.string ?? "common"
        // Through decimal digits, as Python does: 2.675 is a little less than it looks.
        var scale = 1.0
        for _ in 0..<precision { scale *= 10 }
        switch method {
        case "common":
            let text = number.formatted(decimals: precision)
            return .float(Double(text) ?? number)
        case "ceil": return .float((number * scale).rounded(.up) / scale)
        case "floor": return .float((number * scale).rounded(.down) / scale)
        default: throw failure("the method of round must be common, ceil or floor")
        }
    }
}
