/// Reads expressions, in Jinja's order of binding: conditional, or, and, not, comparison, + -, ~, * / // %, **,
/// sign, then attributes, subscripts, calls, filters and tests.
extension Parser {
    /// An expression, or several with commas between as a tuple.
    mutating func tuple(
        allowsConditional: Bool = true, endedBy end: Lexeme? = nil, allowsEmpty: Bool = false
    ) throws(TemplateError) -> Expression {
        let line = line
        var items: [Expression] = []
        var isTuple = false
        while !isTupleEnd(end) {
            items.append(allowsConditional ? try expression() : try disjunction())
            guard accept(",") else { break }
            isTuple = true
        }
        if !isTuple, let first = items.first { return first }
        guard isTuple || allowsEmpty else { throw error("expected an expression, found \(current.spelling)") }
        return try make(line, .tuple(items))
    }

    private func isTupleEnd(_ end: Lexeme?) -> Bool {
        [.variableEnd, .blockEnd, .symbol(")")].contains(current) || current == end
    }

    mutating func expression() throws(TemplateError) -> Expression {
        try deeper { parser throws(TemplateError) in try parser.conditionalExpression() }
    }

    private mutating func conditionalExpression() throws(TemplateError) -> Expression {
        let line = line
        var value = try disjunction()
        while accept(name: "if") {
            let test = try disjunction()
            let otherwise = accept(name: "else") ? try expression() : nil
            value = try make(line, .conditional(test: test, then: value, otherwise: otherwise))
        }
        return value
    }

    mutating func disjunction() throws(TemplateError) -> Expression {
        let line = line
        var left = try conjunction()
        while accept(name: "or") {
            left = try make(line, .or(left, try conjunction()))
        }
        return left
    }

    private mutating func conjunction() throws(TemplateError) -> Expression {
        let line = line
        var left = try negation()
        while accept(name: "and") {
            left = try make(line, .and(left, try negation()))
        }
        return left
    }

    private mutating func negation() throws(TemplateError) -> Expression {
        let line = line
        guard accept(name: "not") else { return try comparison() }
        let value = try deeper { parser throws(TemplateError) in try parser.negation() }
        return try make(line, .not(value))
    }

    private mutating func comparison() throws(TemplateError) -> Expression {
        let line = line
        let first = try sum()
        var rest: [(ComparisonOperator, Expression)] = []
        while let comparison = acceptComparison() { rest.append((comparison, try sum())) }
        return rest.isEmpty ? first : try make(line, .comparison(first, rest))
    }

    private mutating func acceptComparison() -> ComparisonOperator? {
        if accept(name: "in") { return .contained }
        if current == .name("not"), next == .name("in") {
            advance()
            advance()
            return .notContained
        }
        guard case .symbol(let symbol) = current, let comparison = ComparisonOperator(rawValue: symbol) else {
            return nil
        }
        advance()
        return comparison
    }

    private mutating func sum() throws(TemplateError) -> Expression {
        try chain(of: [.add, .subtract]) { parser throws(TemplateError) in try parser.concatenation() }
    }

    private mutating func concatenation() throws(TemplateError) -> Expression {
        let line = line
        var parts = [try product()]
        while accept("~") { parts.append(try product()) }
        return parts.count == 1 ? parts[0] : try make(line, .concatenation(parts))
    }

    private mutating func product() throws(TemplateError) -> Expression {
        try chain(of: [.multiply, .divide, .floorDivide, .modulo]) { parser throws(TemplateError) in
            // Powers bind to the left here, unlike in Python: 2 ** 3 ** 2 is 64.
            try parser.chain(of: [.power]) { parser throws(TemplateError) in try parser.signed() }
        }
    }

    private mutating func chain(
        of operators: Set<ArithmeticOperator>,
        operand: (inout Parser) throws(TemplateError) -> Expression
    ) throws(TemplateError) -> Expression {
        let line = line
        var left = try operand(&self)
        while case .symbol(let symbol) = current, let arithmetic = ArithmeticOperator(rawValue: symbol),
            operators.contains(arithmetic)
        {
            advance()
            left = try make(line, .arithmetic(arithmetic, left, try operand(&self)))
        }
        return left
    }

    private mutating func signed(withFilters: Bool = true) throws(TemplateError) -> Expression {
        let line = line
        var value: Expression
        if accept("-") {
            value = try make(
                line,
                .negative(try deeper { p throws(TemplateError) in try p.signed(withFilters: false) }))
        } else if accept("+") {
            value = try make(
                line,
                .positive(try deeper { p throws(TemplateError) in try p.signed(withFilters: false) }))
        } else {
            value = try primary()
        }
        value = try postfix(value)
        return withFilters ? try filtersAndTests(value) : value
    }

    /// What a macro is given beyond its parameters, if it reads it.
    private static let extraNames: Set<String> = ["caller", "varargs", "kwargs"]

    private mutating func primary() throws(TemplateError) -> Expression {
        let line = line
        func literal(_ value: JinjaValue) -> Expression { Expression(line: line, node: .literal(value)) }
        switch current {
        case .name(let name):
            advance()
            switch name {
            case "true", "True": return literal(.bool(true))
            case "false", "False": return literal(.bool(false))
            case "none", "None": return literal(.null)
            default:
                if Self.extraNames.contains(name) {
                    for index in extras.indices { extras[index].insert(name) }
                }
                return try make(line, .name(name))
            }
        case .string(var scalars):
            advance()
            while case .string(let more) = current {
                scalars += more
                advance()
            }
            return literal(.string(TracedText(scalars, origin: .template)))
        case .integer(let value):
            advance()
            return literal(.int(value))
        case .float(let value):
            advance()
            return literal(.float(value))
        case .symbol("("):
            advance()
            let value = try deeper { parser throws(TemplateError) in try parser.tuple(allowsEmpty: true) }
            try expect(.symbol(")"))
            return value
        case .symbol("["):
            advance()
            var items: [Expression] = []
            while current != .symbol("]") {
                items.append(try expression())
                guard accept(",") else { break }
            }
            try expect(.symbol("]"))
            return try make(line, .list(items))
        case .symbol("{"):
            return try dict()
        default:
            throw error("expected an expression, found \(current.spelling)")
        }
    }

    private mutating func dict() throws(TemplateError) -> Expression {
        let line = line
        advance()
        var entries: [(key: Expression, value: Expression)] = []
        while current != .symbol("}") {
            let key = try expression()
            try expect(.symbol(":"))
            entries.append((key, try expression()))
            guard accept(",") else { break }
        }
        try expect(.symbol("}"))
        return try make(line, .dict(entries))
    }

    // MARK: What follows a value

    private mutating func postfix(_ value: Expression) throws(TemplateError) -> Expression {
        var value = value
        while true {
            let line = line
            if accept(".") {
                switch current {
                case .name(let name):
                    advance()
                    value = try make(line, .attribute(value, TracedText(name, origin: .template)))
                case .integer(let index):
                    advance()
                    let item = try make(line, .literal(.int(index)))
                    value = try make(line, .item(value, item))
                default:
                    throw error("expected a name or a number after \".\", found \(current.spelling)")
                }
            } else if accept("[") {
                value = try subscripted(value, line)
            } else if current == .symbol("(") {
                value = try make(line, .call(value, try arguments()))
            } else {
                return value
            }
        }
    }

    private mutating func subscripted(_ value: Expression, _ line: Int) throws(TemplateError) -> Expression {
        func bound(_ parser: inout Parser) throws(TemplateError) -> Expression? {
            let isOpen = [.symbol(":"), .symbol("]")].contains(parser.current)
            return isOpen ? nil : try parser.expression()
        }
        let first = try bound(&self)
        guard accept(":") else {
            guard let first else { throw error("expected a subscript, found \(current.spelling)") }
            if current == .symbol(",") { throw unsupported("a subscript with a comma", at: line) }
            try expect(.symbol("]"))
            return try make(line, .item(value, first))
        }
        let stop = try bound(&self)
        let step = accept(":") ? try bound(&self) : nil
        try expect(.symbol("]"))
        return try make(line, .slice(value, start: first, stop: stop, step: step))
    }

    private mutating func filtersAndTests(_ value: Expression) throws(TemplateError) -> Expression {
        var value = value
        while true {
            let line = line
            if accept("|") {
                let filter = try filterCall()
                value = try make(line, .filter(value, filter.name, filter.arguments))
            } else if accept(name: "is") {
                value = try test(value, line)
            } else if current == .symbol("(") {
                value = try make(line, .call(value, try arguments()))
            } else {
                return value
            }
        }
    }

    /// The name and the arguments of a filter.
    mutating func filterCall() throws(TemplateError) -> FilterCall {
        let line = line
        let name = try name()
        return FilterCall(
            line: line, name: name, arguments: current == .symbol("(") ? try arguments() : Arguments())
    }

    private mutating func test(_ value: Expression, _ line: Int) throws(TemplateError) -> Expression {
        let isNegated = accept(name: "not")
        let name = try name()
        var arguments = Arguments()
        switch current {
        case .symbol("("):
            arguments = try self.arguments()
        case .name("else"), .name("or"), .name("and"):
            break
        case .name("is"):
            throw error("tests cannot follow each other: \"is … is\"")
        case .name("if"), .name("in"), .name("not"):
            // Jinja would read these as names; a template cannot mean that.
            break
        case .name, .string, .integer, .float, .symbol("["), .symbol("{"):
            arguments.positional = [try postfix(try primary())]
        default:
            break
        }
        let test = try make(line, .test(value, name, arguments))
        return isNegated ? try make(line, .not(test)) : test
    }

    private mutating func arguments() throws(TemplateError) -> Arguments {
        try expect(.symbol("("))
        var arguments = Arguments()
        while current != .symbol(")") {
            if accept("*") {
                guard arguments.spread == nil else { throw error("two \"*\" in one call") }
                arguments.spread = try expression()
            } else if accept("**") {
                guard arguments.spreadKeywords == nil else { throw error("two \"**\" in one call") }
                arguments.spreadKeywords = try expression()
            } else if case .name(let name) = current, next == .symbol("=") {
                advance()
                advance()
                arguments.keywords.append((name, try expression()))
            } else {
                guard arguments.keywords.isEmpty, arguments.spread == nil, arguments.spreadKeywords == nil
                else { throw error("a plain argument after a named one") }
                arguments.positional.append(try expression())
            }
            guard accept(",") else { break }
        }
        try expect(.symbol(")"))
        return arguments
    }
}
