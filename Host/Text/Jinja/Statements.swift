/// What statements do.
extension Interpreter {
    /// How a body ended: at its end, or by `{% break %}` or `{% continue %}`.
    enum Ending {
        case end
        case leaveLoop
        case nextTurn
    }

    mutating func run(_ body: [Statement]) throws -> Ending {
        try descend()
        defer { ascend() }
        for statement in body {
            line = statement.line
            try spend(1)
            let ending = try run(statement.node)
            if ending != .end { return ending }
        }
        return .end
    }

    private mutating func run(_ statement: Statement.Node) throws -> Ending {
        switch statement {
        case .text(let text):
            try write(text)
        case .output(let expression):
            try write(try text(of: evaluate(expression)))
        case .discard(let expression):
            _ = try evaluate(expression)
        case .conditional(let branches, let otherwise):
            return try run(try branches.first { try evaluate($0.test).isTrue }?.body ?? otherwise)
        case .loop(let loop):
            return try run(loop)
        case .leaveLoop:
            return .leaveLoop
        case .nextTurn:
            return .nextTurn
        case .assignment(let target, let expression):
            try assign(evaluate(expression), to: target)
        case .capture(let target, let filters, let body):
            let (text, ending) = try captured(inside: scope) { try $0.run(body) }
            guard ending == .end else { return ending }
            try assign(filtered(.string(text), by: filters), to: target)
        case .filtered(let filters, let body):
            let (text, ending) = try captured(inside: scope) { try $0.run(body) }
            guard ending == .end else { return ending }
            try write(self.text(of: filtered(.string(text), by: filters)))
        case .scope(let values, let body):
            return try run(values, body)
        case .macro(let macro):
            guard let name = macro.name else { break }
            scope.values[name] = objects.insert(macro: macro, scope: scope)
        case .call(let call, let caller):
            try write(try text(of: value(of: call, caller: objects.insert(macro: caller, scope: scope))))
        }
        return .end
    }

    private mutating func value(of call: Expression, caller: JinjaValue) throws -> JinjaValue {
        guard case .call(let callee, let arguments) = call.node else { throw failure("not a call") }
        let called = try evaluate(callee)
        var values = try evaluate(arguments)
        values.keywords.append(("caller", caller))
        return try self.call(called, values)
    }

    private mutating func run(
        _ values: [(target: Target, value: Expression)], _ body: [Statement]
    ) throws -> Ending {
        // None of the names is seen by the values.
        let values = try values.map { (target: $0.target, value: try evaluate($0.value)) }
        return try within(scope) { interpreter in
            for (target, value) in values { try interpreter.assign(value, to: target) }
            return try interpreter.run(body)
        }
    }

    private mutating func filtered(_ value: JinjaValue, by filters: [FilterCall]) throws -> JinjaValue {
        var value = value
        for call in filters {
            line = call.line
            value = try filter(call.name, value, evaluate(call.arguments))
        }
        return value
    }

    mutating func assign(_ value: JinjaValue, to target: Target) throws {
        switch target {
        case .name(let name):
            scope.values[name] = value
        case .attribute(let name, let attribute):
            guard case .object(let object)? = scope[name], case .namespace(let number) = object.kind else {
                throw failure("\"\(name)\" is not a namespace, so its attributes cannot be set")
            }
            objects.namespaces[number].set(.string(attribute), value)
        case .tuple(let targets):
            let items = try items(of: value)
            guard items.count == targets.count else {
                throw failure("cannot unpack \(items.count) values into \(targets.count) names")
            }
            for (item, target) in zip(items, targets) { try assign(item, to: target) }
        }
    }

    // MARK: Loops

    private mutating func run(_ loop: Statement.Loop) throws -> Ending {
        let items = try items(of: evaluate(loop.sequence))
        return try turns(of: loop, over: items, inside: scope, depth: 1)
    }

    /// Runs a loop.
    ///
    /// - Parameters:
    ///   - outer: What is seen around the loop.
    ///   - depth: 1, and one more for each recursion.
    private mutating func turns(
        of loop: Statement.Loop, over items: [JinjaValue], inside outer: Scope, depth: Int
    ) throws -> Ending {
        let kept = try loop.condition.map { try self.kept(items, loop, $0, outer) } ?? items
        let number = objects.begin(loop, over: kept, inside: outer, depth: depth)
        defer { objects.endLoop() }
        var wasCompleted = false
        for index in kept.indices {
            // A turn costs about as much as copying this many characters, however short its body.
            try spend(80)
            objects.turn(to: index)
            let ending = try within(outer) { interpreter in
                try interpreter.assign(kept[index], to: loop.target)
                interpreter.scope.values["loop"] = number
                return try interpreter.run(loop.body)
            }
            if ending == .end { wasCompleted = true }
            if ending == .leaveLoop { break }
        }
        // As in Jinja: a loop left in its first turn counts as one without items.
        guard !wasCompleted else { return .end }
        return try within(outer) { try $0.run(loop.otherwise) }
    }

    private mutating func kept(
        _ items: [JinjaValue], _ loop: Statement.Loop, _ condition: Expression, _ outer: Scope
    ) throws -> [JinjaValue] {
        try items.filter { item in
            try within(outer) { interpreter in
                try interpreter.assign(item, to: loop.target)
                return try interpreter.evaluate(condition).isTrue
            }
        }
    }

    /// `loop(items)`: what a recursive loop writes over other items.
    mutating func recur(_ state: ObjectTable.LoopState, over items: [JinjaValue]) throws -> JinjaValue {
        guard state.loop.isRecursive else {
            throw failure("the loop is called, but it is not \"recursive\"")
        }
        return .string(
            try captured(inside: state.scope) {
                try $0.turns(of: state.loop, over: items, inside: state.scope, depth: state.depth + 1)
            }.text)
    }

    // MARK: Scopes and output

    /// Runs `body` with new names inside `outer`.
    mutating func within<T>(_ outer: Scope, _ body: (inout Interpreter) throws -> T) throws -> T {
        let before = scope
        scope = Scope(inside: outer)
        defer { scope = before }
        return try body(&self)
    }

    /// What `body` writes, run with new names inside `outer`.
    mutating func captured<T>(
        inside outer: Scope, _ body: (inout Interpreter) throws -> T
    ) throws -> (text: TracedText, result: T) {
        let before = output
        output = TracedText()
        defer { output = before }
        let result = try within(outer, body)
        return (output, result)
    }

    private mutating func write(_ text: TracedText) throws {
        try spend(text.count)
        guard output.count + text.count <= Limit.size else {
            throw exceeded("it wrote more than \(Limit.size) characters")
        }
        output.append(text)
    }
}
