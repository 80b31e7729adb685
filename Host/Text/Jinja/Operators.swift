import Foundation

/// Python's operators.
extension Interpreter {
    /// `value` as the operand of a sign.
    func numeric(_ value: JinjaValue) throws -> JinjaValue {
        guard value.number != nil else { throw failure("a \(describe(value)) has no sign") }
        return value
    }

    mutating func arithmetic(
        _ operation: ArithmeticOperator, _ left: JinjaValue, _ right: JinjaValue
    ) throws -> JinjaValue {
        if let a = left.index, let b = right.index { return try integer(operation, a, b) }
        if let a = left.number, let b = right.number { return try floating(operation, a, b) }
        switch (operation, left, right) {
        case (.add, .string(let a), .string(let b)):
            try charge(a.count + b.count)
            return .string(a + b)
        case (.add, .list(let a), .list(let b)):
            try charge(a.count + b.count)
            return .list(a + b)
        case (.add, .tuple(let a), .tuple(let b)):
            try charge(a.count + b.count)
            return .tuple(a + b)
        case (.multiply, _, _):
            if let times = right.index { return try repeated(left, times) }
            if let times = left.index { return try repeated(right, times) }
        case (.modulo, .string(let format), _):
            return .string(try formatted(format, with: right))
        default:
            break
        }
        throw failure("\(describe(left)) \(operation.rawValue) \(describe(right)) has no value")
    }

    private mutating func repeated(_ value: JinjaValue, _ times: Int) throws -> JinjaValue {
        let times = max(0, times)
        func size(_ count: Int) throws -> Int {
            let (size, overflows) = count.multipliedReportingOverflow(by: times)
            if overflows { throw exceeded("a value repeated \(times) times") }
            return size
        }
        switch value {
        case .string(let text):
            try charge(size(text.count))
            var repeated = TracedText()
            if !text.isEmpty { for _ in 0..<times { repeated.append(text) } }
            return .string(repeated)
        case .list(let items):
            try charge(size(items.count))
            return .list(items.isEmpty ? [] : Array(repeatElement(items, count: times).joined()))
        case .tuple(let items):
            try charge(size(items.count))
            return .tuple(items.isEmpty ? [] : Array(repeatElement(items, count: times).joined()))
        default:
            throw failure("\(describe(value)) cannot be multiplied")
        }
    }

    private func integer(_ operation: ArithmeticOperator, _ a: Int, _ b: Int) throws -> JinjaValue {
        let result: (partialValue: Int, overflow: Bool)
        switch operation {
        case .add: result = a.addingReportingOverflow(b)
        case .subtract: result = a.subtractingReportingOverflow(b)
        case .multiply: result = a.multipliedReportingOverflow(by: b)
        case .divide:
            return try floating(operation, Double(a), Double(b))
        case .floorDivide, .modulo:
            guard b != 0 else { throw failure("division by zero") }
            // Python rounds down; Swift, like the processor, towards zero.
            let quotient = a.dividedReportingOverflow(by: b)
            guard !quotient.overflow else { throw failure("the number is too large") }
            let rest = a % b
            let isBelow = rest != 0 && (rest < 0) != (b < 0)
            return .int(
                operation == .modulo ? rest + (isBelow ? b : 0) : quotient.partialValue - (isBelow ? 1 : 0))
        case .power:
            if b < 0 { return try floating(operation, Double(a), Double(b)) }
            result = power(a, b)
        }
        guard !result.overflow else { throw failure("the number is too large") }
        return .int(result.partialValue)
    }

    private func power(_ base: Int, _ exponent: Int) -> (partialValue: Int, overflow: Bool) {
        switch base {
        case 0: return (exponent == 0 ? 1 : 0, false)
        case 1: return (1, false)
        case -1: return (exponent.isMultiple(of: 2) ? 1 : -1, false)
        default:
            guard exponent < Int.bitWidth else { return (0, true) }
            var result = 1
            for _ in 0..<exponent {
                let (product, overflows) = result.multipliedReportingOverflow(by: base)
                if overflows { return (0, true) }
                result = product
            }
            return (result, false)
        }
    }

    private func floating(_ operation: ArithmeticOperator, _ a: Double, _ b: Double) throws -> JinjaValue {
        switch operation {
        case .add: return .float(a + b)
        case .subtract: return .float(a - b)
        case .multiply: return .float(a * b)
        case .power: return .float(pow(a, b))
        case .divide, .floorDivide, .modulo:
            guard b != 0 else { throw failure("division by zero") }
            if operation == .divide { return .float(a / b) }
            let quotient = (a / b).rounded(.down)
            return .float(operation == .modulo ? a - quotient * b : quotient)
        }
    }

    // MARK: Comparison

    mutating func compare(
        _ comparison: ComparisonOperator, _ left: JinjaValue, _ right: JinjaValue
    ) throws -> Bool {
        switch comparison {
        case .equal: try equal(left, right)
        case .notEqual: try !equal(left, right)
        case .less: try precedes(left, right)
        case .greater: try precedes(right, left)
        case .lessOrEqual: try precedes(left, right) || equal(left, right)
        case .greaterOrEqual: try precedes(right, left) || equal(left, right)
        case .contained: try contains(right, left)
        case .notContained: try !contains(right, left)
        }
    }

    mutating func equal(_ left: JinjaValue, _ right: JinjaValue, nesting: Int = 0) throws -> Bool {
        try charge(1)
        guard nesting < Limit.nesting else { throw exceeded("values nested too deeply") }
        if let a = left.index, let b = right.index { return a == b }
        if let a = left.number, let b = right.number { return a == b }
        switch (left, right) {
        case (.null, .null), (.undefined, .undefined): return true
        case (.object(let a), .object(let b)): return a.kind == b.kind
        case (.string(let a), .string(let b)): return a.scalars == b.scalars
        case (.list(let a), .list(let b)), (.tuple(let a), .tuple(let b)):
            guard a.count == b.count else { return false }
            for (x, y) in zip(a, b) where try !equal(x, y, nesting: nesting + 1) { return false }
            return true
        case (.dict(let a), .dict(let b)):
            guard a.count == b.count else { return false }
            for (key, value) in a.entries {
                guard let other = b[key], try equal(value, other, nesting: nesting + 1) else { return false }
            }
            return true
        default: return false
        }
    }

    /// `left < right`.
    mutating func precedes(_ left: JinjaValue, _ right: JinjaValue) throws -> Bool {
        if let a = left.index, let b = right.index { return a < b }
        if let a = left.number, let b = right.number { return a < b }
        switch (left, right) {
        case (.string(let a), .string(let b)):
            return a.scalars.lexicographicallyPrecedes(b.scalars)
        case (.list(let a), .list(let b)), (.tuple(let a), .tuple(let b)):
            for (x, y) in zip(a, b) where try !equal(x, y) { return try precedes(x, y) }
            return a.count < b.count
        default:
            throw failure("\(describe(left)) and \(describe(right)) have no order")
        }
    }

    mutating func contains(_ container: JinjaValue, _ value: JinjaValue) throws -> Bool {
        switch container {
        case .undefined: return false
        case .dict(let dict): return dict[value] != nil
        case .string(let text):
            guard case .string(let part) = value else {
                throw failure("only text can be \"in\" text, found \(describe(value))")
            }
            try charge(text.count)
            return text.firstIndex(of: part, from: 0) != nil
        case .list(let items), .tuple(let items):
            for item in items where try equal(item, value) { return true }
            return false
        default: throw failure("nothing can be \"in\" \(describe(container))")
        }
    }

    // MARK: Parts

    /// What a loop over `value` visits.
    mutating func items(of value: JinjaValue) throws -> [JinjaValue] {
        switch value {
        case .undefined: return []
        case .list(let items), .tuple(let items): return items
        case .dict(let dict): return dict.entries.map(\.key)
        case .string(let text):
            try charge(text.count)
            return text.characters.map { .string(TracedText([$0.scalar], origin: $0.origin)) }
        default: throw failure("\(describe(value)) cannot be looped over")
        }
    }

    func count(of value: JinjaValue) throws -> Int {
        switch value {
        case .undefined: return 0
        case .string(let text): return text.count
        case .list(let items), .tuple(let items): return items.count
        case .dict(let dict): return dict.count
        default: throw failure("\(describe(value)) has no length")
        }
    }

    /// `value[key]`.
    func item(of value: JinjaValue, at key: JinjaValue) throws -> JinjaValue {
        func place(_ count: Int) -> Int? {
            guard let index = key.index else { return nil }
            let place = index < 0 ? index + count : index
            return (0..<count).contains(place) ? place : nil
        }
        switch value {
        case .undefined(let what): throw failure("\(what) is undefined, so it has no items")
        case .dict(let dict):
            if let found = dict[key] { return found }
        case .list(let items), .tuple(let items):
            if let place = place(items.count) { return items[place] }
        case .string(let text):
            if let place = place(text.count) { return .string(text[place..<place + 1]) }
        case .object(let object):
            if case .string(let name) = key, let found = try attribute(name, of: object) { return found }
        default: break
        }
        if case .string(let name) = key, let method = try method(name.string, of: value) { return method }
        return .undefined("item \(name(of: key)) of a \(value.typeName)")
    }

    /// `value.name`.
    func attribute(_ name: TracedText, of value: JinjaValue) throws -> JinjaValue {
        if case .undefined(let what) = value {
            throw failure("\(what) is undefined, so it has no attribute \"\(name.string)\"")
        }
        if let method = try method(name.string, of: value) { return method }
        if case .dict(let dict) = value, let found = dict[name] { return found }
        if case .object(let object) = value, let found = try attribute(name, of: object) { return found }
        return .undefined("attribute \"\(name.string)\" of a \(value.typeName)")
    }

    private func name(of key: JinjaValue) -> String {
        switch key {
        case .string(let text): "\"\(text.string.prefix(40))\""
        case .int(let value): "\(value)"
        default: "(a \(key.typeName))"
        }
    }

    /// `value[start:stop:step]`.
    mutating func slice(
        _ value: JinjaValue, from start: JinjaValue?, to stop: JinjaValue?, by step: JinjaValue?
    ) throws -> JinjaValue {
        func bound(_ value: JinjaValue?) throws -> Int? {
            switch value {
            case nil, .some(.null): return nil
            case .some(let value):
                guard let index = value.index else {
                    throw failure("\(describe(value)) cannot bound a slice")
                }
                return index
            }
        }
        if case .undefined(let what) = value { throw failure("\(what) is undefined, so it has no items") }
        let count = try count(of: value)
        try charge(count)
        let step = try bound(step) ?? 1
        guard step != 0 else { throw failure("the step of a slice is zero") }
        let lowest = step > 0 ? 0 : -1
        let highest = step > 0 ? count : count - 1
        func clamp(_ index: Int?, _ standard: Int) -> Int {
            guard let index else { return standard }
            return min(max(index < 0 ? index + count : index, lowest), highest)
        }
        let first = clamp(try bound(start), step > 0 ? lowest : highest)
        let end = clamp(try bound(stop), step > 0 ? highest : lowest)
        switch value {
        case .string(let text):
            if step == 1 { return .string(text[first..<max(first, end)]) }
            let characters = text.characters
            var part = TracedText()
            for index in stride(from: first, to: end, by: step) {
                part.append(characters[index].scalar, origin: characters[index].origin)
            }
            return .string(part)
        case .list(let items):
            return .list(stride(from: first, to: end, by: step).map { items[$0] })
        case .tuple(let items):
            return .tuple(stride(from: first, to: end, by: step).map { items[$0] })
        default:
            throw failure("\(describe(value)) cannot be sliced")
        }
    }

    /// The value as messages call it.
    func describe(_ value: JinjaValue) -> String {
        if case .undefined(let what) = value { return "\(what) (undefined)" }
        return value.typeName
    }
}
