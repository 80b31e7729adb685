/// The metadata of a model file: values by key, in the file's order.
///
/// The typed readers return nil where the key is absent and throw where its value is of another kind.
public struct GGUFMetadata: Sendable {
    public let path: String
    /// Keys in the order of the file.
    public private(set) var keys: [String] = []
    private var values: [String: GGUFValue] = [:]
    private let file: MappedFile
    /// Where each value stands in the file, with the number of its type before it.
    private var places: [String: Range<Int>] = [:]

    init(_ reader: inout ByteReader, count: Int) throws(GGUFError) {
        path = reader.file.path
        file = reader.file
        for index in 0..<count {
            let key = try reader.string("key of metadata entry \(index)")
            guard !key.isEmpty else {
                throw reader.error(
                    "key of metadata entry \(index)", expected: "a name", found: "an empty string")
            }
            let start = reader.offset
            let type = try GGUFValueType.read(from: &reader, field: key)
            let value = try GGUFValue(type, from: &reader, field: key)
            guard values.updateValue(value, forKey: key) == nil else {
                throw reader.error(key, expected: "one value", found: "the key twice")
            }
            keys.append(key)
            places[key] = start..<reader.offset
        }
    }

    public subscript(key: String) -> GGUFValue? { values[key] }

    /// The number of the value's type and the value, as they stand in the file. Valid while these metadata live.
    public func stored(_ key: String) -> UnsafeRawBufferPointer? {
        places[key].map { UnsafeRawBufferPointer(rebasing: file.bytes[$0]) }
    }

    public func string(_ key: String) throws(GGUFError) -> String? {
        guard let value = values[key] else { return nil }
        guard case .string(let text) = value else { throw mismatch(key, "a string", value) }
        return text
    }

    public func integer(_ key: String) throws(GGUFError) -> Int? {
        guard let value = values[key] else { return nil }
        switch value {
        case .unsigned(let number): if let integer = Int(exactly: number) { return integer }
        case .signed(let number): return Int(number)
        default: break
        }
        throw mismatch(key, "an integer below 2^63", value)
    }

    public func float(_ key: String) throws(GGUFError) -> Double? {
        guard let value = values[key] else { return nil }
        guard case .float(let number) = value else { throw mismatch(key, "a floating-point number", value) }
        return number
    }

    public func bool(_ key: String) throws(GGUFError) -> Bool? {
        guard let value = values[key] else { return nil }
        guard case .bool(let flag) = value else { throw mismatch(key, "a boolean", value) }
        return flag
    }

    public func array(_ key: String) throws(GGUFError) -> GGUFArray? {
        guard let value = values[key] else { return nil }
        guard case .array(let array) = value else { throw mismatch(key, "an array", value) }
        return array
    }

    public func strings(_ key: String) throws(GGUFError) -> [String]? { try array(key)?.strings() }
    public func integers(_ key: String) throws(GGUFError) -> [Int]? { try array(key)?.integers() }
    public func floats(_ key: String) throws(GGUFError) -> [Float]? { try array(key)?.floats() }

    /// A value that has to be there: `try metadata.require("llama.block_count", metadata.integer)`.
    public func require<Value>(
        _ key: String, _ read: (String) throws(GGUFError) -> Value?
    ) throws(GGUFError) -> Value {
        guard let value = try read(key) else {
            throw GGUFError(path: path, field: key, expected: "a value", found: "no such key")
        }
        return value
    }

    private func mismatch(_ key: String, _ expected: String, _ found: GGUFValue) -> GGUFError {
        GGUFError(path: path, field: key, expected: expected, found: found.kind)
    }
}
