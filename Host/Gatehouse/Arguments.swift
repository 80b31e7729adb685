import Foundation

/// One option of a command.
struct Option: Sendable {
    /// As it is typed: `--model`, or `-p`.
    let name: String
    /// What stands for its value in the help: P, F and D for a path, to anything, a file, a folder; nil for a flag.
    let value: String?
    let help: String
    /// Whether it may be given more than once.
    let repeats: Bool
    /// Whether it says how things are to be, and not what to do this once.
    let isSetting: Bool

    init(
        _ name: String, _ value: String? = nil, _ help: String, repeats: Bool = false, isSetting: Bool = true
    ) {
        self.name = name
        self.value = value
        self.help = help
        self.repeats = repeats
        self.isSetting = isSetting
    }

    var isPath: Bool { value.map { ["P", "F", "D"].contains($0) } ?? false }
}

/// The words after a command, sorted into options and the rest.
struct Arguments: Sendable {
    /// Words that are no options, in order.
    let rest: [String]
    private var given: [String: [String]] = [:]
    /// What messages call an option that the words do not give.
    private var sources: [String: String] = [:]

    /// Takes `--name value`, `--name=value` and flags in any order; after `--` everything is rest.
    init(_ words: [String], options: [Option]) throws(UsageError) {
        var rest: [String] = []
        var words = words[...]
        while let word = words.popFirst() {
            if word == "--" {
                rest += words
                break
            }
            guard word.hasPrefix("-"), word != "-" else {
                rest.append(word)
                continue
            }
            let halves = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(
                String.init)
            guard let option = options.first(where: { $0.name == halves[0] }) else {
                throw UsageError("unknown option \(halves[0])")
            }
            if option.value == nil {
                if halves.count > 1 { throw UsageError("\(option.name) takes no value") }
                given[option.name, default: []].append("")
            } else if halves.count > 1 {
                given[option.name, default: []].append(halves[1])
            } else if let value = words.popFirst() {
                given[option.name, default: []].append(value)
            } else {
                throw UsageError("\(option.name) needs a value (\(option.value ?? ""))")
            }
        }
        self.rest = rest
    }

    /// Gives an option that was left open. Without values it counts as given and not wanted.
    ///
    /// - Parameter source: What messages call it.
    mutating func add(_ name: String, _ values: [String], from source: String) {
        guard given[name] == nil else { return }
        given[name] = values
        sources[name] = source
    }

    /// What messages call an option.
    func label(_ name: String) -> String { sources[name] ?? name }

    func flag(_ name: String) -> Bool { given[name]?.isEmpty == false }

    /// Every value that was given, in order.
    func values(_ name: String) -> [String] { given[name] ?? [] }

    /// The value of an option that may be given once.
    func value(_ name: String) throws(UsageError) -> String? {
        let values = values(name)
        if values.count > 1 {
            throw UsageError("\(label(name)) is given \(values.count) times; once is enough")
        }
        if let value = values.first, value.isEmpty {
            throw UsageError("\(label(name)) is given an empty value")
        }
        return values.first
    }

    func required(_ name: String) throws(UsageError) -> String {
        guard let value = try value(name) else { throw UsageError("\(name) is needed") }
        return value
    }

    func integer(_ name: String, in range: ClosedRange<Int>) throws(UsageError) -> Int? {
        guard let text = try value(name) else { return nil }
        guard let number = Int(text), range.contains(number) else {
            throw UsageError(
                "\(label(name)): expected a whole number \(Self.describe(range)), found \"\(text)\"")
        }
        return number
    }

    func number(_ name: String, in range: ClosedRange<Double>) throws(UsageError) -> Double? {
        guard let text = try value(name) else { return nil }
        guard let number = Double(text), range.contains(number) else {
            throw UsageError(
                "\(label(name)): expected a number from \(range.lowerBound) to \(range.upperBound), found \"\(text)\""
            )
        }
        return number
    }

    /// One of a few words.
    func choice(_ name: String, of words: [String]) throws(UsageError) -> String? {
        guard let text = try value(name) else { return nil }
        guard words.contains(text) else {
            throw UsageError("\(label(name)): expected \(words.joined(separator: ", ")), found \"\(text)\"")
        }
        return text
    }

    /// `--threads`, or one for each core.
    func threads() throws(UsageError) -> Int {
        try integer("--threads", in: 1...1024) ?? ProcessInfo.processInfo.activeProcessorCount
    }

    /// Whole numbers separated by commas.
    func integers(_ name: String, in range: ClosedRange<Int>) throws(UsageError) -> [Int]? {
        guard let text = try value(name) else { return nil }
        let numbers = text.split(separator: ",", omittingEmptySubsequences: false).map { Int($0) }
        let good = numbers.compactMap { $0 }.filter { range.contains($0) }
        guard good.count == numbers.count, !good.isEmpty else {
            throw UsageError(
                "\(label(name)): expected whole numbers \(Self.describe(range)), separated by commas, found \"\(text)\""
            )
        }
        return good
    }

    /// Throws unless the rest has a number of words in `range`.
    func expectRest(_ range: ClosedRange<Int>, _ what: String) throws(UsageError) {
        if rest.count < range.lowerBound { throw UsageError("\(what) is missing") }
        if rest.count > range.upperBound {
            let advice = range.upperBound > 0 ? "; quote a text of several words" : ""
            throw UsageError("unexpected \"\(rest[range.upperBound])\"\(advice)")
        }
    }

    private static func describe(_ range: ClosedRange<Int>) -> String {
        range.upperBound == .max
            ? "from \(range.lowerBound)" : "from \(range.lowerBound) to \(range.upperBound)"
    }
}

/// What the argument parser refuses: exit code 2.
struct UsageError: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = description
    }
}

/// What went wrong with a file, the registry or a daemon: exit code 1.
struct CommandError: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = description
    }
}
