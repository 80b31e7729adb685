/// Writes values one after the other, little-endian, strings and arrays with their length before them.
struct WireWriter {
    private(set) var bytes: [UInt8] = []

    mutating func write<Value: FixedWidthInteger>(_ value: Value) {
        withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
    }

    mutating func write(_ value: Bool) { write(value ? 1 as UInt8 : 0) }
    mutating func write(_ value: Float) { write(value.bitPattern) }
    mutating func write(_ value: Double) { write(value.bitPattern) }

    /// The bits of all of them, behind their number.
    mutating func write(samples: [Float]) {
        write(UInt32(samples.count))
        samples.withUnsafeBytes { bytes.append(contentsOf: $0) }
    }

    mutating func write(_ value: String) {
        var value = value
        value.withUTF8 {
            write(UInt32($0.count))
            bytes.append(contentsOf: $0)
        }
    }

    mutating func write<Value>(_ value: Value?, _ body: (inout WireWriter, Value) -> Void) {
        write(value != nil)
        if let value { body(&self, value) }
    }

    mutating func write<Element>(_ values: [Element], _ body: (inout WireWriter, Element) -> Void) {
        write(UInt32(values.count))
        for value in values { body(&self, value) }
    }
}

/// Reads what ``WireWriter`` wrote. The other side may be a broken process, so every length is checked.
struct WireReader {
    private let bytes: [UInt8]
    private var offset = 0

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    mutating func read<Value: FixedWidthInteger>(_ type: Value.Type = Value.self) throws(PluginFailure)
        -> Value
    {
        let size = MemoryLayout<Value>.size
        let start = try take(size)
        return bytes.withUnsafeBytes {
            Value(littleEndian: $0.loadUnaligned(fromByteOffset: start, as: Value.self))
        }
    }

    mutating func readBool() throws(PluginFailure) -> Bool { try read(UInt8.self) != 0 }
    mutating func readFloat() throws(PluginFailure) -> Float { Float(bitPattern: try read()) }
    mutating func readDouble() throws(PluginFailure) -> Double { Double(bitPattern: try read()) }

    mutating func readSamples() throws(PluginFailure) -> [Float] {
        let count = Int(try read(UInt32.self))
        let start = try take(count * MemoryLayout<Float>.size)
        return [Float](unsafeUninitializedCapacity: count) { samples, initialized in
            bytes.withUnsafeBytes {
                UnsafeMutableRawBufferPointer(samples).copyMemory(
                    from: UnsafeRawBufferPointer(
                        rebasing: $0[start..<start + count * MemoryLayout<Float>.size]))
            }
            initialized = count
        }
    }

    mutating func readString() throws(PluginFailure) -> String {
        let count = Int(try read(UInt32.self))
        let start = try take(count)
        return String(decoding: bytes[start..<start + count], as: UTF8.self)
    }

    mutating func readOptional<Value>(
        _ body: (inout WireReader) throws(PluginFailure) -> Value
    ) throws(PluginFailure) -> Value? {
        try readBool() ? try body(&self) : nil
    }

    mutating func readArray<Element>(
        _ body: (inout WireReader) throws(PluginFailure) -> Element
    ) throws(PluginFailure) -> [Element] {
        let count = Int(try read(UInt32.self))
        // Every element takes at least a byte. In memory it may take a hundred, so room comes with what is read.
        guard count <= bytes.count - offset else { throw Self.cut }
        var values: [Element] = []
        values.reserveCapacity(min(count, 1024))
        for _ in 0..<count { values.append(try body(&self)) }
        return values
    }

    private mutating func take(_ count: Int) throws(PluginFailure) -> Int {
        guard count <= bytes.count - offset else { throw Self.cut }
        defer { offset += count }
        return offset
    }

    private static let cut = PluginFailure(.violation, "a message between host and worker is cut short")
}
