/// The words after a command: options with a value, flags, and the rest.
struct Words {
    private var values: [String: String] = [:]
    private(set) var rest: [String] = []

    /// `--name value` for each of `options`, `--name` for each of `flags`, in any order.
    init(_ words: [String], options: [String], flags: [String]) throws {
        var words = words[...]
        while let word = words.popFirst() {
            if options.contains(word) {
                guard let value = words.popFirst() else { throw UsageError("\(word) needs a value") }
                values[word] = value
            } else if flags.contains(word) {
                values[word] = ""
            } else if word.hasPrefix("-") {
                throw UsageError("unknown option \(word)")
            } else {
                rest.append(word)
            }
        }
    }

    subscript(option: String) -> String? { values[option] }

    func flag(_ name: String) -> Bool { values[name] != nil }

    /// The one word that is no option.
    func only(_ what: String) throws -> String {
        guard let word = rest.first else { throw UsageError("\(what) is missing") }
        guard rest.count == 1 else { throw UsageError("unexpected \"\(rest[1])\"") }
        return word
    }
}
