/// Reads little-endian values one after the other from a mapped file and never outside it.
struct ByteReader {
    let file: MappedFile
    /// Bytes from the start of the file.
    private(set) var offset: Int

    init(_ file: MappedFile, at offset: Int = 0) {
        precondition(offset >= 0 && offset <= file.bytes.count)
        self.file = file
        self.offset = offset
    }

    var remaining: Int { file.bytes.count - offset }

    mutating func integer<T: FixedWidthInteger>(_: T.Type, _ field: @autoclosure () -> String)
        throws(GGUFError) -> T
    {
        let start = try take(MemoryLayout<T>.size, field)
        return T(littleEndian: file.bytes.loadUnaligned(fromByteOffset: start, as: T.self))
    }

    /// A count of things that take at least `least` bytes each in what is left of the file.
    mutating func count(least: Int, _ field: @autoclosure () -> String) throws(GGUFError) -> Int {
        let found = try integer(UInt64.self, field())
        let most = UInt64(remaining / least)
        guard found <= most else {
            throw error(
                field(), expected: "at most \(most), which is what the rest of the file can hold",
                found: "\(found)")
        }
        return Int(found)
    }

    /// The bytes of a string: a 64-bit length, then that many bytes. Valid while the file is mapped.
    mutating func stringBytes(_ field: @autoclosure () -> String) throws(GGUFError) -> UnsafeRawBufferPointer
    {
        let length = try count(least: 1, field())
        let start = try take(length, field)
        return UnsafeRawBufferPointer(rebasing: file.bytes[start..<start + length])
    }

    /// A string that has to be UTF-8.
    mutating func string(_ field: @autoclosure () -> String) throws(GGUFError) -> String {
        let bytes = try stringBytes(field())
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw error(field(), expected: "UTF-8", found: "other bytes")
        }
        return text
    }

    mutating func skip(_ size: Int, _ field: @autoclosure () -> String) throws(GGUFError) {
        _ = try take(size, field)
    }

    func error(_ field: String, expected: String, found: String) -> GGUFError {
        GGUFError(path: file.path, field: field, expected: expected, found: found)
    }

    /// Moves past `size` bytes and returns where they start.
    private mutating func take(_ size: Int, _ field: () -> String) throws(GGUFError) -> Int {
        guard size <= remaining else {
            throw error(
                field(), expected: "\(size) bytes at offset \(offset)",
                found: "the end of the file after \(remaining): it is truncated")
        }
        defer { offset += size }
        return offset
    }
}
