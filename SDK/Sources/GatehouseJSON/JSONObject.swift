/// The members of a JSON object in their order, found by key without a search.
public struct JSONObject: Sendable {
    /// Most objects are small: so many members are compared one after the other.
    private static let fewMembers = 8

    private var members: [(key: String, value: JSONValue)] = []
    /// Where each key stands in `members`; empty while there are few.
    private var places: [ExactKey: Int] = [:]

    public init() {}

    public var count: Int { members.count }

    public var isEmpty: Bool { members.isEmpty }

    /// Keys in their order.
    public var keys: [String] { members.map(\.key) }

    /// Setting a value keeps the place of a key that is there and puts a new one last; nil removes it.
    public subscript(key: String) -> JSONValue? {
        get { place(of: key).map { members[$0].value } }
        set {
            if let newValue {
                _ = set(newValue, for: key)
            } else if let place = place(of: key) {
                members.remove(at: place)
                places = [:]
                if members.count > Self.fewMembers { makePlaces() }
            }
        }
    }

    /// Whether the key was there already.
    mutating func set(_ value: JSONValue, for key: String) -> Bool {
        let known: Int?
        if members.count > Self.fewMembers {
            known = places.updateValue(members.count, forKey: ExactKey(text: key))
            if let known { places[ExactKey(text: key)] = known }
        } else {
            known = place(of: key)
        }
        if let known {
            members[known].value = value
            return true
        }
        members.append((key, value))
        if members.count == Self.fewMembers + 1 { makePlaces() }
        return false
    }

    private func place(of key: String) -> Int? {
        guard members.count <= Self.fewMembers else { return places[ExactKey(text: key)] }
        return members.firstIndex { ExactKey(text: $0.key) == ExactKey(text: key) }
    }

    private mutating func makePlaces() {
        for (place, member) in members.enumerated() { places[ExactKey(text: member.key)] = place }
    }

    /// A key by its bytes. Strings of Swift are equal where Unicode calls them equivalent; JSON's keys are not.
    private struct ExactKey: Hashable {
        let text: String

        static func == (left: ExactKey, right: ExactKey) -> Bool {
            left.text.utf8.elementsEqual(right.text.utf8)
        }

        func hash(into hasher: inout Hasher) {
            let isHashed: Void? = text.utf8.withContiguousStorageIfAvailable {
                hasher.combine(bytes: UnsafeRawBufferPointer($0))
            }
            if isHashed == nil { for byte in text.utf8 { hasher.combine(byte) } }
        }
    }
}

extension JSONObject: Sequence {
    public func makeIterator() -> IndexingIterator<[(key: String, value: JSONValue)]> {
        members.makeIterator()
    }
}

extension JSONObject: Equatable {
    /// The order of the members does not matter.
    public static func == (left: JSONObject, right: JSONObject) -> Bool {
        left.count == right.count && left.members.allSatisfy { right[$0.key] == $0.value }
    }
}

extension JSONObject: ExpressibleByDictionaryLiteral {
    public typealias Key = String
    public typealias Value = JSONValue

    /// Of equal keys the last value counts.
    public init(dictionaryLiteral elements: (Key, Value)...) {
        for (key, value) in elements { _ = set(value, for: key) }
    }
}
