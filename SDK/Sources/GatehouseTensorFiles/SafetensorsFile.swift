import GatehouseJSON

/// A file in safetensors format, mapped into memory: a 64-bit length, so many bytes of JSON that describe the tensors,
/// then their data without holes.
///
/// Opening checks everything that later reads rely on, so that no view handed out reaches outside the file.
/// Format: https://huggingface.co/docs/safetensors
public final class SafetensorsFile: Sendable {
    /// The longest header that the format allows.
    private static let longestHeader = 100_000_000

    public let path: String
    /// What the file says about itself under `__metadata__`.
    public let metadata: [String: String]
    /// Tensors in the order of their data.
    public let tensors: [SafetensorsTensor]
    /// Bytes of the whole file.
    public let byteCount: Int
    private let index: [String: Int]

    public init(path: String) throws(TensorFileError) {
        let file = try MappedFile(path: path, kind: "safetensors file")
        let header = try Self.header(file)
        guard case .object(let members) = header.value else {
            throw TensorFileError(
                path: path, field: "header", expected: "an object", found: header.value.summary)
        }
        self.path = path
        byteCount = file.bytes.count

        var metadata: [String: String] = [:]
        var tensors: [SafetensorsTensor] = []
        for (name, value) in members {
            if name == "__metadata__" {
                metadata = try Self.metadata(value, path)
            } else {
                tensors.append(try Self.tensor(name, value, file, dataStart: header.dataStart))
            }
        }
        // Of an empty tensor and one that begins where it stands, the empty one comes first.
        tensors.sort {
            ($0.range.lowerBound, $0.range.upperBound) < ($1.range.lowerBound, $1.range.upperBound)
        }
        try Self.checkContiguous(tensors, file, dataStart: header.dataStart)
        // Keys differ in their bytes, names here as Unicode has them: equivalent spellings are one name.
        var index: [String: Int] = [:]
        for (place, tensor) in tensors.enumerated() {
            guard index.updateValue(place, forKey: tensor.name) == nil else {
                throw TensorFileError(
                    path: path, field: "tensor \(tensor.name)", expected: "one entry",
                    found: "the name twice")
            }
        }
        self.metadata = metadata
        self.tensors = tensors
        self.index = index
    }

    public func tensor(named name: String) -> SafetensorsTensor? { index[name].map { tensors[$0] } }

    /// The header's JSON, and where the data begins in the file.
    private static func header(
        _ file: MappedFile
    ) throws(TensorFileError) -> (value: JSONValue, dataStart: Int) {
        func failure(_ field: String, _ expected: String, _ found: String) -> TensorFileError {
            TensorFileError(path: file.path, field: field, expected: expected, found: found)
        }
        let prefix = MemoryLayout<UInt64>.size
        guard file.bytes.count >= prefix else {
            throw failure("header length", "\(prefix) bytes", "a file of \(file.bytes.count)")
        }
        let stored = UInt64(littleEndian: file.bytes.loadUnaligned(as: UInt64.self))
        let room = file.bytes.count - prefix
        guard stored <= UInt64(room) else {
            throw failure(
                "header length", "at most the \(room) bytes that follow",
                "\(stored): truncated, or no safetensors")
        }
        guard stored <= UInt64(longestHeader) else {
            throw failure("header length", "at most \(longestHeader)", "\(stored)")
        }
        let end = prefix + Int(stored)
        let text = UnsafeRawBufferPointer(rebasing: file.bytes[prefix..<end])
        guard text.first == UInt8(ascii: "{") else {
            throw failure("header", "JSON that begins with {", text.first.map { "byte \($0)" } ?? "nothing")
        }
        do {
            return (try JSONValue(parsing: text, repeatedKeys: .refused), end)
        } catch {
            throw failure("header", error.expected, error.found)
        }
    }

    private static func metadata(
        _ value: JSONValue, _ path: String
    ) throws(TensorFileError) -> [String: String] {
        guard case .object(let members) = value else {
            throw TensorFileError(
                path: path, field: "__metadata__", expected: "an object", found: value.summary)
        }
        var metadata: [String: String] = [:]
        for (key, value) in members {
            guard case .string(let text) = value else {
                throw TensorFileError(
                    path: path, field: "__metadata__.\(key)", expected: "a string", found: value.summary)
            }
            metadata[key] = text
        }
        return metadata
    }

    private static func tensor(
        _ name: String, _ value: JSONValue, _ file: MappedFile, dataStart: Int
    ) throws(TensorFileError) -> SafetensorsTensor {
        func failure(_ field: String, _ expected: String, _ found: String) -> TensorFileError {
            TensorFileError(
                path: file.path, field: "tensor \(name)\(field)", expected: expected, found: found)
        }
        func found(_ field: String) -> String { value[field]?.summary ?? "nothing" }
        guard case .object = value else { throw failure("", "an object", value.summary) }
        guard let type = value["dtype"]?.stringValue.flatMap({ SafetensorsType(rawValue: $0) }) else {
            let known = SafetensorsType.allCases.map(\.rawValue).joined(separator: ", ")
            throw failure(".dtype", "one of \(known)", found("dtype"))
        }
        guard let extents = value["shape"]?.arrayValue else {
            throw failure(".shape", "an array of extents", found("shape"))
        }
        var shape: [Int] = []
        for extent in extents {
            guard let number = extent.numberValue?.integer, number >= 0 else {
                throw failure(".shape", "whole numbers from 0 to 2^63 - 1", extent.summary)
            }
            shape.append(number)
        }
        let room = file.bytes.count - dataStart
        guard let offsets = value["data_offsets"]?.arrayValue, offsets.count == 2,
            let begin = offsets[0].numberValue, let end = offsets[1].numberValue
        else { throw failure(".data_offsets", "two offsets", found("data_offsets")) }
        guard let first = begin.unsigned, let last = end.unsigned, first <= last, last <= UInt64(room) else {
            throw failure(
                ".data_offsets", "begin and end within the \(room) bytes of data", "[\(begin), \(end)]")
        }
        guard let byteCount = byteCount(shape, type), byteCount == Int(last - first) else {
            let size = byteCount(shape, type).map { "\($0) bytes" } ?? "a size below 2^63"
            throw failure("", "\(size), which is \(type.rawValue) \(shape)", "\(last - first) bytes")
        }
        return SafetensorsTensor(
            name: name, type: type, shape: shape, file: file,
            range: dataStart + Int(first)..<dataStart + Int(last))
    }

    /// The size of the data, or nil where it overflows.
    private static func byteCount(_ shape: [Int], _ type: SafetensorsType) -> Int? {
        var product = type.byteCount
        for extent in shape {
            let (next, overflow) = product.multipliedReportingOverflow(by: extent)
            guard !overflow else { return nil }
            product = next
        }
        return product
    }

    /// The format allows neither overlaps nor holes nor anything after the last tensor.
    private static func checkContiguous(
        _ tensors: [SafetensorsTensor], _ file: MappedFile, dataStart: Int
    ) throws(TensorFileError) {
        var end = dataStart
        for tensor in tensors {
            guard tensor.range.lowerBound == end else {
                let fault = tensor.range.lowerBound < end ? "overlaps the one before" : "leaves a hole"
                throw TensorFileError(
                    path: file.path, field: "tensor \(tensor.name)",
                    expected: "data from offset \(end - dataStart) on",
                    found: "offset \(tensor.range.lowerBound - dataStart), which \(fault)")
            }
            end = tensor.range.upperBound
        }
        guard end == file.bytes.count else {
            throw TensorFileError(
                path: file.path, field: "file", expected: "\(end) bytes, the end of the last tensor",
                found: "\(file.bytes.count)")
        }
    }
}
