/// A number of a JSON text. Whole numbers from -2^63 to 2^64 - 1 that are written without fraction and exponent are
/// kept exactly; all others are doubles.
public struct JSONNumber: Sendable {
    private enum Storage: Sendable {
        case signed(Int64)
        /// Above what `signed` can hold.
        case unsigned(UInt64)
        case double(Double)
    }

    private let storage: Storage

    public init(_ value: Int) { storage = .signed(Int64(value)) }

    public init(_ value: UInt64) { storage = Int64(exactly: value).map { .signed($0) } ?? .unsigned(value) }

    public init(_ value: Double) { storage = .double(value) }

    /// The nearest double.
    public var doubleValue: Double {
        switch storage {
        case .signed(let value): Double(value)
        case .unsigned(let value): Double(value)
        case .double(let value): value
        }
    }

    /// The same number as an integer, `3.0` included; nil where it is none, or out of range.
    public var integer: Int? {
        switch storage {
        case .signed(let value): Int(exactly: value)
        case .unsigned: nil
        case .double(let value): Int(exactly: value)
        }
    }

    /// The same number as an unsigned integer; nil where it is none, or out of range.
    public var unsigned: UInt64? {
        switch storage {
        case .signed(let value): UInt64(exactly: value)
        case .unsigned(let value): value
        case .double(let value): UInt64(exactly: value)
        }
    }

    /// Whether it was written, or made, as an integer; `3.0` was not.
    public var isWrittenAsInteger: Bool {
        if case .double = storage { false } else { true }
    }
}

extension JSONNumber: Equatable {
    /// By value: 1 and 1.0 are equal.
    public static func == (left: JSONNumber, right: JSONNumber) -> Bool {
        if let left = left.integer, let right = right.integer { return left == right }
        if let left = left.unsigned, let right = right.unsigned { return left == right }
        guard case .double(let left) = left.storage, case .double(let right) = right.storage else {
            return false
        }
        return left == right
    }
}

extension JSONNumber: ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral {
    public init(integerLiteral value: Int) { self.init(value) }
    public init(floatLiteral value: Double) { self.init(value) }
}

extension JSONNumber: CustomStringConvertible {
    /// As JSON writes it, a whole double below 2^63 without its fraction. What is not finite has no JSON: "null".
    public var description: String {
        switch storage {
        case .signed(let value): return "\(value)"
        case .unsigned(let value): return "\(value)"
        case .double(let value):
            guard value.isFinite else { return "null" }
            return Int64(exactly: value).map { "\($0)" } ?? "\(value)"
        }
    }
}
