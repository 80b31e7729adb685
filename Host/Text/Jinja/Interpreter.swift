import Foundation

/// Runs a template once. What operators, methods, filters and tests do is in extensions, a file each.
struct Interpreter {
    /// Bounds on one rendering; no real chat comes near them.
    enum Limit {
        /// Expressions evaluated, plus one for every 16 characters or items that an operation makes.
        static let steps = 10_000_000
        /// Characters or items in one value, and characters in the whole output.
        static let size = 16_000_000
        /// Items of `range`, as in Python's sandbox.
        static let range = 100_000
        /// Lists and dicts inside each other, when they are printed or compared.
        static let nesting = 200
    }

    private var scopes: [[String: JinjaValue]]
    private var output = TracedText()
    private var steps = 0
    let now: Date
    /// Line of what is being evaluated.
    private(set) var line = 1

    /// - Throws: ``TemplateError``.
    static func render(_ body: [Statement], variables: [String: JinjaValue], now: Date) throws -> TracedText {
        var interpreter = Interpreter(variables: variables, now: now)
        try interpreter.run(body)
        return interpreter.output
    }

    private init(variables: [String: JinjaValue], now: Date) {
        let globals: [String: JinjaFunction.Kind] = [
            "raise_exception": .raiseException, "strftime_now": .strftimeNow, "range": .range, "dict": .dict,
        ]
        scopes = [globals.mapValues { .function(JinjaFunction(kind: $0)) }, variables]
        self.now = now
    }

    // MARK: Statements

    private mutating func run(_ body: [Statement]) throws {
        for statement in body {
            line = statement.line
            try spend(1)
            switch statement.node {
            case .text(let text):
                try write(text)
            case .output(let expression):
                try write(try text(of: evaluate(expression)))
            case .conditional(let branches, let otherwise):
                try run(try branches.first { try evaluate($0.test).isTrue }?.body ?? otherwise)
            case .loop(let loop):
                try run(loop)
            case .assignment(let target, let expression):
                try assign(evaluate(expression), to: target)
            case .capture(let name, let body):
                let outer = output
                output = TracedText()
                try inScope { try $0.run(body) }
                scopes[scopes.count - 1][name] = .string(output)
                output = outer
            }
        }
    }

    private mutating func run(_ loop: Statement.Loop) throws {
        var items = try items(of: evaluate(loop.sequence))
        if let condition = loop.condition {
            var kept: [JinjaValue] = []
            for item in items {
                let holds = try inScope { interpreter in
                    try interpreter.assign(item, to: loop.target)
                    return try interpreter.evaluate(condition).isTrue
                }
                if holds { kept.append(item) }
            }
            items = kept
        }
        guard !items.isEmpty else {
            return try inScope { try $0.run(loop.otherwise) }
        }
        for index in items.indices {
            // A turn costs about as much as copying this many characters, however short its body.
            try spend(160)
            try inScope { interpreter in
                try interpreter.assign(items[index], to: loop.target)
                interpreter.scopes[interpreter.scopes.count - 1]["loop"] =
                    .dict(Self.loopVariable(items, at: index))
                try interpreter.run(loop.body)
            }
        }
    }

    private static func loopVariable(_ items: [JinjaValue], at index: Int) -> JinjaDict {
        [
            "index": .int(index + 1), "index0": .int(index),
            "revindex": .int(items.count - index), "revindex0": .int(items.count - index - 1),
            "first": .bool(index == 0), "last": .bool(index == items.count - 1), "length": .int(items.count),
            "previtem": index > 0 ? items[index - 1] : .undefined("there is no previous item"),
            "nextitem": index + 1 < items.count ? items[index + 1] : .undefined("there is no next item"),
            "depth": .int(1), "depth0": .int(0),
            "cycle": .function(JinjaFunction(kind: .cycle(index))),
        ]
    }

    private mutating func assign(_ value: JinjaValue, to target: Target) throws {
        switch target {
        case .name(let name):
            scopes[scopes.count - 1][name] = value
        case .tuple(let targets):
            let items = try items(of: value)
            guard items.count == targets.count else {
                throw failure("cannot unpack \(items.count) values into \(targets.count) names")
            }
            for (item, target) in zip(items, targets) { try assign(item, to: target) }
        }
    }

    private mutating func inScope<T>(_ body: (inout Interpreter) throws -> T) rethrows -> T {
        scopes.append([:])
        defer { scopes.removeLast() }
        return try body(&self)
    }

    private mutating func write(_ text: TracedText) throws {
        try spend(text.count)
        guard output.count + text.count <= Limit.size else {
            throw exceeded("it wrote more than \(Limit.size) characters")
        }
        output.append(text)
    }

    // MARK: Expressions

    mutating func evaluate(_ expression: Expression) throws -> JinjaValue {
        try spend(1)
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
        case .attribute(let value, let name): return try attribute(name, of: evaluate(value))
        case .item(let value, let key): return try item(of: evaluate(value), at: evaluate(key))
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
        for scope in scopes.reversed() {
            if let value = scope[name] { return value }
        }
        return .undefined("\"\(name)\"")
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

    private mutating func evaluate(_ arguments: Arguments) throws -> ArgumentValues {
        var values = ArgumentValues()
        for argument in arguments.positional { values.positional.append(try evaluate(argument)) }
        for (name, value) in arguments.keywords { values.keywords.append((name, try evaluate(value))) }
        return values
    }

    // MARK: Bounds and errors

    /// Counts an evaluation, or the work of writing `size` characters.
    private mutating func spend(_ size: Int) throws {
        steps += 1 + size / 16
        guard steps <= Limit.steps else { throw exceeded("it took more than \(Limit.steps) steps") }
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
