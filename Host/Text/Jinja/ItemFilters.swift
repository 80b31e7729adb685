/// Filters that choose and arrange items.
extension Interpreter {
    /// `item.path`, where a path is an index, or names and indices with points between.
    mutating func look(
        up path: JinjaValue, in item: JinjaValue, default standard: JinjaValue? = nil
    ) throws -> JinjaValue {
        guard case .string(let names) = path else { return try self.item(of: item, at: path) }
        var value = item
        for name in names.split(by: TracedText(".", origin: .template), atMost: -1) {
            value = try self.item(of: value, at: Int(name.string).map { .int($0) } ?? .string(name))
            if let standard, case .undefined = value { value = standard }
        }
        return value
    }

    mutating func pick(
        _ name: String, _ value: JinjaValue, _ arguments: ArgumentValues
    ) throws -> JinjaValue {
        // As in Jinja: what is false has no items, whatever it is.
        let value = value.isTrue ? value : .list([])
        var rest = arguments.positional[...]
        if name == "map", rest.isEmpty {
            let values = try bind(arguments, name, ["attribute", "default"], required: 1)
            let path = values[0] ?? .null
            return .list(
                try items(of: value).map { item in
                    try look(up: path, in: item, default: values[1])
                })
        }
        let path = name.hasSuffix("attr") ? rest.popFirst() : nil
        if name.hasSuffix("attr"), path == nil { throw failure("\(name) needs the name of an attribute") }
        var function: String?
        if let first = rest.popFirst() {
            guard case .string(let text) = first else {
                throw failure("\(name) needs the name of a filter or test")
            }
            function = text.string
        }
        let given = ArgumentValues(positional: Array(rest), keywords: arguments.keywords)
        if name == "map" {
            guard let function, Self.filterNames.contains(function) else {
                throw unsupported("the filter \"\(function ?? "")\"")
            }
            return .list(try items(of: value).map { try filter(function, $0, given) })
        }
        if let function, !Self.testNames.contains(function) { throw unsupported("the test \"\(function)\"") }
        let wanted = name.hasPrefix("select")
        return .list(
            try items(of: value).filter { item in
                let subject = try path.map { try look(up: $0, in: item) } ?? item
                return try (function.map { try test($0, subject, given) } ?? subject.isTrue) == wanted
            })
    }

    mutating func keyed(
        _ items: [JinjaValue], by path: JinjaValue?, caseSensitive: Bool
    ) throws -> [(key: JinjaValue, item: JinjaValue)] {
        try items.map { item in
            var key = try path.map { try look(up: $0, in: item) } ?? item
            if case .string(let text) = key, !caseSensitive { key = .string(text.lowercased) }
            return (key, item)
        }
    }

    mutating func order(
        _ name: String, _ value: JinjaValue, _ arguments: ArgumentValues
    ) throws -> JinjaValue {
        if name == "unique" {
            let values = try bind(arguments, name, ["case_sensitive", "attribute"])
            let keys = try keyed(items(of: value), by: values[1], caseSensitive: values[0]?.isTrue ?? false)
            var seen = JinjaDict()
            var kept: [JinjaValue] = []
            for entry in keys where seen[entry.key] == nil {
                guard seen.set(entry.key, .null) else { throw failure("unique of \(describe(entry.key))") }
                kept.append(entry.item)
            }
            return .list(kept)
        }
        let values: [JinjaValue?]
        let items: [JinjaValue]
        let path: JinjaValue?
        if name == "dictsort" {
            guard case .dict(let dict) = value else {
                throw failure("dictsort needs a dict, found \(describe(value))")
            }
            let given = try bind(arguments, name, ["case_sensitive", "by", "reverse"])
            let isByValue = try string(given[1], name)?.string == "value"
            values = [given[2], given[0]]
            items = dict.entries.map { .tuple([$0.key, $0.value]) }
            path = .int(isByValue ? 1 : 0)
        } else {
            let given = try bind(arguments, name, ["reverse", "case_sensitive", "attribute"])
            values = [given[0], given[1]]
            items = try self.items(of: value)
            path = given[2]
        }
        let isReversed = values[0]?.isTrue ?? false
        try charge(items.count * 16)
        let keys = try keyed(items, by: path, caseSensitive: values[1]?.isTrue ?? false)
        // Equal items keep their order, reversed or not.
        let sorted = try keys.enumerated().sorted { left, right in
            let (a, b) = isReversed ? (right, left) : (left, right)
            if try precedes(a.element.key, b.element.key) { return true }
            if try precedes(b.element.key, a.element.key) { return false }
            return left.offset < right.offset
        }
        return .list(sorted.map(\.element.item))
    }

    /// Items in rows (`batch`), in columns (`slice`) or by a key (`groupby`).
    mutating func group(
        _ name: String, _ value: JinjaValue, _ arguments: ArgumentValues
    ) throws -> JinjaValue {
        let items = try self.items(of: value)
        try charge(items.count)
        if name == "groupby" {
            let values = try bind(arguments, name, ["attribute", "default", "case_sensitive"], required: 1)
            return try grouped(items, by: values)
        }
        let values = try bind(
            arguments, name, [name == "batch" ? "linecount" : "slices", "fill_with"], required: 1)
        let count = try integer(values[0], name, default: 1)
        guard (1...Limit.range).contains(count) else {
            throw failure("\(name) needs a number from 1 to \(Limit.range)")
        }
        try charge(count)
        var groups: [JinjaValue] = []
        let fill: JinjaValue? = if case .null? = values[1] { nil } else { values[1] }
        if name == "batch" {
            for start in stride(from: 0, to: items.count, by: count) {
                var row = Array(items[start..<min(start + count, items.count)])
                if let fill { row += Array(repeating: fill, count: count - row.count) }
                groups.append(.list(row))
            }
        } else {
            var start = 0
            for column in 0..<count {
                let isLonger = column < items.count % count
                let end = start + items.count / count + (isLonger ? 1 : 0)
                var part = Array(items[start..<end])
                if let fill, !isLonger, !items.count.isMultiple(of: count) { part.append(fill) }
                groups.append(.list(part))
                start = end
            }
        }
        return .list(groups)
    }

    private mutating func grouped(_ items: [JinjaValue], by values: [JinjaValue?]) throws -> JinjaValue {
        let path = values[0] ?? .null
        let isExact = values[2]?.isTrue ?? false
        var keyed: [(key: JinjaValue, shown: JinjaValue, item: JinjaValue)] = []
        for item in items {
            var key = try look(up: path, in: item)
            if case .undefined = key, let standard = values[1] { key = standard }
            let shown = key
            if case .string(let text) = key, !isExact { key = .string(text.lowercased) }
            keyed.append((key, shown, item))
        }
        let sorted = try keyed.enumerated().sorted { left, right in
            if try precedes(left.element.key, right.element.key) { return true }
            if try precedes(right.element.key, left.element.key) { return false }
            return left.offset < right.offset
        }
        var groups: [JinjaValue] = []
        var start = 0
        while start < sorted.count {
            let first = sorted[start].element
            var end = start
            while end < sorted.count, try equal(sorted[end].element.key, first.key) { end += 1 }
            groups.append(.tuple([first.shown, .list(sorted[start..<end].map(\.element.item))]))
            start = end
        }
        return .list(groups)
    }
}
