/// Reads the statements of a template. Expressions are in ExpressionParser.swift.
struct Parser {
    private let lexemes: [(lexeme: Lexeme, line: Int)]
    private var index = 0
    // Nesting of the construct being read, so that neither reading nor running it can exhaust the stack.
    private var depth = 0
    private static let deepest = 200

    /// - Throws: ``TemplateError`` of kind `syntax` or `unsupported`.
    static func parse(_ source: String) throws(TemplateError) -> [Statement] {
        var parser = Parser(lexemes: try Lexer.lexemes(of: source))
        let body = try parser.statements(until: [])
        return body
    }

    private init(lexemes: [(Lexeme, Int)]) {
        self.lexemes = lexemes
    }

    // MARK: Statements

    /// Statements up to a block tag named in `ends`, whose name is left to be read; all of them if it is empty.
    private mutating func statements(until ends: Set<String>) throws(TemplateError) -> [Statement] {
        try deeper { parser throws(TemplateError) in try parser.statementList(until: ends) }
    }

    private mutating func statementList(until ends: Set<String>) throws(TemplateError) -> [Statement] {
        var body: [Statement] = []
        let opened = line
        while true {
            let line = line
            switch current {
            case .data(let scalars):
                advance()
                body.append(Statement(line: line, node: .text(TracedText(scalars, origin: .template))))
            case .variableBegin:
                advance()
                body.append(Statement(line: line, node: .output(try tuple())))
                try expect(.variableEnd)
            case .blockBegin:
                advance()
                guard case .name(let name) = current else {
                    throw error("expected a tag name, found \(current.spelling)")
                }
                if ends.contains(name) { return body }
                advance()
                body.append(Statement(line: line, node: try statement(name)))
                try expect(.blockEnd)
            default:
                guard ends.isEmpty else {
                    throw error(
                        "the tag opened before line \(opened + 1) is not closed: expected \(ends.sorted())")
                }
                return body
            }
        }
    }

    private static let laterTags: Set<String> = [
        "macro", "call", "filter", "include", "import", "from", "extends", "block", "with", "raw", "do",
        "break",
        "continue", "generation", "autoescape",
    ]

    private mutating func statement(_ name: String) throws(TemplateError) -> Statement.Node {
        switch name {
        case "if": return try conditional()
        case "for": return try loop()
        case "set": return try assignment()
        default:
            if Self.laterTags.contains(name) { throw unsupported("{% \(name) %}", at: previousLine) }
            throw error("unknown tag \"\(name)\"", at: previousLine)
        }
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
                try expect(.blockEnd)
                otherwise = try statements(until: ["endif"])
            }
            advance()
            return .conditional(branches, otherwise: otherwise)
        }
    }

    private mutating func loop() throws(TemplateError) -> Statement.Node {
        let target = try target(endedBy: .name("in"))
        guard accept(name: "in") else { throw error("expected \"in\", found \(current.spelling)") }
        let sequence = try tuple(allowsConditional: false, endedBy: .name("recursive"))
        let condition = accept(name: "if") ? try expression() : nil
        if accept(name: "recursive") { throw unsupported("a recursive loop", at: previousLine) }
        try expect(.blockEnd)
        let body = try statements(until: ["else", "endfor"])
        var otherwise: [Statement] = []
        if accept(name: "else") {
            try expect(.blockEnd)
            otherwise = try statements(until: ["endfor"])
        }
        advance()
        return .loop(
            .init(target: target, sequence: sequence, condition: condition, body: body, otherwise: otherwise))
    }

    private mutating func assignment() throws(TemplateError) -> Statement.Node {
        let target = try target(endedBy: .symbol("="))
        if current == .symbol(".") { throw unsupported("assignment to a namespace", at: line) }
        if accept("=") { return .assignment(target, try tuple()) }
        guard case .name(let name) = target else { throw error("expected \"=\", found \(current.spelling)") }
        if current == .symbol("|") { throw unsupported("a filter on {% set %} … {% endset %}", at: line) }
        try expect(.blockEnd)
        let body = try statements(until: ["endset"])
        advance()
        return .capture(name, body)
    }

    private mutating func target(endedBy end: Lexeme) throws(TemplateError) -> Target {
        var names: [Target] = []
        var isTuple = false
        while current != end {
            if accept("(") {
                names.append(
                    try deeper { parser throws(TemplateError) in try parser.target(endedBy: .symbol(")")) })
                try expect(.symbol(")"))
            } else if case .name(let name) = current {
                advance()
                if ["true", "false", "none", "True", "False", "None"].contains(name) {
                    throw error("cannot assign to \(name)", at: previousLine)
                }
                names.append(.name(name))
            } else {
                throw error("expected a name, found \(current.spelling)")
            }
            guard accept(",") else { break }
            isTuple = true
        }
        guard let first = names.first else { throw error("expected a name, found \(current.spelling)") }
        return isTuple ? .tuple(names) : first
    }

    // MARK: Lexemes

    var current: Lexeme { lexemes[index].lexeme }
    var line: Int { lexemes[index].line }
    var previousLine: Int { lexemes[max(0, index - 1)].line }
    var next: Lexeme { lexemes[min(index + 1, lexemes.count - 1)].lexeme }

    /// The last lexeme is `end`, and stays.
    mutating func advance() {
        if index + 1 < lexemes.count { index += 1 }
    }

    mutating func accept(_ symbol: String) -> Bool {
        guard current == .symbol(symbol) else { return false }
        advance()
        return true
    }

    mutating func accept(name: String) -> Bool {
        guard current == .name(name) else { return false }
        advance()
        return true
    }

    mutating func expect(_ lexeme: Lexeme) throws(TemplateError) {
        guard current == lexeme else {
            throw error("expected \(lexeme.spelling), found \(current.spelling)")
        }
        advance()
    }

    mutating func name() throws(TemplateError) -> String {
        guard case .name(let name) = current else {
            throw error("expected a name, found \(current.spelling)")
        }
        advance()
        return name
    }

    // MARK: Depth and errors

    /// Runs `body` one level down.
    mutating func deeper<T>(
        _ body: (inout Parser) throws(TemplateError) -> T
    ) throws(TemplateError) -> T {
        depth += 1
        defer { depth -= 1 }
        try check(depth)
        return try body(&self)
    }

    /// An expression, unless it nests too deeply: chains such as `a + b + c` do so without any bracket.
    func make(_ line: Int, _ node: Expression.Node) throws(TemplateError) -> Expression {
        let expression = Expression(line: line, node: node)
        try check(expression.depth)
        return expression
    }

    private func check(_ depth: Int) throws(TemplateError) {
        guard depth <= Self.deepest else {
            throw TemplateError(
                kind: .limit, line: line, message: "nested deeper than \(Self.deepest) levels")
        }
    }

    func error(_ message: String, at line: Int? = nil) -> TemplateError {
        TemplateError(kind: .syntax, line: line ?? self.line, message: message)
    }

    func unsupported(_ what: String, at line: Int) -> TemplateError {
        TemplateError(kind: .unsupported, line: line, message: what)
    }
}
