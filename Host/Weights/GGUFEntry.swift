import GatehouseTensorFiles

/// One entry of the metadata of a GGUF file that is to be written: a key with its value as the file stores it.
public struct GGUFEntry: Sendable, Equatable {
    public let key: String
    /// The number of the value's type, then the value.
    let bytes: [UInt8]

    init(key: String, bytes: [UInt8]) {
        self.key = key
        self.bytes = bytes
    }

    public static func string(_ key: String, _ value: String) -> GGUFEntry {
        GGUFEntry(key: key, bytes: stored(GGUFValueType.string.rawValue) + stored(value))
    }

    /// A number or a truth value, in its own width.
    public static func value<Value: GGUFStorable>(_ key: String, _ value: Value) -> GGUFEntry {
        GGUFEntry(key: key, bytes: stored(Value.ggufType) + value.ggufBytes)
    }

    public static func strings(_ key: String, _ values: [String]) -> GGUFEntry {
        var bytes = arrayHead(GGUFValueType.string.rawValue, count: values.count)
        for value in values { bytes += stored(value) }
        return GGUFEntry(key: key, bytes: bytes)
    }

    public static func values<Value: GGUFStorable>(_ key: String, _ values: [Value]) -> GGUFEntry {
        var bytes = arrayHead(Value.ggufType, count: values.count)
        for value in values { bytes += value.ggufBytes }
        return GGUFEntry(key: key, bytes: bytes)
    }

    private static func arrayHead(_ element: UInt32, count: Int) -> [UInt8] {
        stored(GGUFValueType.array.rawValue) + stored(element) + stored(UInt64(count))
    }

    static func stored(_ value: some FixedWidthInteger) -> [UInt8] {
        withUnsafeBytes(of: value.littleEndian, Array.init)
    }

    static func stored(_ text: String) -> [UInt8] { stored(UInt64(text.utf8.count)) + Array(text.utf8) }
}

/// A type that metadata of a GGUF file may have, besides strings and arrays.
public protocol GGUFStorable: Sendable {
    static var ggufType: UInt32 { get }
    var ggufBytes: [UInt8] { get }
}

extension GGUFStorable where Self: FixedWidthInteger {
    public var ggufBytes: [UInt8] { GGUFEntry.stored(self) }
}

extension UInt8: GGUFStorable { public static let ggufType = GGUFValueType.uint8.rawValue }
extension Int8: GGUFStorable { public static let ggufType = GGUFValueType.int8.rawValue }
extension UInt16: GGUFStorable { public static let ggufType = GGUFValueType.uint16.rawValue }
extension Int16: GGUFStorable { public static let ggufType = GGUFValueType.int16.rawValue }
extension UInt32: GGUFStorable { public static let ggufType = GGUFValueType.uint32.rawValue }
extension Int32: GGUFStorable { public static let ggufType = GGUFValueType.int32.rawValue }
extension UInt64: GGUFStorable { public static let ggufType = GGUFValueType.uint64.rawValue }
extension Int64: GGUFStorable { public static let ggufType = GGUFValueType.int64.rawValue }

extension Float: GGUFStorable {
    public static let ggufType = GGUFValueType.float32.rawValue
    public var ggufBytes: [UInt8] { GGUFEntry.stored(bitPattern) }
}

extension Double: GGUFStorable {
    public static let ggufType = GGUFValueType.float64.rawValue
    public var ggufBytes: [UInt8] { GGUFEntry.stored(bitPattern) }
}

extension Bool: GGUFStorable {
    public static let ggufType = GGUFValueType.bool.rawValue
    public var ggufBytes: [UInt8] { [self ? 1 : 0] }
}

extension GGUFMetadata {
    /// The entry as it stands in the file, to be written to another.
    public func entry(_ key: String) -> GGUFEntry? {
        stored(key).map { GGUFEntry(key: key, bytes: Array($0)) }
    }
}
