/// A value with a life of its own inside one rendering: two names may mean the same one.
///
/// It is a number into the rendering's ``ObjectTable``, so that values can be copied and no cycle of them leaks.
public struct JinjaObject: Sendable {
    enum Kind: Sendable, Equatable {
        case namespace(Int)
        case macro(Int)
        /// The loop in that place of the stack of loops, if it is still the one of that serial number.
        case loop(place: Int, serial: Int)
        case joiner(Int)
        case cycler(Int)
    }

    let kind: Kind

    /// What Python calls the type.
    var typeName: String {
        switch kind {
        case .namespace: "Namespace"
        case .macro: "Macro"
        case .loop: "LoopContext"
        case .joiner: "Joiner"
        case .cycler: "Cycler"
        }
    }

    var isCallable: Bool {
        switch kind {
        case .macro, .loop, .joiner: true
        case .namespace, .cycler: false
        }
    }
}

/// The objects of one rendering.
struct ObjectTable {
    /// A loop that is running.
    struct LoopState {
        let serial: Int
        let loop: Statement.Loop
        let items: [JinjaValue]
        /// What is seen around the loop.
        let scope: Scope
        /// 1, and one more for each recursion.
        let depth: Int
        var index = 0
        /// What `loop.changed` was given last.
        var last: [JinjaValue]?
    }

    struct MacroState {
        let macro: Statement.Macro
        /// Where it was defined: its body sees these names, as they are when it is called.
        let scope: Scope
    }

    var namespaces: [JinjaDict] = []
    private(set) var macros: [MacroState] = []
    var loops: [LoopState] = []
    // Separators, and whether they have been asked for.
    var joiners: [(separator: JinjaValue, isUsed: Bool)] = []
    var cyclers: [(values: [JinjaValue], place: Int)] = []
    private var loopSerial = 0

    mutating func insert(macro: Statement.Macro, scope: Scope) -> JinjaValue {
        macros.append(MacroState(macro: macro, scope: scope))
        return .object(JinjaObject(kind: .macro(macros.count - 1)))
    }

    mutating func insert(namespace: JinjaDict) -> JinjaValue {
        namespaces.append(namespace)
        return .object(JinjaObject(kind: .namespace(namespaces.count - 1)))
    }

    mutating func insert(joiner separator: JinjaValue) -> JinjaValue {
        joiners.append((separator, false))
        return .object(JinjaObject(kind: .joiner(joiners.count - 1)))
    }

    mutating func insert(cycler values: [JinjaValue]) -> JinjaValue {
        cyclers.append((values, 0))
        return .object(JinjaObject(kind: .cycler(cyclers.count - 1)))
    }

    /// The value of `loop` inside a loop that begins.
    mutating func begin(
        _ loop: Statement.Loop, over items: [JinjaValue], inside scope: Scope, depth: Int
    ) -> JinjaValue {
        loopSerial += 1
        loops.append(LoopState(serial: loopSerial, loop: loop, items: items, scope: scope, depth: depth))
        return .object(JinjaObject(kind: .loop(place: loops.count - 1, serial: loopSerial)))
    }

    /// Begins a turn of the innermost loop.
    mutating func turn(to index: Int) {
        loops[loops.count - 1].index = index
    }

    mutating func endLoop() {
        loops.removeLast()
    }

    /// The place of a loop that is still running.
    func running(_ place: Int, _ serial: Int) -> Int? {
        loops.indices.contains(place) && loops[place].serial == serial ? place : nil
    }
}

extension Interpreter {
    /// `object.name`, or nil if it has none of that name.
    func attribute(_ name: TracedText, of object: JinjaObject) throws -> JinjaValue? {
        func function(_ kind: JinjaFunction.Kind) -> JinjaValue { .function(JinjaFunction(kind: kind)) }
        switch object.kind {
        case .namespace(let number):
            return objects.namespaces[number][name]
        case .macro(let number):
            let macro = objects.macros[number].macro
            switch name.string {
            case "name": return macro.name.map { .template($0) } ?? .null
            case "arguments": return .tuple(macro.parameters.map { .template($0.name) })
            default: return nil
            }
        case .loop(let place, let serial):
            guard let place = objects.running(place, serial) else {
                throw failure("the loop that \"\(name.string)\" is asked of has ended")
            }
            switch name.string {
            case "cycle": return function(.cycle(objects.loops[place].index))
            case "changed": return function(.changed(loop: place))
            default: return attribute(name.string, of: objects.loops[place])
            }
        case .joiner:
            return nil
        case .cycler(let number):
            let cycler = objects.cyclers[number]
            switch name.string {
            case "current": return cycler.values[cycler.place]
            case "next": return function(.nextOfCycler(number))
            case "reset": return function(.resetCycler(number))
            default: return nil
            }
        }
    }

    private func attribute(_ name: String, of loop: ObjectTable.LoopState) -> JinjaValue? {
        let (index, count) = (loop.index, loop.items.count)
        switch name {
        case "index": return .int(index + 1)
        case "index0": return .int(index)
        case "revindex": return .int(count - index)
        case "revindex0": return .int(count - index - 1)
        case "first": return .bool(index == 0)
        case "last": return .bool(index == count - 1)
        case "length": return .int(count)
        case "previtem": return index > 0 ? loop.items[index - 1] : .undefined("there is no previous item")
        case "nextitem":
            return index + 1 < count ? loop.items[index + 1] : .undefined("there is no next item")
        case "depth": return .int(loop.depth)
        case "depth0": return .int(loop.depth - 1)
        default: return nil
        }
    }

    mutating func call(_ object: JinjaObject, _ arguments: ArgumentValues) throws -> JinjaValue {
        switch object.kind {
        case .macro(let number):
            return try call(objects.macros[number], arguments)
        case .loop(let place, let serial):
            guard let place = objects.running(place, serial) else { throw failure("the loop has ended") }
            let value = try bind(arguments, "loop", ["iterable"], required: 1)[0] ?? .null
            return try recur(objects.loops[place], over: items(of: value))
        case .joiner(let number):
            _ = try bind(arguments, "the joiner", [])
            defer { objects.joiners[number].isUsed = true }
            return objects.joiners[number].isUsed ? objects.joiners[number].separator : .template("")
        case .namespace, .cycler:
            throw failure("a \(object.typeName) cannot be called")
        }
    }

    mutating func call(_ macro: ObjectTable.MacroState, _ arguments: ArgumentValues) throws -> JinjaValue {
        try descend()
        defer { ascend() }
        let definition = macro.macro
        let name = definition.name.map { "the macro \"\($0)\"" } ?? "caller"
        let parameters = definition.parameters
        let values = Scope(inside: macro.scope)
        for (parameter, value) in zip(parameters, arguments.positional) {
            values.values[parameter.name] = value
        }
        let rest = Array(arguments.positional.dropFirst(parameters.count))
        if definition.extras.contains("varargs") {
            values.values["varargs"] = .tuple(rest)
        } else if !rest.isEmpty {
            throw failure(
                "\(name) takes \(parameters.count) arguments, found \(arguments.positional.count)")
        }
        let open = Set(parameters.dropFirst(arguments.positional.count).map(\.name))
        var further = JinjaDict()
        var caller: JinjaValue?
        for (keyword, value) in arguments.keywords {
            if open.contains(keyword) {
                values.values[keyword] = value
            } else if keyword == "caller", definition.extras.contains("caller") {
                caller = value
            } else {
                guard definition.extras.contains("kwargs") else {
                    throw failure("\(name) has no parameter \"\(keyword)\", or it is given twice")
                }
                further.set(.template(keyword), value)
            }
        }
        if definition.extras.contains("kwargs") { values.values["kwargs"] = .dict(further) }
        if definition.extras.contains("caller") {
            values.values["caller"] = caller ?? .undefined("no caller is defined: \"caller\"")
        }
        let outer = scope
        scope = values
        defer { scope = outer }
        for parameter in parameters where values.values[parameter.name] == nil {
            values.values[parameter.name] =
                try parameter.standard.map { try evaluate($0) }
                ?? .undefined("the parameter \"\(parameter.name)\" was not given: it")
        }
        return .string(try captured(inside: values) { try $0.run(definition.body) }.text)
    }

    /// `loop.changed(values)`: whether they differ from those of the last call.
    mutating func changed(loop place: Int, _ values: [JinjaValue]) throws -> JinjaValue {
        guard objects.loops.indices.contains(place) else { throw failure("the loop has ended") }
        let last = objects.loops[place].last
        objects.loops[place].last = values
        guard let last else { return .bool(true) }
        return .bool(try !equal(.list(last), .list(values)))
    }

    /// `namespace(dict, name=value)`.
    mutating func namespace(_ arguments: ArgumentValues) throws -> JinjaValue {
        guard arguments.positional.count < 2 else { throw failure("namespace takes one dict at most") }
        var dict = JinjaDict()
        switch arguments.positional.first {
        case nil: break
        case .some(.dict(let given)): dict = given
        case .some(let value): throw failure("namespace needs a dict, found \(describe(value))")
        }
        try charge(dict.count + arguments.keywords.count)
        for (name, value) in arguments.keywords { dict.set(.template(name), value) }
        return objects.insert(namespace: dict)
    }
}
