/// A value in a chat template. The names are Python's where they differ from Swift's.
public indirect enum JinjaValue: Sendable {
    /// A variable, attribute or item that is not there, with the words to call it by in errors.
    case undefined(String)
    /// Python's `None`, JSON's `null`.
    case null
    case bool(Bool)
    case int(Int)
    case float(Double)
    case string(TracedText)
    case list([JinjaValue])
    case tuple([JinjaValue])
    case dict(JinjaDict)
    case function(JinjaFunction)
    /// A namespace, a macro, a loop and the like: alive in one rendering only.
    case object(JinjaObject)

    /// Text from outside the template.
    public static func data(_ text: String) -> JinjaValue {
        .string(TracedText(text, origin: .data))
    }

    /// Text of the host's own, such as the name of a role: it counts as the template's.
    public static func template(_ text: String) -> JinjaValue {
        .string(TracedText(text, origin: .template))
    }

    /// What Python calls the type.
    var typeName: String {
        switch self {
        case .undefined: "undefined"
        case .null: "None"
        case .bool: "bool"
        case .int: "int"
        case .float: "float"
        case .string: "str"
        case .list: "list"
        case .tuple: "tuple"
        case .dict: "dict"
        case .function: "function"
        case .object(let object): object.typeName
        }
    }

    var isTrue: Bool {
        switch self {
        case .undefined, .null: false
        case .bool(let value): value
        case .int(let value): value != 0
        case .float(let value): value != 0
        case .string(let text): !text.isEmpty
        case .list(let items), .tuple(let items): !items.isEmpty
        case .dict(let dict): dict.count > 0
        case .function, .object: true
        }
    }

    /// The value as a whole number, where Python takes it for one.
    var index: Int? {
        switch self {
        case .int(let value): value
        case .bool(let value): value ? 1 : 0
        default: nil
        }
    }

    var number: Double? {
        if case .float(let value) = self { return value }
        return index.map(Double.init)
    }
}

/// Something a template can call.
public struct JinjaFunction: Sendable {
    enum Kind: Sendable {
        case raiseException
        case strftimeNow
        case range
        case dict
        /// `loop.cycle` at turn `Int`.
        case cycle(Int)
        /// `loop.changed` of the loop in that place.
        case changed(loop: Int)
        case namespace
        case joiner
        case cycler
        case nextOfCycler(Int)
        case resetCycler(Int)
        case method(String, of: JinjaValue)
    }

    let kind: Kind
}

/// A dictionary that keeps the order in which keys came, as Python's does.
public struct JinjaDict: Sendable {
    // Keys as Python compares them: 1, 1.0 and True are one key, and strings are equal character by character.
    private enum Place: Hashable, Sendable {
        case null
        case int(Int)
        case float(Double)
        case string([Unicode.Scalar])
        case tuple([Place])

        init?(_ value: JinjaValue) {
            switch value {
            case .null: self = .null
            case .bool(let value): self = .int(value ? 1 : 0)
            case .int(let value): self = .int(value)
            case .float(let value): self = Int(exactly: value).map(Place.int) ?? .float(value)
            case .string(let text): self = .string(text.scalars)
            case .tuple(let items):
                let keys = items.compactMap(Place.init)
                guard keys.count == items.count else { return nil }
                self = .tuple(keys)
            case .undefined, .list, .dict, .function, .object: return nil
            }
        }
    }

    public private(set) var entries: [(key: JinjaValue, value: JinjaValue)] = []
    private var places: [Place: Int] = [:]

    public init() {}

    public var count: Int { entries.count }

    /// Sets the value of `key`, in its place if it is there. False if such a value cannot be a key.
    @discardableResult
    public mutating func set(_ key: JinjaValue, _ value: JinjaValue) -> Bool {
        guard let place = Place(key) else { return false }
        if let index = places[place] {
            entries[index].value = value
        } else {
            places[place] = entries.count
            entries.append((key, value))
        }
        return true
    }

    public subscript(key: JinjaValue) -> JinjaValue? {
        Place(key).flatMap { places[$0] }.map { entries[$0].value }
    }

    /// The value of a string key.
    public subscript(key: String) -> JinjaValue? {
        self[.data(key)]
    }

    subscript(key: TracedText) -> JinjaValue? {
        places[.string(key.scalars)].map { entries[$0].value }
    }
}

extension JinjaDict: ExpressibleByDictionaryLiteral {
    /// Entries with keys of the host's own; of equal ones the last counts.
    public init(dictionaryLiteral elements: (String, JinjaValue)...) {
        for (key, value) in elements { set(.template(key), value) }
    }
}
