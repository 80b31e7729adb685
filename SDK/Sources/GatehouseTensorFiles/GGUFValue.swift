/// The types of metadata values, numbered as in the file.
public enum GGUFValueType: UInt32, Sendable {
    case uint8 = 0
    case int8 = 1
    case uint16 = 2
    case int16 = 3
    case uint32 = 4
    case int32 = 5
    case float32 = 6
    case bool = 7
    case string = 8
    case array = 9
    case uint64 = 10
    case int64 = 11
    case float64 = 12

    /// The fewest bytes that a value of the type takes.
    var leastBytes: Int {
        switch self {
        case .uint8, .int8, .bool: 1
        case .uint16, .int16: 2
        case .uint32, .int32, .float32: 4
        case .uint64, .int64, .float64, .string: 8
        case .array: 12
        }
    }

    /// Whether every value of the type takes exactly `leastBytes`.
    var isFixedSize: Bool { self != .string && self != .array }
}

/// One metadata value. Widths of numbers are not kept apart.
public enum GGUFValue: Sendable {
    case unsigned(UInt64)
    case signed(Int64)
    case float(Double)
    case bool(Bool)
    /// Bytes that are not UTF-8 are replaced by U+FFFD.
    case string(String)
    case array(GGUFArray)

    /// Reads a value of a known type.
    init(
        _ type: GGUFValueType, from reader: inout ByteReader, field: @autoclosure () -> String, depth: Int = 0
    ) throws(GGUFError) {
        switch type {
        case .uint8: self = .unsigned(UInt64(try reader.integer(UInt8.self, field())))
        case .uint16: self = .unsigned(UInt64(try reader.integer(UInt16.self, field())))
        case .uint32: self = .unsigned(UInt64(try reader.integer(UInt32.self, field())))
        case .uint64: self = .unsigned(try reader.integer(UInt64.self, field()))
        case .int8: self = .signed(Int64(try reader.integer(Int8.self, field())))
        case .int16: self = .signed(Int64(try reader.integer(Int16.self, field())))
        case .int32: self = .signed(Int64(try reader.integer(Int32.self, field())))
        case .int64: self = .signed(try reader.integer(Int64.self, field()))
        case .float32: self = .float(Double(Float(bitPattern: try reader.integer(UInt32.self, field()))))
        case .float64: self = .float(Double(bitPattern: try reader.integer(UInt64.self, field())))
        case .bool:
            let byte = try reader.integer(UInt8.self, field())
            guard byte <= 1 else { throw reader.error(field(), expected: "0 or 1", found: "\(byte)") }
            self = .bool(byte == 1)
        case .string: self = .string(String(decoding: try reader.stringBytes(field()), as: UTF8.self))
        case .array: self = .array(try GGUFArray(from: &reader, field: field(), depth: depth + 1))
        }
    }

    /// What kind of value it is, for messages.
    public var kind: String {
        switch self {
        case .unsigned(let value): "\(value)"
        case .signed(let value): "\(value)"
        case .float(let value): "\(value)"
        case .bool(let value): "\(value)"
        case .string(let value): "the string \"\(value.prefix(60))\""
        case .array(let array): "an array of \(array.count)"
        }
    }
}

extension GGUFValue: CustomStringConvertible {
    /// The value as people write it; of a long array its first elements and their number.
    public var description: String {
        switch self {
        case .unsigned, .signed, .bool: return kind
        case .float(let value): return "\(Float(value))"
        case .string(let value): return value
        case .array(let array):
            let shown = 4
            let first = ((try? array.values(first: shown)) ?? []).map(\.description).joined(separator: ", ")
            return array.count > shown ? "[\(first), …], \(array.count) in all" : "[\(first)]"
        }
    }
}

/// An array among the metadata. Its extent is checked when the file is opened; its elements are read from the
/// mapped file each time they are asked for, so that opening a file does not pay for its vocabulary.
public struct GGUFArray: Sendable {
    /// Deepest nesting that is read; real files have none.
    static let mostDepth = 8

    public let count: Int
    private let elementType: GGUFValueType
    private let field: String
    private let file: MappedFile
    /// Where the first element starts in the file.
    private let start: Int
    private let depth: Int

    /// Reads type, count and extent, and moves the reader past the elements.
    init(from reader: inout ByteReader, field: @autoclosure () -> String, depth: Int) throws(GGUFError) {
        guard depth <= Self.mostDepth else {
            throw reader.error(
                field(), expected: "arrays nested at most \(Self.mostDepth) deep", found: "deeper nesting")
        }
        elementType = try GGUFValueType.read(from: &reader, field: field())
        count = try reader.count(least: elementType.leastBytes, field())
        self.field = field()
        self.depth = depth
        file = reader.file
        start = reader.offset
        if elementType.isFixedSize {
            try reader.skip(count * elementType.leastBytes, field())
        } else if elementType == .string {
            for _ in 0..<count { _ = try reader.stringBytes(field()) }
        } else {
            for _ in 0..<count { _ = try GGUFArray(from: &reader, field: field(), depth: depth + 1) }
        }
    }

    /// The elements, whatever their type; at most the `first` of them.
    public func values(first most: Int = .max) throws(GGUFError) -> [GGUFValue] {
        var reader = ByteReader(file, at: start)
        var values: [GGUFValue] = []
        let count = min(count, most)
        values.reserveCapacity(count)
        for index in 0..<count {
            values.append(
                try GGUFValue(elementType, from: &reader, field: "\(field)[\(index)]", depth: depth))
        }
        return values
    }

    /// The elements of an array of strings; each has to be UTF-8.
    public func strings() throws(GGUFError) -> [String] {
        guard elementType == .string else { throw mismatch("an array of strings") }
        var reader = ByteReader(file, at: start)
        var strings: [String] = []
        strings.reserveCapacity(count)
        for index in 0..<count { strings.append(try reader.string("\(field)[\(index)]")) }
        return strings
    }

    /// The elements of an array of integers of any width.
    public func integers() throws(GGUFError) -> [Int] {
        switch elementType {
        case .uint8: try integers(UInt8.self)
        case .uint16: try integers(UInt16.self)
        case .uint32: try integers(UInt32.self)
        case .uint64: try integers(UInt64.self)
        case .int8: try integers(Int8.self)
        case .int16: try integers(Int16.self)
        case .int32: try integers(Int32.self)
        case .int64: try integers(Int64.self)
        default: throw mismatch("an array of integers")
        }
    }

    /// The elements of an array of float32.
    public func floats() throws(GGUFError) -> [Float] {
        guard elementType == .float32 else { throw mismatch("an array of float32") }
        var reader = ByteReader(file, at: start)
        var floats: [Float] = []
        floats.reserveCapacity(count)
        for _ in 0..<count { floats.append(Float(bitPattern: try reader.integer(UInt32.self, field))) }
        return floats
    }

    private func integers<T: FixedWidthInteger>(_: T.Type) throws(GGUFError) -> [Int] {
        var reader = ByteReader(file, at: start)
        var integers: [Int] = []
        integers.reserveCapacity(count)
        for index in 0..<count {
            let stored = try reader.integer(T.self, field)
            guard let integer = Int(exactly: stored) else {
                throw GGUFError(
                    path: file.path, field: "\(field)[\(index)]", expected: "an integer below 2^63",
                    found: "\(stored)")
            }
            integers.append(integer)
        }
        return integers
    }

    private func mismatch(_ expected: String) -> GGUFError {
        GGUFError(path: file.path, field: field, expected: expected, found: "an array of \(elementType)")
    }
}

extension GGUFValueType {
    static func read(
        from reader: inout ByteReader, field: @autoclosure () -> String
    ) throws(GGUFError) -> GGUFValueType {
        let raw = try reader.integer(UInt32.self, field())
        guard let type = GGUFValueType(rawValue: raw) else {
            throw reader.error(field(), expected: "a value type from 0 to 12", found: "\(raw)")
        }
        return type
    }
}
