/// An expression and the line it begins on.
struct Expression: Sendable {
    let line: Int
    let node: Node
    /// Expressions inside each other here, this one included. The parser keeps it small enough for any stack.
    let depth: Int

    init(line: Int, node: Node) {
        self.line = line
        self.node = node
        depth = 1 + (node.children.map(\.depth).max() ?? 0)
    }

    indirect enum Node: Sendable {
        case literal(JinjaValue)
        case name(String)
        case list([Expression])
        case tuple([Expression])
        case dict([(key: Expression, value: Expression)])
        case attribute(Expression, TracedText)
        case item(Expression, Expression)
        case slice(Expression, start: Expression?, stop: Expression?, step: Expression?)
        case call(Expression, Arguments)
        case filter(Expression, String, Arguments)
        case test(Expression, String, Arguments)
        case negative(Expression)
        case positive(Expression)
        case not(Expression)
        case arithmetic(ArithmeticOperator, Expression, Expression)
        case and(Expression, Expression)
        case or(Expression, Expression)
        case concatenation([Expression])
        case comparison(Expression, [(ComparisonOperator, Expression)])
        case conditional(test: Expression, then: Expression, otherwise: Expression?)

        var children: [Expression] {
            switch self {
            case .literal, .name: []
            case .list(let items), .tuple(let items), .concatenation(let items): items
            case .dict(let entries): entries.flatMap { [$0.key, $0.value] }
            case .attribute(let value, _), .negative(let value), .positive(let value), .not(let value):
                [value]
            case .item(let left, let right), .arithmetic(_, let left, let right), .and(let left, let right),
                .or(let left, let right):
                [left, right]
            case .slice(let value, let start, let stop, let step):
                [value] + [start, stop, step].compactMap { $0 }
            case .call(let value, let arguments), .filter(let value, _, let arguments),
                .test(let value, _, let arguments):
                [value] + arguments.expressions
            case .comparison(let first, let rest): [first] + rest.map(\.1)
            case .conditional(let test, let then, let otherwise):
                [test, then] + [otherwise].compactMap { $0 }
            }
        }
    }
}

struct Arguments: Sendable {
    var positional: [Expression] = []
    var keywords: [(name: String, value: Expression)] = []
    /// `*list`: more positional arguments.
    var spread: Expression?
    /// `**dict`: more named arguments.
    var spreadKeywords: Expression?

    var expressions: [Expression] {
        positional + keywords.map(\.value) + [spread, spreadKeywords].compactMap { $0 }
    }
}

enum ArithmeticOperator: String, Sendable {
    case add = "+"
    case subtract = "-"
    case multiply = "*"
    case divide = "/"
    case floorDivide = "//"
    case modulo = "%"
    case power = "**"
}

enum ComparisonOperator: String, Sendable {
    case equal = "=="
    case notEqual = "!="
    case less = "<"
    case lessOrEqual = "<="
    case greater = ">"
    case greaterOrEqual = ">="
    case contained = "in"
    case notContained = "not in"
}

/// What a value is assigned to.
indirect enum Target: Sendable {
    case name(String)
    /// `name.attribute` of a namespace.
    case attribute(String, TracedText)
    case tuple([Target])
}

/// A filter without the value it is applied to.
struct FilterCall: Sendable {
    let line: Int
    let name: String
    let arguments: Arguments
}

struct Statement: Sendable {
    let line: Int
    let node: Node

    indirect enum Node: Sendable {
        case text(TracedText)
        case output(Expression)
        /// Evaluated for nothing: `{% do %}`.
        case discard(Expression)
        case conditional([(test: Expression, body: [Statement])], otherwise: [Statement])
        case loop(Loop)
        case leaveLoop
        case nextTurn
        case assignment(Target, Expression)
        /// `{% set %} … {% endset %}`: what the body writes, filtered, is assigned.
        case capture(Target, [FilterCall], [Statement])
        /// `{% filter %}`: what the body writes is written filtered.
        case filtered([FilterCall], [Statement])
        /// `{% with %}`: names that the body alone sees. `{% generation %}` is one without names.
        case scope([(target: Target, value: Expression)], [Statement])
        case macro(Macro)
        /// `{% call %}`: the macro is given to the call as `caller`.
        case call(Expression, caller: Macro)
    }

    struct Loop: Sendable {
        var target: Target
        var sequence: Expression
        /// Items for which it does not hold are left out before the loop begins.
        var condition: Expression?
        var body: [Statement]
        /// Runs if no turn came to its end.
        var otherwise: [Statement]
        /// Whether the body may run the loop again over other items, by `loop(items)`.
        var isRecursive: Bool
    }

    struct Macro: Sendable {
        /// nil for the body of a `{% call %}`.
        var name: String?
        var parameters: [(name: String, standard: Expression?)]
        var body: [Statement]
        /// Which of `caller`, `varargs` and `kwargs` the body reads; only those may be given beyond the parameters.
        var extras: Set<String>
    }
}
