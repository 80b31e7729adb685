/// The list of tensors that follows the metadata, with every extent checked against the file.
struct GGUFDirectory {
    private(set) var tensors: [GGUFTensor] = []
    /// Where each name stands in `tensors`.
    private(set) var index: [String: Int] = [:]

    /// Reads `count` entries; the data starts at the next multiple of `alignment` bytes after them.
    init(
        _ reader: inout ByteReader, count: Int, alignment: Int, types: GGUFTypes
    ) throws(GGUFError) {
        guard alignment > 0, alignment.isMultiple(of: 8), alignment <= 1 << 30 else {
            throw reader.error(
                "general.alignment", expected: "a multiple of 8 up to 2^30", found: "\(alignment)")
        }
        var entries: [Entry] = []
        for position in 0..<count {
            let entry = try Entry(&reader, position: position, alignment: alignment, types: types)
            guard index.updateValue(position, forKey: entry.name) == nil else {
                throw reader.error("tensor \(entry.name)", expected: "one entry", found: "the name twice")
            }
            entries.append(entry)
        }
        let start = (reader.offset + alignment - 1) / alignment * alignment
        let room = max(0, reader.file.bytes.count - start)
        for entry in entries {
            guard entry.byteCount <= room, entry.offset <= room - entry.byteCount else {
                throw reader.error(
                    "tensor \(entry.name)",
                    expected: "\(entry.byteCount) bytes at offset \(entry.offset) of the tensor data",
                    found: "only \(room) bytes of it: the file is truncated or its directory is damaged")
            }
        }
        try Self.checkApart(entries, reader)
        tensors = entries.map { entry in
            let first = start + entry.offset
            return GGUFTensor(
                name: entry.name, shape: entry.shape, type: entry.type, file: reader.file,
                range: first..<first + entry.byteCount)
        }
    }

    private static func checkApart(_ entries: [Entry], _ reader: ByteReader) throws(GGUFError) {
        let sorted = entries.sorted { $0.offset < $1.offset }
        for (first, second) in zip(sorted, sorted.dropFirst())
        where first.offset + first.byteCount > second.offset {
            throw reader.error(
                "tensor \(second.name)",
                expected: "data of its own, from offset \(first.offset + first.byteCount) on",
                found: "offset \(second.offset), inside tensor \(first.name)")
        }
    }
}

/// One tensor as the directory describes it.
private struct Entry {
    let name: String
    let shape: [Int]
    /// As the file numbers it.
    let type: UInt32
    let byteCount: Int
    /// Bytes from the start of the tensor data.
    let offset: Int

    init(
        _ reader: inout ByteReader, position: Int, alignment: Int, types: GGUFTypes
    ) throws(GGUFError) {
        name = try reader.string("name of tensor \(position)")
        let field = "tensor \(name)"

        let dimensions = try reader.integer(UInt32.self, field)
        guard (1...4).contains(dimensions) else {
            throw reader.error(field, expected: "1 to 4 dimensions", found: "\(dimensions)")
        }
        var extents: [UInt64] = []
        for _ in 0..<dimensions { extents.append(try reader.integer(UInt64.self, field)) }

        let rawType = try reader.integer(UInt32.self, field)
        guard let type = types.type(rawType) else {
            throw reader.error(
                field, expected: "one of the types \(types.names)", found: GGUFTypes.name(rawType))
        }
        self.type = rawType
        guard extents[0].isMultiple(of: UInt64(type.elements)) else {
            throw reader.error(
                field, expected: "rows of a multiple of \(type.elements) elements, the block of \(type.name)",
                found: "\(extents[0])")
        }
        guard let byteCount = Self.byteCount(extents, type) else {
            throw reader.error(
                field, expected: "extents of at least 1 whose size fits in 63 bits", found: "\(extents)")
        }
        self.byteCount = byteCount
        shape = extents.reversed().map(Int.init)

        let rawOffset = try reader.integer(UInt64.self, field)
        guard let offset = Int(exactly: rawOffset), offset.isMultiple(of: alignment) else {
            throw reader.error(
                field, expected: "an offset that is a multiple of \(alignment)", found: "\(rawOffset)")
        }
        self.offset = offset
    }

    /// The size of the data, or nil where an extent is zero or a number on the way there overflows.
    private static func byteCount(_ extents: [UInt64], _ type: GGUFTypes.Block) -> Int? {
        var elements = 1
        for extent in extents {
            guard extent > 0, let extent = Int(exactly: extent) else { return nil }
            let (product, overflow) = elements.multipliedReportingOverflow(by: extent)
            guard !overflow else { return nil }
            elements = product
        }
        let (bytes, overflow) = (elements / type.elements).multipliedReportingOverflow(
            by: type.bytes)
        return overflow ? nil : bytes
    }
}
