/// Reads a template. Tags are in StatementParser.swift, expressions in ExpressionParser.swift.
struct Parser {
    private let lexemes: [(lexeme: Lexeme, line: Int)]
    private var index = 0
    // Nesting of the construct being read, so that neither reading nor running it can exhaust the stack.
    private var depth = 0
    /// Loops open around the place being read, in the same macro.
    var loops = 0
    /// For each macro open around the place being read, the special names that it reads.
    var extras: [Set<String>] = []
    // A level takes some 4 KiB of the stack while it is read, of which a thread of a pool may have 512 KiB; a level
    // of an expression without brackets takes less, and only while it runs.
    private static let deepest = 100
    private static let deepestExpression = 200

    /// - Throws: ``TemplateError`` of kind `syntax` or `unsupported`.
    static func parse(_ source: String) throws(TemplateError) -> [Statement] {
        var parser = Parser(lexemes: try Lexer.lexemes(of: source))
        let body = try parser.statements(until: [])
        return body
    }

    private init(lexemes: [(Lexeme, Int)]) {
        self.lexemes = lexemes
    }

    /// Statements up to a block tag named in `ends`, whose name is left to be read; all of them if it is empty.
    mutating func statements(until ends: Set<String>) throws(TemplateError) -> [Statement] {
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
        try check(depth, Self.deepest)
        return try body(&self)
    }

    /// An expression, unless it nests too deeply: chains such as `a + b + c` do so without any bracket.
    func make(_ line: Int, _ node: Expression.Node) throws(TemplateError) -> Expression {
        let expression = Expression(line: line, node: node)
        try check(expression.depth, Self.deepestExpression)
        return expression
    }

    private func check(_ depth: Int, _ deepest: Int) throws(TemplateError) {
        guard depth <= deepest else {
            throw TemplateError(kind: .limit, line: line, message: "nested deeper than \(deepest) levels")
        }
    }

    func error(_ message: String, at line: Int? = nil) -> TemplateError {
        TemplateError(kind: .syntax, line: line ?? self.line, message: message)
    }

    func unsupported(_ what: String, at line: Int) -> TemplateError {
        TemplateError(kind: .unsupported, line: line, message: what)
    }
}
