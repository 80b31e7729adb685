import Foundation

/// Names and their values inside one another: a block sees its own and those around it.
///
/// Made, read and written inside one rendering, by its thread.
final class Scope {
    var values: [String: JinjaValue]
    let parent: Scope?

    init(_ values: [String: JinjaValue] = [:], inside parent: Scope?) {
        self.values = values
        self.parent = parent
    }

    subscript(name: String) -> JinjaValue? {
        var scope: Scope? = self
        while let current = scope {
            if let value = current.values[name] { return value }
            scope = current.parent
        }
        return nil
    }
}

/// Runs a template once. What statements, operators, methods, filters and tests do is in extensions, a file each.
struct Interpreter {
    /// Bounds on one rendering; no real chat comes near them.
    enum Limit {
        /// Expressions evaluated, plus one for every 8 characters or items that an operation makes.
        static let steps = 10_000_000
        /// Characters or items in one value, and characters in the whole output.
        static let size = 16_000_000
        /// Items of `range`, as in Python's sandbox.
        static let range = 100_000
        /// Statements and expressions inside each other while they run, macros that call macros included: some 2 KiB
        /// of the stack each, of which a thread of a pool may have 512 KiB.
        static let depth = 200
        /// Lists and dicts inside each other, when they are printed or compared.
        static let nesting = 200
    }

    var scope: Scope
    var output = TracedText()
    /// What values refer to by number; see ``JinjaObject``.
    var objects = ObjectTable()
    private var steps = 0
    private var depth = 0
    let now: Date
    /// Line of what is being evaluated.
    var line = 1

    /// - Throws: ``TemplateError``.
    static func render(_ body: [Statement], variables: [String: JinjaValue], now: Date) throws -> TracedText {
        var interpreter = Interpreter(variables: variables, now: now)
        _ = try interpreter.run(body)
        return interpreter.output
    }

    private init(variables: [String: JinjaValue], now: Date) {
        let globals: [String: JinjaFunction.Kind] = [
            "raise_exception": .raiseException, "strftime_now": .strftimeNow, "range": .range, "dict": .dict,
            "namespace": .namespace, "joiner": .joiner, "cycler": .cycler,
        ]
        scope = Scope(
            variables,
            inside: Scope(globals.mapValues { .function(JinjaFunction(kind: $0)) }, inside: nil))
        self.now = now
    }

    // MARK: Expressions

    mutating func evaluate(_ expression: Expression) throws -> JinjaValue {
        try spend(1)
        try descend()
        defer { ascend() }
        let value = try value(of: expression)
        line = expression.line
        return value
    }

    private mutating func value(of expression: Expression) throws -> JinjaValue {
        switch expression.node {
        case .literal(let value): return value
        case .name(let name): return lookUp(name)
        case .list(let items): return .list(try items.map { try evaluate($0) })
        case .tuple(let items): return .tuple(try items.map { try evaluate($0) })
        case .dict(let entries): return try dict(entries)
        case .attribute(let value, let name):
            // Evaluated first: what follows looks at the objects as they are afterwards.
            let value = try evaluate(value)
            return try attribute(name, of: value)
        case .item(let value, let key):
            let value = try evaluate(value)
            let key = try evaluate(key)
            return try item(of: value, at: key)
        case .slice(let value, let start, let stop, let step):
            return try slice(
                evaluate(value), from: start.map { try evaluate($0) }, to: stop.map { try evaluate($0) },
                by: step.map { try evaluate($0) })
        case .call(let callee, let arguments): return try call(evaluate(callee), evaluate(arguments))
        case .filter(let value, let name, let arguments):
            return try filter(name, evaluate(value), evaluate(arguments))
        case .test(let value, let name, let arguments):
            return .bool(try test(name, evaluate(value), evaluate(arguments)))
        case .negative(let value): return try arithmetic(.multiply, .int(-1), numeric(evaluate(value)))
        case .positive(let value): return try arithmetic(.add, .int(0), numeric(evaluate(value)))
        case .not(let value): return .bool(try !evaluate(value).isTrue)
        case .arithmetic(let operation, let left, let right):
            return try arithmetic(operation, evaluate(left), evaluate(right))
        case .and(let left, let right):
            let value = try evaluate(left)
            return value.isTrue ? try evaluate(right) : value
        case .or(let left, let right):
            let value = try evaluate(left)
            return value.isTrue ? value : try evaluate(right)
        case .concatenation(let parts):
            var joined = TracedText()
            for part in parts {
                joined.append(try text(of: evaluate(part)))
                try charge(joined.count)
            }
            return .string(joined)
        case .comparison(let first, let rest):
            var left = try evaluate(first)
            for (comparison, next) in rest {
                let right = try evaluate(next)
                guard try compare(comparison, left, right) else { return .bool(false) }
                left = right
            }
            return .bool(true)
        case .conditional(let test, let then, let otherwise):
            if try evaluate(test).isTrue { return try evaluate(then) }
            guard let otherwise else { return .undefined("the value of an \"if\" without \"else\"") }
            return try evaluate(otherwise)
        }
    }

    private func lookUp(_ name: String) -> JinjaValue {
        scope[name] ?? .undefined("\"\(name)\"")
    }

    private mutating func dict(_ entries: [(key: Expression, value: Expression)]) throws -> JinjaValue {
        var dict = JinjaDict()
        for (key, value) in entries {
            let key = try evaluate(key)
            guard dict.set(key, try evaluate(value)) else {
                throw failure("a \(key.typeName) cannot be the key of a dict")
            }
        }
        return .dict(dict)
    }

    mutating func evaluate(_ arguments: Arguments) throws -> ArgumentValues {
        var values = ArgumentValues()
        for argument in arguments.positional { values.positional.append(try evaluate(argument)) }
        for (name, value) in arguments.keywords { values.keywords.append((name, try evaluate(value))) }
        if let spread = arguments.spread {
            let items = try items(of: evaluate(spread))
            try charge(items.count)
            values.positional += items
        }
        if let spread = arguments.spreadKeywords {
            guard case .dict(let dict) = try evaluate(spread) else { throw failure("** needs a dict") }
            try charge(dict.count)
            for (key, value) in dict.entries {
                guard case .string(let name) = key else { throw failure("** needs a dict with text as keys") }
                values.keywords.append((name.string, value))
            }
        }
        return values
    }

    // MARK: Bounds and errors

    /// Counts an evaluation, or the work of writing `size` characters.
    mutating func spend(_ size: Int) throws {
        steps += 1 + size / 8
        guard steps <= Limit.steps else { throw exceeded("it took more than \(Limit.steps) steps") }
    }

    /// Goes one level down in statements, expressions, macros or loops, all of which take room on the stack.
    mutating func descend() throws {
        depth += 1
        guard depth <= Limit.depth else { throw exceeded("it nests deeper than \(Limit.depth) levels") }
    }

    mutating func ascend() {
        depth -= 1
    }

    /// Accounts for a value of `size` characters or items that an operation has made or is about to make.
    mutating func charge(_ size: Int) throws {
        guard size <= Limit.size else {
            throw exceeded("a value of \(size) characters or items; \(Limit.size) are allowed")
        }
        try spend(size)
    }

    func failure(_ message: String) -> TemplateError {
        TemplateError(kind: .evaluation, line: line, message: message)
    }

    func unsupported(_ what: String) -> TemplateError {
        TemplateError(kind: .unsupported, line: line, message: what)
    }

    func exceeded(_ message: String) -> TemplateError {
        TemplateError(kind: .limit, line: line, message: message)
    }
}

/// The values that a call, a filter or a test is given.
struct ArgumentValues {
    var positional: [JinjaValue] = []
    var keywords: [(name: String, value: JinjaValue)] = []
}
