/// Reads tags: `{% name … %}`, up to the tag that closes them.
extension Parser {
    // They load other templates, of which a checkpoint has none.
    private static let refusedTags: Set<String> = [
        "include", "import", "from", "extends", "block", "autoescape",
    ]

    mutating func statement(_ name: String) throws(TemplateError) -> Statement.Node {
        switch name {
        case "if": return try conditional()
        case "for": return try loop()
        case "set": return try assignment()
        case "macro": return .macro(try macro(named: try self.name()))
        case "call": return try callBlock()
        case "filter": return try filterBlock()
        case "with": return try with()
        case "generation":
            // Marks what a model is to learn; it changes nothing in the text.
            return .scope([], try block(endedBy: "endgeneration"))
        case "do": return .discard(try tuple())
        case "break", "continue":
            guard loops > 0 else { throw error("{% \(name) %} outside of a loop", at: previousLine) }
            return name == "break" ? .leaveLoop : .nextTurn
        default:
            if Self.refusedTags.contains(name) { throw unsupported("{% \(name) %}", at: previousLine) }
            throw error("unknown tag \"\(name)\"", at: previousLine)
        }
    }

    /// The rest of an opening tag and the body up to the tag `end`, which is read except for its `%}`.
    private mutating func block(endedBy end: String) throws(TemplateError) -> [Statement] {
        try expect(.blockEnd)
        let body = try statements(until: [end])
        advance()
        return body
    }

    private mutating func conditional() throws(TemplateError) -> Statement.Node {
        var branches: [(test: Expression, body: [Statement])] = []
        var otherwise: [Statement] = []
        while true {
            let test = try tuple(allowsConditional: false)
            try expect(.blockEnd)
            branches.append((test, try statements(until: ["elif", "else", "endif"])))
            if accept(name: "elif") { continue }
            if accept(name: "else") {
                otherwise = try block(endedBy: "endif")
            } else {
                advance()
            }
            return .conditional(branches, otherwise: otherwise)
        }
    }

    private mutating func loop() throws(TemplateError) -> Statement.Node {
        let target = try target(endedBy: .name("in"))
        guard accept(name: "in") else { throw error("expected \"in\", found \(current.spelling)") }
        let sequence = try tuple(allowsConditional: false, endedBy: .name("recursive"))
        let condition = accept(name: "if") ? try expression() : nil
        let isRecursive = accept(name: "recursive")
        try expect(.blockEnd)
        loops += 1
        let body = try statements(until: ["else", "endfor"])
        loops -= 1
        var otherwise: [Statement] = []
        if accept(name: "else") {
            otherwise = try block(endedBy: "endfor")
        } else {
            advance()
        }
        return .loop(
            .init(
                target: target, sequence: sequence, condition: condition, body: body, otherwise: otherwise,
                isRecursive: isRecursive))
    }

    private mutating func assignment() throws(TemplateError) -> Statement.Node {
        let target = try target(endedBy: .symbol("="), allowsAttributes: true)
        if accept("=") { return .assignment(target, try tuple()) }
        if case .tuple = target { throw error("expected \"=\", found \(current.spelling)") }
        let filters = try filters()
        return .capture(target, filters, try block(endedBy: "endset"))
    }

    private mutating func filterBlock() throws(TemplateError) -> Statement.Node {
        let first = try filterCall()
        let filters = [first] + (try filters())
        return .filtered(filters, try block(endedBy: "endfilter"))
    }

    private mutating func filters() throws(TemplateError) -> [FilterCall] {
        var filters: [FilterCall] = []
        while accept("|") { filters.append(try filterCall()) }
        return filters
    }

    private mutating func with() throws(TemplateError) -> Statement.Node {
        var values: [(target: Target, value: Expression)] = []
        while current != .blockEnd {
            if !values.isEmpty { try expect(.symbol(",")) }
            let target = try target(endedBy: .symbol("="))
            try expect(.symbol("="))
            values.append((target, try expression()))
        }
        return .scope(values, try block(endedBy: "endwith"))
    }

    // MARK: Macros

    private mutating func callBlock() throws(TemplateError) -> Statement.Node {
        let parameters = current == .symbol("(") ? try self.parameters() : []
        let call = try expression()
        guard case .call = call.node else { throw error("expected a call after {% call %}") }
        return .call(call, caller: try macro(named: nil, parameters, endedBy: "endcall"))
    }

    private mutating func macro(named name: String) throws(TemplateError) -> Statement.Macro {
        try macro(named: name, try parameters(), endedBy: "endmacro")
    }

    private mutating func macro(
        named name: String?, _ parameters: [(name: String, standard: Expression?)], endedBy end: String
    ) throws(TemplateError) -> Statement.Macro {
        let outerLoops = loops
        loops = 0
        extras.append([])
        let body = try block(endedBy: end)
        let read = extras.removeLast()
        loops = outerLoops
        return Statement.Macro(
            name: name, parameters: parameters, body: body, extras: read.subtracting(parameters.map(\.name)))
    }

    private mutating func parameters() throws(TemplateError) -> [(name: String, standard: Expression?)] {
        try expect(.symbol("("))
        var parameters: [(name: String, standard: Expression?)] = []
        while current != .symbol(")") {
            let name = try name()
            if parameters.contains(where: { $0.name == name }) {
                throw error("two parameters are called \"\(name)\"")
            }
            if accept("=") {
                parameters.append((name, try expression()))
            } else {
                guard parameters.last?.standard == nil else {
                    throw error("the parameter \"\(name)\" needs a default, as the one before it has one")
                }
                parameters.append((name, nil))
            }
            guard accept(",") else { break }
        }
        try expect(.symbol(")"))
        return parameters
    }

    // MARK: Targets

    private mutating func target(
        endedBy end: Lexeme, allowsAttributes: Bool = false
    ) throws(TemplateError) -> Target {
        var names: [Target] = []
        var isTuple = false
        while current != end {
            if accept("(") {
                names.append(
                    try deeper { parser throws(TemplateError) in
                        try parser.target(endedBy: .symbol(")"), allowsAttributes: allowsAttributes)
                    })
                try expect(.symbol(")"))
            } else {
                names.append(try simpleTarget(allowsAttributes))
            }
            guard accept(",") else { break }
            isTuple = true
        }
        guard let first = names.first else { throw error("expected a name, found \(current.spelling)") }
        return isTuple ? .tuple(names) : first
    }

    private mutating func simpleTarget(_ allowsAttributes: Bool) throws(TemplateError) -> Target {
        let name = try name()
        if ["true", "false", "none", "True", "False", "None"].contains(name) {
            throw error("cannot assign to \(name)", at: previousLine)
        }
        guard allowsAttributes, accept(".") else { return .name(name) }
        return .attribute(name, TracedText(try self.name(), origin: .template))
    }
}
