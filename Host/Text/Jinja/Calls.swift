import Foundation

/// Calls of functions, and how arguments find their parameters.
extension Interpreter {
    mutating func call(_ callee: JinjaValue, _ arguments: ArgumentValues) throws -> JinjaValue {
        if case .object(let object) = callee { return try call(object, arguments) }
        guard case .function(let function) = callee else {
            throw failure("\(describe(callee)) cannot be called")
        }
        switch function.kind {
        case .method(let name, let receiver):
            return try call(method: name, of: receiver, arguments)
        case .raiseException:
            let message = try text(of: bind(arguments, "raise_exception", ["message"])[0] ?? .null)
            throw TemplateError(kind: .raised, line: line, message: message.string)
        case .strftimeNow:
            let format = try text(of: bind(arguments, "strftime_now", ["format"], required: 1)[0] ?? .null)
            return .data(try time(format.string))
        case .range:
            return .list(try range(arguments))
        case .dict:
            var dict = try dict(of: bind(positional: arguments.positional, "dict", ["mapping"])[0])
            for (name, value) in arguments.keywords { dict.set(.template(name), value) }
            return .dict(dict)
        case .cycle(let turn):
            guard !arguments.positional.isEmpty else { throw failure("loop.cycle needs values") }
            return arguments.positional[turn % arguments.positional.count]
        case .changed(let place):
            return try changed(loop: place, arguments.positional)
        case .namespace:
            return try namespace(arguments)
        case .joiner:
            return objects.insert(joiner: try bind(arguments, "joiner", ["sep"])[0] ?? .template(", "))
        case .cycler:
            guard !arguments.positional.isEmpty else { throw failure("cycler needs values") }
            return objects.insert(cycler: arguments.positional)
        case .nextOfCycler(let number):
            _ = try bind(arguments, "next", [])
            let cycler = objects.cyclers[number]
            objects.cyclers[number].place = (cycler.place + 1) % cycler.values.count
            return cycler.values[cycler.place]
        case .resetCycler(let number):
            _ = try bind(arguments, "reset", [])
            objects.cyclers[number].place = 0
            return .null
        }
    }

    /// `dict(value)`: a copy of a dict, or one made of pairs.
    private mutating func dict(of value: JinjaValue?) throws -> JinjaDict {
        switch value {
        case nil: return JinjaDict()
        case .some(.dict(let dict)):
            try charge(dict.count)
            return dict
        case .some(let value):
            var dict = JinjaDict()
            for pair in try items(of: value) {
                let pair = try items(of: pair)
                guard pair.count == 2, dict.set(pair[0], pair[1]) else {
                    throw failure("dict needs pairs of a key and a value")
                }
            }
            return dict
        }
    }

    private func range(_ arguments: ArgumentValues) throws -> [JinjaValue] {
        let bounds = try bind(arguments, "range", ["start", "stop", "step"], required: 1)
            .compactMap { $0 }.map { value in
                guard let index = value.index else { throw failure("range of \(describe(value))") }
                return index
            }
        let step = bounds.count > 2 ? bounds[2] : 1
        guard step != 0 else { throw failure("the step of range is zero") }
        let range =
            bounds.count > 1
            ? stride(from: bounds[0], to: bounds[1], by: step) : stride(from: 0, to: bounds[0], by: step)
        var items: [JinjaValue] = []
        for value in range {
            guard items.count < Limit.range else { throw exceeded("range of more than \(Limit.range) items") }
            items.append(.int(value))
        }
        return items
    }

    private func time(_ format: String) throws -> String {
        var seconds = time_t(now.timeIntervalSince1970)
        var parts = tm()
        localtime_r(&seconds, &parts)
        // A leading space tells an empty result from one that does not fit.
        var buffer = [CChar](repeating: 0, count: 1024)
        let size = strftime(&buffer, buffer.count, " " + format, &parts)
        guard size > 0 else {
            throw failure("the time format \"\(format.prefix(40))\" gives too long a text")
        }
        return String(decoding: buffer[1..<size].map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    // MARK: Arguments

    /// The values of `parameters`, in order; nil where none was given.
    func bind(
        _ arguments: ArgumentValues, _ name: String, _ parameters: [String], required: Int = 0
    ) throws -> [JinjaValue?] {
        guard arguments.positional.count <= parameters.count else {
            throw failure("\(name) takes \(parameters.count) arguments, found \(arguments.positional.count)")
        }
        var values: [JinjaValue?] = arguments.positional.map { $0 }
        values += Array(repeating: nil, count: parameters.count - values.count)
        for (keyword, value) in arguments.keywords {
            guard let place = parameters.firstIndex(of: keyword) else {
                throw failure("\(name) has no parameter \"\(keyword)\"; it has \(parameters)")
            }
            guard values[place] == nil else { throw failure("\(name) is given \"\(keyword)\" twice") }
            values[place] = value
        }
        for place in 0..<required where values[place] == nil {
            throw failure("\(name) needs \"\(parameters[place])\"")
        }
        return values
    }

    private func bind(
        positional: [JinjaValue], _ name: String, _ parameters: [String]
    ) throws -> [JinjaValue?] {
        try bind(ArgumentValues(positional: positional), name, parameters)
    }

    /// A parameter that has to be text where it is given and not none.
    func string(_ value: JinjaValue?, _ name: String) throws -> TracedText? {
        switch value {
        case nil, .some(.null): return nil
        case .some(.string(let text)): return text
        case .some(let value): throw failure("\(name) needs text, found \(describe(value))")
        }
    }

    /// A parameter that has to be a whole number where it is given.
    func integer(_ value: JinjaValue?, _ name: String, default standard: Int) throws -> Int {
        guard let value else { return standard }
        guard let index = value.index else {
            throw failure("\(name) needs a whole number, found \(describe(value))")
        }
        return index
    }
}
